/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Paths as the kernel has them: from the directory entry upwards, over mount points, to the root of
 * the mount namespace. Names the file even if its own name is a link,
 * relative, or was changed by the program after the call.
 */
#ifndef SPOOR_PATH_H
#define SPOOR_PATH_H

#include "sensor/bpf/emit.h"

#define PATH_COMPONENTS_MAX 48

/* Puts `/name` (or `name`, if `slash` is not set) before what is there. False: no room. */
static __always_inline bool path__prepend(struct chunk_slot *slot, struct dentry *dentry, bool slash)
{
	/* From memory every time: the verifier then knows nothing of its value and can see that the
	 * loop's turns are alike, instead of following each length that names may have. */
	__u32 offset = *(volatile __u32 *)&slot->path_offset;
	__u32 length = BPF_CORE_READ(dentry, d_name.len);

	if (length > 255)
		length = 255;
	if (offset > PATH_BYTES_MAX || offset <= length + slash)
		return false;
	offset -= length;
	bpf_probe_read_kernel(&slot->path[offset & (PATH_BYTES_MAX - 1)], length & 255,
			      BPF_CORE_READ(dentry, d_name.name));
	if (slash) {
		offset--;
		slot->path[offset & (PATH_BYTES_MAX - 1)] = '/';
	}
	*(volatile __u32 *)&slot->path_offset = offset;
	return true;
}

/*
 * Builds the path in the slot's `path`, from path_offset to its end. 0: whole, 1: its first
 * components are missing. A global function, so that the verifier goes through the loop once and
 * not for every caller; such functions take plain numbers only (5.10).
 */
__noinline int path__walk(__u64 dentry_address, __u64 mount_address, __u32 key)
{
	struct chunk_slot *slot = bpf_map_lookup_elem(&slots, &key);
	struct dentry *dentry = (void *)dentry_address;
	struct vfsmount *vfsmount = (void *)mount_address;

	if (!slot)
		return 1;
	slot->path_offset = PATH_BYTES_MAX;
	for (int i = 0; i < PATH_COMPONENTS_MAX; i++) {
		struct dentry *top = BPF_CORE_READ(vfsmount, mnt_root);
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == top) {
			struct mount *mount = KCONTAINER(struct mount, mnt, vfsmount);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount || !above)
				return 0;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			vfsmount = (void *)((__u64)above + bpf_core_field_offset(struct mount, mnt));
			continue;
		}
		if (dentry == parent || !parent) /* hangs in no folder: memfd, pipe */
			return !path__prepend(slot, dentry, false);
		if (!path__prepend(slot, dentry, true))
			return 1;
		dentry = parent;
	}
	return 1;
}

/* Copies what path__walk built; a path without components is the root itself. */
static __always_inline void tail__take_path(struct writer *w, struct tail *tail, bool truncated)
{
	__u32 offset = *(volatile __u32 *)&w->slot->path_offset;
	__u8 *place = tail__place(w);

	if (offset >= PATH_BYTES_MAX) {
		place[0] = '/';
		tail__take(w, tail, 1, TAIL_WHOLE);
		return;
	}
	__u32 length = (PATH_BYTES_MAX - offset) & (PATH_BYTES_MAX - 1);
	bpf_probe_read_kernel(place, length, &w->slot->path[offset & (PATH_BYTES_MAX - 1)]);
	tail__take(w, tail, length, truncated ? TAIL_TRUNCATED : TAIL_WHOLE);
}

/* `path` from the root of its mount namespace: what a process in a chroot calls otherwise is one file,
 * and must not be taken for the one of the same name outside. */
static __always_inline void tail__fill_path(struct writer *w, struct tail *tail, struct path *path)
{
	tail__take_path(w, tail, path__walk(KADDRESS(path, dentry), KADDRESS(path, mnt), w->key));
}

static __always_inline void tail__fill_file_path(struct writer *w, struct tail *tail,
						 struct file *file)
{
	tail__fill_path(w, tail, &file->f_path);
}

static __always_inline void tail__fill_working_directory(struct writer *w, struct tail *tail)
{
	struct fs_struct *fs = BPF_CORE_READ(task__current(), fs);

	tail__fill_path(w, tail, &fs->pwd);
}

/* The folder that a relative path of the call starts at; nothing for an absolute path. */
static __always_inline void tail__fill_base(struct writer *w, struct tail *tail, __s32 directory_fd,
					    __u64 user_path)
{
	char first = 0;

	bpf_probe_read_user(&first, 1, (void *)user_path);
	if (first == '/')
		return;
	if (directory_fd == AT_FDCWD) {
		tail__fill_working_directory(w, tail);
		return;
	}
	struct file *folder = task__file(task__current(), directory_fd);
	if (folder)
		tail__fill_file_path(w, tail, folder);
}

#endif
