/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Recording calls that name files, by path or descriptor. The objects of those that do it by path: looked up as the call ends, while the names that it used
 * are still in the kernel's memory; of names that the call takes away, as it begins. What is filled in
 * is what the path led to; where that is not known, nothing is.
 */
#ifndef SPOOR_NAMED_H
#define SPOOR_NAMED_H

#include "sensor/bpf/resolve.h"

#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_SYMLINK_FOLLOW 0x400

/* A call on one path or one descriptor. */
struct path_call {
	__u64 user_path;    /* 0: the call has a descriptor instead */
	__u64 value;
	__s32 directory_fd;
	__s32 fd;
	__u32 call_flags;
};

#ifdef SPOOR_DIRECT

/* Thread -> what the name that its running call takes away leads to. */
struct removal {
	struct object_ref object; /* none: to nothing */
	__u64 parent_dentry;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct removal);
} removals SEC(".maps");

static __always_inline bool call__removes(__u64 nr)
{
	return nr == NR_UNLINK || nr == NR_UNLINKAT || nr == NR_RMDIR;
}

static __always_inline bool call__renames(__u64 nr)
{
	return nr == NR_RENAME || nr == NR_RENAMEAT || nr == NR_RENAMEAT2;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct removal removal = {};
	struct walk *walk;

	if ((!call__removes(nr) && !call__renames(nr)) ||
	    KREAD(task__current(), thread_info.status) & TS_COMPAT || scope__of_current() == SCOPE_NONE)
		return 0;
	bpf_map_delete_elem(&removals, &thread);
	walk = walk__take();
	if (!walk)
		return 0;
	__u64 user_path = nr == NR_UNLINK || nr == NR_RMDIR   ? KREAD(regs, di)
			  : nr == NR_UNLINKAT || nr == NR_RENAME ? KREAD(regs, si)
								 : KREAD(regs, r10);
	__s32 directory_fd = nr == NR_UNLINKAT				 ? (__s32)KREAD(regs, di)
			     : nr == NR_RENAMEAT || nr == NR_RENAMEAT2 ? (__s32)KREAD(regs, dx)
								       : AT_FDCWD;
	int status = walk__path(user_path, directory_fd, 0);
	if (status == WALK_FOUND) {
		struct dentry *dentry = KCAST(struct dentry, walk->dentry);
		object__fill_inode(&removal.object, KREAD(dentry, d_inode));
	}
	/* That there is nothing of that name is known where the kernel remembers it. */
	if (status == WALK_FOUND || (status == WALK_ABSENT && walk->found)) {
		removal.parent_dentry = walk->parent_dentry;
		bpf_map_update_elem(&removals, &thread, &removal, BPF_ANY);
	}
	walk__release(walk);
	return 0;
}

/* The path of the last name that was looked for, whether it is there or not. */
static __always_inline void tail__fill_walked_name(struct writer *w, struct tail *tail,
						   struct walk *walk)
{
	if (!walk->parent_dentry)
		return;
	bool cut = path__walk(walk->parent_dentry, walk->parent_mount, w->key);
	__u32 offset = *(volatile __u32 *)&w->slot->path_offset;
	__u32 length = offset >= PATH_BYTES_MAX ? 0 : (PATH_BYTES_MAX - offset) & (PATH_BYTES_MAX - 1);
	__u32 last_bytes = walk->last_bytes & (WALK_NAME_BYTES - 1);
	__u8 *place = tail__place(w);

	bpf_probe_read_kernel(place, length, &w->slot->path[offset & (PATH_BYTES_MAX - 1)]);
	place[length] = '/';
	bpf_probe_read_kernel(place + length + 1, last_bytes, walk->name);
	tail__take(w, tail, length + 1 + last_bytes, cut ? TAIL_TRUNCATED : TAIL_WHOLE);
}

static __always_inline void tail__fill_walked(struct writer *w, struct tail *tail, struct walk *walk)
{
	tail__take_path(w, tail, path__walk(walk->dentry, walk->mount, w->key));
}

static __always_inline __u64 walk__inode(struct walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;

	return KADDRESS(dentry, d_inode);
}

static __always_inline void object__fill_walked(struct object_ref *ref, struct walk *walk)
{
	struct dentry *dentry = KCAST(struct dentry, walk->dentry);

	object__fill_inode(ref, KREAD(dentry, d_inode));
}

/* Whether the call changes what a link at the path's end leads to, and not the link. */
static __always_inline bool call__follows(const struct path_call *call, __u64 nr)
{
	if (nr == NR_FCHMODAT2 || nr == NR_FCHOWNAT || nr == NR_UTIMENSAT || nr == NR_SETXATTRAT ||
	    nr == NR_REMOVEXATTRAT)
		return !(call->call_flags & AT_SYMLINK_NOFOLLOW);
	return nr == NR_CHMOD || nr == NR_FCHMODAT || nr == NR_CHOWN || nr == NR_TRUNCATE ||
	       nr == NR_CHDIR || nr == NR_CHROOT || nr == NR_UTIME || nr == NR_UTIMES ||
	       nr == NR_FUTIMESAT || nr == NR_SETXATTR || nr == NR_REMOVEXATTR || nr == NR_MOUNT ||
	       nr == NR_UMOUNT2 || nr == NR_MOVE_MOUNT;
}

/* Whether it is known what the walked name led to as the call began: `object`, then. */
static __always_inline bool object__fill_removed(struct object_ref *object, struct walk *walk)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct removal *removal = bpf_map_lookup_elem(&removals, &thread);
	bool known = false;

	/* Where both looks went to another folder, somebody changed the path in between. */
	if (removal && removal->parent_dentry && removal->parent_dentry == walk->parent_dentry) {
		*object = removal->object;
		known = true;
	}
	bpf_map_delete_elem(&removals, &thread);
	return known;
}

static __always_inline void named__fill(struct writer *w, struct named_path_record *record,
					const struct path_call *call, __u64 nr)
{
	struct walk *walk = walk__take();
	char first = 0;

	if (!walk)
		return;
	bpf_probe_read_user(&first, 1, (void *)call->user_path);
	struct file *file = !first && call->call_flags & AT_EMPTY_PATH
				    ? task__file(task__current(), call->directory_fd)
				    : NULL;
	if (file) {
		object__fill(&record->call.object, file);
		tail__fill_file_path(w, &record->call.path, file);
	} else {
		int status = walk__path(call->user_path, call->directory_fd, call__follows(call, nr));
		if (record->header.result == 0 && call__removes(nr)) {
			object__fill_removed(&record->call.object, walk);
			tail__fill_walked_name(w, &record->call.path, walk);
		} else if (status == WALK_FOUND) {
			object__fill_walked(&record->call.object, walk);
			tail__fill_walked(w, &record->call.path, walk);
		} else if (status == WALK_ABSENT) {
			tail__fill_walked_name(w, &record->call.path, walk);
		}
	}
	walk__release(walk);
}

static __always_inline void named__fill_two(struct writer *w, struct replacing_path_record *replacing,
					    const struct path_call *old, const struct path_call *new,
					    __u64 nr)
{
	struct named_path_record *record = &replacing->named;
	struct walk *walk = walk__take();
	bool is_symlink = nr == NR_SYMLINK || nr == NR_SYMLINKAT;
	bool is_link = nr == NR_LINK || nr == NR_LINKAT;
	struct tail *new_tail = is_symlink ? &record->call.path : &record->other_path;
	__u64 inode = 0;

	if (!walk)
		return;
	int status = walk__path(new->user_path, new->directory_fd, 0);
	if (call__renames(nr) && object__fill_removed(&replacing->replaced, walk))
		record->header.flags |= RECORD_FLAG_REPLACES;
	if (status == WALK_FOUND) {
		if (record->header.result == 0) {
			object__fill_walked(&record->call.object, walk);
			inode = walk__inode(walk);
		}
		tail__fill_walked(w, new_tail, walk);
	} else if (status == WALK_ABSENT) {
		tail__fill_walked_name(w, new_tail, walk);
	}
	if (!is_symlink) {
		status = walk__path(old->user_path, old->directory_fd,
				    is_link && record->call.call_flags & AT_SYMLINK_FOLLOW);
		if (status == WALK_FOUND && record->header.result != 0)
			object__fill_walked(&record->call.object, walk);
		/* Both names of a link lead to one file, or the old one was something else's. */
		if (!is_link && status != WALK_UNKNOWN)
			tail__fill_walked_name(w, &record->call.path, walk);
		else if (status == WALK_FOUND &&
			 (!inode || inode == walk__inode(walk)))
			tail__fill_walked(w, &record->call.path, walk);
	}
	walk__release(walk);
}

#else

static __always_inline void named__fill(struct writer *w, struct named_path_record *record,
					const struct path_call *call, __u64 nr)
{
}

static __always_inline void named__fill_two(struct writer *w, struct replacing_path_record *replacing,
					    const struct path_call *old, const struct path_call *new,
					    __u64 nr)
{
}

#endif

/* Where the process is after chdir, fchdir and chroot. */
static __always_inline void path__fill_place(struct writer *w, struct path_record *record, __u64 nr)
{
	struct fs_struct *fs = BPF_CORE_READ(task__current(), fs);
	struct path *place = nr == NR_CHROOT ? &fs->root : &fs->pwd;
	struct dentry *dentry = KCAST(struct dentry, KADDRESS(place, dentry));

	object__fill_inode(&record->object, KREAD(dentry, d_inode));
	tail__fill_path(w, &record->path, place);
}

/* Records the call; `other` is a string that is no path, or 0. */
static __noinline int path_call__record(struct pt_regs *regs, long result, struct path_call *passed,
					__u64 other)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct path_call call = *passed;
	struct writer w;

	if (result__is_restart(result) ||
	    !record__begin(&w, RECORD_PATH, LOSS_NAMESPACE, sizeof(struct named_path_record), nr,
			   result))
		return 0;
	struct named_path_record *record = (void *)w.record;
	record->header.flags |= RECORD_FLAG_NAMED;
	record->call.value = call.value;
	record->call.fd = call.fd;
	record->call.call_flags = call.call_flags;
	if (call.user_path) {
		tail__fill_base(&w, &record->call.base, call.directory_fd, call.user_path);
		tail__fill_user_string(&w, &record->call.user_path, call.user_path);
	}
	if (result == 0 && (nr == NR_CHDIR || nr == NR_FCHDIR || nr == NR_CHROOT)) {
		path__fill_place(&w, &record->call, nr);
	} else if (call.fd >= 0) {
		struct file *file = task__file(task__current(), call.fd);
		if (file) {
			object__fill(&record->call.object, file);
			tail__fill_file_path(&w, &record->call.path, file);
		}
	} else if (call.user_path) {
		named__fill(&w, record, &call, nr);
	}
	if (other)
		tail__fill_user_string(&w, &record->call.other_user_path, other);
	record__end(&w);
	return 0;
}

/* fcntl F_SETFD, ioctl FIOCLEX and FIONCLEX: a dup to itself, with what the table says after it. */
static __always_inline void descriptor__record_flags(struct pt_regs *regs, long result)
{
	struct task_struct *task = task__current();
	__s32 fd = KREAD(regs, di);
	struct file *file = task__file(task, fd);
	struct writer w;

	if (result < 0 || !file ||
	    !record__begin(&w, RECORD_DUP, LOSS_DESCRIPTOR, sizeof(struct descriptor_record),
			   KREAD(regs, orig_ax), fd))
		return;
	struct descriptor_record *record = (void *)w.record;
	record->fd = fd;
	record->other_fd = fd;
	record->descriptor_flags = task__closes_on_exec(task, fd) ? O_CLOEXEC : 0;
	object__fill(&record->object, file);
	record__end(&w);
}

#endif
