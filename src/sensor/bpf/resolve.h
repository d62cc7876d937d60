/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What a path leads to: followed as the kernel follows it, from the caller's own root, working folder
 * or descriptor, over links, `..` and mount points, through the directory entries that the kernel holds
 * in memory. A call that has just used a name leaves its entries there. Where one is missing, or a
 * link is of those that only the kernel can follow (/proc/self), the answer is "not known" and never
 * another file of the same name.
 *
 * The entries are read without locks: every one taken must name its parent and be of the name that
 * was looked for. Another thread that changes folders or the string meanwhile can still mislead us.
 */
#ifndef SPOOR_RESOLVE_H
#define SPOOR_RESOLVE_H

#include "sensor/bpf/path.h"

/* What became of it. */
#define WALK_FOUND 1
#define WALK_ABSENT 2  /* the folder is known, and has no such entry */
#define WALK_UNKNOWN 3

#ifdef SPOOR_DIRECT

#define WALK_TEXT_BYTES 4096 /* of a path; in front of it there is as much room for links */
#define WALK_TEXT_MASK (2 * WALK_TEXT_BYTES - 1)
#define WALK_NAME_BYTES 256
#define WALK_LINKS_MAX 40      /* linux/namei.h: MAXSYMLINKS */
#define WALK_CHILDREN_MAX 8192 /* of a folder; the newest come first */
#define WALK_MOUNTS_MAX 4096
#define WALK_STACKED_MAX 8 /* mounts on one folder */

struct walk {
	__u32 busy; /* kernels from 7.0 on may let another program of this CPU in between */
	__u32 at; /* in text: the next character */
	__u32 name_bytes;
	__u32 links;
	__u32 status; /* 0 while it goes on */
	__u32 follow; /* the last link, too */
	__u64 dentry, mount;
	__u64 root_dentry, root_mount;
	__u64 parent_dentry, parent_mount; /* where the last name was looked for */
	__u64 found;
	__u32 last_bytes, pad; /* of the last name, which is in `name` */
	__u8 text[2 * WALK_TEXT_BYTES + WALK_NAME_BYTES];
	__u8 name[WALK_NAME_BYTES + 8]; /* zeros behind it */
	__u8 other[WALK_NAME_BYTES + 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline struct walk *walk__get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/* This CPU's walk, until walk__release; NULL if a program that was interrupted has it. */
static __always_inline struct walk *walk__take(void)
{
	struct walk *walk = walk__get();

	return walk && __sync_lock_test_and_set(&walk->busy, 1) == 0 ? walk : NULL;
}

static __always_inline void walk__release(struct walk *walk)
{
	*(volatile __u32 *)&walk->busy = 0;
}

/* Where a bpf_loop over a list is. */
struct walk_cursor {
	__u64 node;
	__u64 end;
};

/* Whether `dentry` is the entry that is looked for. */
static __always_inline bool walk__is_it(struct walk *walk, struct dentry *dentry)
{
	__u32 length = BPF_CORE_READ(dentry, d_name.len);
	__u64 *wanted = (void *)walk->name, *there = (void *)walk->other;

	if (length != walk->name_bytes || length >= WALK_NAME_BYTES ||
	    KADDRESS(dentry, d_parent) != walk->dentry ||
	    BPF_CORE_READ(dentry, d_hash.pprev) == NULL)
		return false;
	__u32 last = (length / 8) & (WALK_NAME_BYTES / 8 - 1);
	there[last] = 0;
	if (bpf_probe_read_kernel(there, length & (WALK_NAME_BYTES - 1),
				  BPF_CORE_READ(dentry, d_name.name)))
		return false;
	for (__u32 i = 0; i < WALK_NAME_BYTES / 8 && i <= last; i++)
		if (wanted[i] != there[i])
			return false;
	return true;
}

static int walk__look_at_child(__u32 index, struct walk_cursor *cursor)
{
	struct walk *walk = walk__get();

	if (!walk || cursor->node == cursor->end)
		return 1;
	struct dentry *dentry = KCONTAINER(struct dentry, d_sib, cursor->node);
	if (walk__is_it(walk, dentry)) {
		walk->found = (__u64)dentry;
		return 1;
	}
	cursor->node = KADDRESS(dentry, d_sib.next);
	return 0;
}

static int walk__look_at_old_child(__u32 index, struct walk_cursor *cursor)
{
	struct walk *walk = walk__get();

	if (!walk || cursor->node == cursor->end || !cursor->node)
		return 1;
	struct dentry___before_6_8 *dentry =
		KCONTAINER(struct dentry___before_6_8, d_child, cursor->node);
	if (walk__is_it(walk, (void *)dentry)) {
		walk->found = (__u64)dentry;
		return 1;
	}
	cursor->node = KADDRESS(dentry, d_child.next);
	return 0;
}

/* Sets `found` to the entry called `name` in the folder where the walk is, or to 0. */
static __always_inline void walk__find_child(struct walk *walk)
{
	struct dentry *folder = (void *)walk->dentry;
	struct dentry___before_6_8 *old = (void *)walk->dentry;
	struct walk_cursor cursor = {};

	walk->found = 0;
	if (bpf_core_field_exists(folder->d_children)) {
		cursor.node = KADDRESS(folder, d_children.first);
		bpf_loop(WALK_CHILDREN_MAX, walk__look_at_child, &cursor, 0);
	} else {
		cursor.node = KADDRESS(old, d_subdirs.next);
		cursor.end = walk->dentry + bpf_core_field_offset(struct dentry___before_6_8, d_subdirs);
		bpf_loop(WALK_CHILDREN_MAX, walk__look_at_old_child, &cursor, 0);
	}
}

static int walk__look_at_mount(__u32 index, struct walk_cursor *cursor)
{
	struct walk *walk = walk__get();

	if (!walk || cursor->node == cursor->end || !cursor->node)
		return 1;
	struct mount *mount = KCONTAINER(struct mount, mnt_child, cursor->node);
	if (KADDRESS(mount, mnt_mountpoint) == walk->dentry) {
		walk->found = (__u64)mount;
		return 1;
	}
	cursor->node = KADDRESS(mount, mnt_child.next);
	return 0;
}

static __always_inline struct mount *walk__mount(struct walk *walk)
{
	return KCONTAINER(struct mount, mnt, walk->mount);
}

/* From a mount point to what is mounted on it. */
static __always_inline void walk__enter_mounts(struct walk *walk)
{
	for (int i = 0; i < WALK_STACKED_MAX; i++) {
		struct dentry *dentry = (void *)walk->dentry;
		struct mount *mount = walk__mount(walk);
		/* An enumerator since 6.14 or so; a macro of this value before. */
		__u32 mounted = bpf_core_enum_value_exists(enum dentry_flags, DCACHE_MOUNTED)
					? bpf_core_enum_value(enum dentry_flags, DCACHE_MOUNTED)
					: 0x10000;
		if (!(BPF_CORE_READ(dentry, d_flags) & mounted))
			return;
		struct walk_cursor cursor = {
			.node = KADDRESS(mount, mnt_mounts.next),
			.end = (__u64)mount + bpf_core_field_offset(struct mount, mnt_mounts),
		};
		walk->found = 0;
		bpf_loop(WALK_MOUNTS_MAX, walk__look_at_mount, &cursor, 0);
		if (!walk->found)
			return; /* mounted on in another namespace */
		struct mount *on_top = (void *)walk->found;
		walk->dentry = KADDRESS(on_top, mnt.mnt_root);
		walk->mount = walk->found + bpf_core_field_offset(struct mount, mnt);
	}
	walk->status = WALK_UNKNOWN;
}

static __always_inline void walk__go_up(struct walk *walk)
{
	for (int i = 0; i < WALK_STACKED_MAX; i++) {
		struct vfsmount *vfsmount = (void *)walk->mount;
		struct dentry *dentry = (void *)walk->dentry;
		struct mount *mount = walk__mount(walk);
		if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount)
			return;
		if (walk->dentry != KADDRESS(vfsmount, mnt_root)) {
			walk->dentry = KADDRESS(dentry, d_parent);
			walk__enter_mounts(walk);
			return;
		}
		__u64 above = KADDRESS(mount, mnt_parent);
		if (above == (__u64)mount)
			return;
		walk->dentry = KADDRESS(mount, mnt_mountpoint);
		walk->mount = above + bpf_core_field_offset(struct mount, mnt);
	}
	walk->status = WALK_UNKNOWN;
}

/* Puts the link's text before what is left of the path. */
static __always_inline void walk__follow_link(struct walk *walk, struct inode *inode)
{
	const char *link = BPF_CORE_READ(inode, i_link);
	__u32 at = walk->at;

	walk->status = WALK_UNKNOWN;
	if (!link || walk->links++ >= WALK_LINKS_MAX)
		return;
	long size = bpf_probe_read_kernel_str(walk->other, WALK_NAME_BYTES, link);
	if (size <= 1 || size >= WALK_NAME_BYTES || at < size)
		return;
	__u32 length = (size - 1) & (WALK_NAME_BYTES - 1);
	at = (at - length) & WALK_TEXT_MASK;
	if (bpf_probe_read_kernel(&walk->text[at], length, walk->other))
		return;
	walk->at = at;
	walk->status = 0;
	if (walk->text[at] == '/') {
		walk->dentry = walk->root_dentry;
		walk->mount = walk->root_mount;
	}
}

/* One name further; `last`: nothing comes behind it. */
static __always_inline void walk__take_name(struct walk *walk, bool last)
{
	__u8 *name = walk->name;
	__u32 length = walk->name_bytes;

	if (length == 1 && name[0] == '.')
		return;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		walk__go_up(walk);
		return;
	}
	struct dentry *folder = (void *)walk->dentry;
	walk->parent_dentry = walk->dentry;
	walk->parent_mount = walk->mount;
	/* Names that are compared in a way of the file system's own. */
	if (BPF_CORE_READ(folder, d_flags) & 2 /* DCACHE_OP_COMPARE */) {
		walk->status = WALK_UNKNOWN;
		return;
	}
	walk__find_child(walk);
	struct dentry *child = (void *)walk->found;
	struct inode *inode = child ? BPF_CORE_READ(child, d_inode) : NULL;
	if (!inode) {
		walk->status = last ? WALK_ABSENT : WALK_UNKNOWN;
		return;
	}
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFLNK && (!last || walk->follow)) {
		walk__follow_link(walk, inode);
		return;
	}
	walk->dentry = (__u64)child;
	walk__enter_mounts(walk);
}

static int walk__take_character(__u32 index, void *unused)
{
	struct walk *walk = walk__get();

	if (!walk || walk->status)
		return 1;
	__u32 at = walk->at & WALK_TEXT_MASK;
	__u8 character = walk->text[at];
	if (character && character != '/') {
		if (walk->name_bytes >= WALK_NAME_BYTES - 1) {
			walk->status = WALK_UNKNOWN;
			return 1;
		}
		walk->name[walk->name_bytes & (WALK_NAME_BYTES - 1)] = character;
		walk->name_bytes++;
		walk->at = at + 1;
		return 0;
	}
	if (walk->name_bytes) {
		/* Eight zeros behind the name, for the comparison word by word. */
		*(__u64 *)&walk->name[walk->name_bytes & (WALK_NAME_BYTES - 1)] = 0;
		walk->last_bytes = walk->name_bytes;
		walk__take_name(walk, !character);
		walk->name_bytes = 0;
		/* A link was put before `at`, which then is not at this character any more. */
		if (walk->at != at)
			return 0;
	}
	if (!character) {
		if (!walk->status)
			walk->status = WALK_FOUND;
		return 1;
	}
	walk->at = at + 1;
	return 0;
}

/* Where the path begins; false if that is not known. */
static __always_inline bool walk__begin(struct walk *walk, __s32 directory_fd)
{
	struct task_struct *task = task__current();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	walk->root_dentry = KADDRESS(fs, root.dentry);
	walk->root_mount = KADDRESS(fs, root.mnt);
	if (walk->text[WALK_TEXT_BYTES] == '/') {
		walk->dentry = walk->root_dentry;
		walk->mount = walk->root_mount;
	} else if (directory_fd == AT_FDCWD) {
		walk->dentry = KADDRESS(fs, pwd.dentry);
		walk->mount = KADDRESS(fs, pwd.mnt);
	} else {
		struct file *folder = task__file(task, directory_fd);
		if (!folder)
			return false;
		walk->dentry = KADDRESS(folder, f_path.dentry);
		walk->mount = KADDRESS(folder, f_path.mnt);
	}
	return true;
}

/*
 * Follows the path at `user_path`, which begins at `directory_fd` if it is relative; the answer is in
 * this CPU's walk, which is ours: walk__take came before. A global function: the verifier goes through
 * it once.
 */
__noinline int walk__path(__u64 user_path, __s32 directory_fd, __u32 follow)
{
	struct walk *walk = walk__get();

	if (!walk)
		return WALK_UNKNOWN;
	long size = bpf_probe_read_user_str(&walk->text[WALK_TEXT_BYTES], WALK_TEXT_BYTES,
					    (void *)user_path);
	walk->parent_dentry = walk->parent_mount = 0;
	walk->status = WALK_UNKNOWN;
	if (size <= 1 || size >= WALK_TEXT_BYTES || !walk__begin(walk, directory_fd))
		return WALK_UNKNOWN;
	walk->at = WALK_TEXT_BYTES;
	walk->name_bytes = walk->links = walk->status = 0;
	walk->follow = follow;
	bpf_loop(4 * WALK_TEXT_BYTES, walk__take_character, NULL, 0);
	if (!walk->status)
		walk->status = WALK_UNKNOWN;
	return walk->status;
}

#endif

#endif
