/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Reading kernel objects. This folder is compiled twice: with SPOOR_DIRECT members are loaded
 * directly (about 1 ns each), which needs bpf_get_current_task_btf (5.11) and bpf_rdonly_cast
 * (6.2); without, each is one bpf_probe_read_kernel call, which every kernel since 5.8 has. A
 * pointer that turns out to be NULL reads as zeros in both.
 */
#ifndef SPOOR_READ_H
#define SPOOR_READ_H

#include <bpf/bpf_endian.h>

#include "sensor/bpf/maps.h"

#ifdef SPOOR_DIRECT
void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym;
#define KREAD(pointer, member) ((pointer)->member)
#define KREAD2(pointer, first, second) ((pointer)->first->second)
#define KCAST(type, address) \
	((type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(type)))
static __always_inline struct task_struct *task__current(void)
{
	return bpf_get_current_task_btf();
}
#else
#define KREAD(pointer, member) BPF_CORE_READ(pointer, member)
#define KREAD2(pointer, first, second) BPF_CORE_READ(pointer, first, second)
#define KCAST(type, address) ((type *)(address))
static __always_inline struct task_struct *task__current(void)
{
	return (struct task_struct *)bpf_get_current_task();
}
#endif

/* The address of an object of `type` whose `member` is at `address`. */
#define KCONTAINER(type, member, address) \
	((void *)((__u64)(address) - bpf_core_field_offset(type, member)))

/* A member as a plain number, which global functions accept where a pointer is refused. */
#define KADDRESS(pointer, member) ((__u64)BPF_CORE_READ(pointer, member))

#define PTY_MASTER_MAJOR 128 /* to 135; slaves 136 to 143: Documentation/admin-guide/devices.txt */
#define PTY_SLAVE_MAJOR 136
#define TERMIOS_ICANON 0x2
#define TERMIOS_ECHO 0x8
#define ANONYMOUS_FS_MAGIC 0x09041934 /* uapi linux/magic.h */
#define PID_FS_MAGIC 0x50494446
#define TMPFS_MAGIC 0x01021994
#define PROC_FS_MAGIC 0x9fa0
#define OVERLAY_FS_MAGIC 0x794c7630

/* The open file behind descriptor `fd` of `task`, or NULL. */
static __always_inline struct file *task__file(struct task_struct *task, __s32 fd)
{
	struct files_struct *files = KREAD(task, files);
	struct fdtable *table = KREAD(files, fdt);
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= KREAD(table, max_fds))
		return NULL;
	struct file **entries = KREAD(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &entries[fd]);
	if (!file)
		return NULL;
	return KCAST(struct file, file);
}

/* Whether exec closes the descriptor: asked of the table itself, since so many calls can say it. */
static __always_inline bool task__closes_on_exec(struct task_struct *task, __s32 fd)
{
	struct files_struct *files = KREAD(task, files);
	struct fdtable *table = KREAD(files, fdt);
	unsigned long bits = 0;

	if (fd < 0 || (__u32)fd >= KREAD(table, max_fds))
		return false;
	unsigned long *words = KREAD(table, close_on_exec);
	bpf_probe_read_kernel(&bits, sizeof(bits), &words[fd / 64]);
	return bits >> (fd % 64) & 1;
}

/* The terminal of a character device's open file, or NULL: a tty's private data points back. */
static __always_inline struct tty_struct *file__tty(struct file *file)
{
	void *private = KREAD(file, private_data);

	if (!private)
		return NULL;
	struct tty_file_private *link = KCAST(struct tty_file_private, private);
	if ((__u64)KREAD(link, file) != (__u64)file)
		return NULL;
	return KREAD(link, tty);
}

static __always_inline bool tty__is_master(struct tty_struct *tty)
{
	int major = KREAD2(tty, driver, major);

	return major >= PTY_MASTER_MAJOR && major < PTY_SLAVE_MAJOR;
}

static __always_inline bool tty__is_pty(struct tty_struct *tty)
{
	int major = KREAD2(tty, driver, major);

	return major >= PTY_MASTER_MAJOR && major < PTY_SLAVE_MAJOR + 8;
}

/* Echo and line mode are the slave's, whichever end is used. */
static __always_inline void terminal_state__fill(struct terminal_state *state,
						 struct tty_struct *tty)
{
	struct tty_struct *line = tty;
	__u32 modes;

	if (tty__is_master(tty))
		line = KREAD(tty, link);
	state->rows = KREAD(line, winsize.ws_row);
	state->columns = KREAD(line, winsize.ws_col);
	modes = KREAD(line, termios.c_lflag);
	state->flags = TERMINAL_KNOWN | (modes & TERMIOS_ECHO ? TERMINAL_ECHO : 0) |
		       (modes & TERMIOS_ICANON ? TERMINAL_CANONICAL : 0);
	state->pad = 0;
}

/*
 * The inode of the layer that holds the file: an overlay's own have no generation, and the numbers of
 * different layers are the same. A file that is copied up on its first change is another one from then
 * on, as it is in the layers.
 */
static __noinline __u64 overlay__real_inode(__u64 address)
{
	struct ovl_inode *inode =
		KCONTAINER(struct ovl_inode, vfs_inode, address);
	struct ovl_inode___before_6_5 *old = (void *)inode;
	struct dentry *dentry = BPF_CORE_READ(inode, __upperdentry);

	if (!dentry && bpf_core_field_exists(inode->oe) && BPF_CORE_READ(inode, oe, __numlower) > 0)
		dentry = BPF_CORE_READ(inode, oe, __lowerstack[0].dentry);
	else if (!dentry && bpf_core_field_exists(old->lowerpath))
		dentry = BPF_CORE_READ(old, lowerpath.dentry);
	else if (!dentry && bpf_core_field_exists(old->lower))
		return KADDRESS(old, lower);
	return dentry ? KADDRESS(dentry, d_inode) : 0;
}

static __always_inline void object__fill_inode(struct object_ref *ref, struct inode *inode)
{
	if (bpf_core_type_exists(struct ovl_inode) &&
	    KREAD2(inode, i_sb, s_magic) == OVERLAY_FS_MAGIC) {
		__u64 real = overlay__real_inode((__u64)inode);
		if (real)
			inode = KCAST(struct inode, real);
	}
	ref->inode = KREAD(inode, i_ino);
	ref->device = KREAD2(inode, i_sb, s_dev);
	ref->generation = KREAD(inode, i_generation);
	ref->device_of_node = KREAD(inode, i_rdev);
	ref->mode = KREAD(inode, i_mode);
	ref->flags = 0;
	switch (ref->mode & S_IFMT) {
	case S_IFREG: {
		unsigned long magic = KREAD2(inode, i_sb, s_magic);
		ref->type = magic == ANONYMOUS_FS_MAGIC || magic == PID_FS_MAGIC ? OBJECT_ANONYMOUS
										   : OBJECT_FILE;
		break;
	}
	case S_IFDIR: ref->type = OBJECT_DIRECTORY; break;
	case S_IFLNK: ref->type = OBJECT_SYMLINK; break;
	case S_IFCHR: ref->type = OBJECT_CHARACTER_DEVICE; break;
	case S_IFBLK: ref->type = OBJECT_BLOCK_DEVICE; break;
	case S_IFIFO: ref->type = OBJECT_PIPE; break;
	case S_IFSOCK: ref->type = OBJECT_SOCKET; break;
	default: ref->type = OBJECT_ANONYMOUS; break;
	}
	if (ref->type == OBJECT_FILE && KREAD(inode, i_nlink) == 0)
		ref->flags = OBJECT_FLAG_UNLINKED;
}

/* Both ends of a pty are the slave's node in devpts, which is also what /dev/tty leads to. */
static __always_inline void object__fill_tty(struct object_ref *ref, struct tty_struct *tty)
{
	struct tty_struct *slave = tty;

	ref->type = OBJECT_TTY;
	if (!tty__is_pty(tty))
		return;
	if (tty__is_master(tty)) {
		slave = KREAD(tty, link);
		ref->flags = OBJECT_FLAG_PTY_MASTER;
	}
	struct dentry *dentry = KCAST(struct dentry, KREAD(slave, driver_data));
	struct inode *inode = KREAD(dentry, d_inode);
	ref->inode = KREAD(inode, i_ino);
	ref->device = KREAD2(inode, i_sb, s_dev);
	ref->generation = KREAD(inode, i_generation);
	ref->mode = KREAD(inode, i_mode);
	ref->device_of_node = KREAD(slave, index);
	ref->type = OBJECT_PTY;
}

/* A memfd is a tmpfs file whose name hangs in no folder and begins with "memfd:". */
static __always_inline void object__flag_memfd(struct object_ref *ref, struct file *file)
{
	struct dentry *dentry = KREAD(file, f_path.dentry);
	char name[8] = {};

	if (ref->type != OBJECT_FILE || (__u64)KREAD(dentry, d_parent) != (__u64)dentry)
		return;
	bpf_probe_read_kernel(name, 6, KREAD(dentry, d_name.name));
	if (*(__u64 *)name == 0x3a64666d656dull) /* "memfd:", little-endian */
		ref->flags |= OBJECT_FLAG_MEMFD;
}

/* Returns the terminal, if it is one. */
static __always_inline struct tty_struct *object__fill(struct object_ref *ref, struct file *file)
{
	struct tty_struct *tty;

	object__fill_inode(ref, KREAD(file, f_inode));
	if (ref->type == OBJECT_FILE)
		object__flag_memfd(ref, file);
	if (ref->type != OBJECT_CHARACTER_DEVICE)
		return NULL;
	tty = file__tty(file);
	if (tty)
		object__fill_tty(ref, tty);
	return tty;
}

static __always_inline struct sock *file__sock(struct file *file)
{
	struct socket *socket = KCAST(struct socket, KREAD(file, private_data));

	return KREAD(socket, sk);
}

static __always_inline __u64 sock__inode(struct sock *sk)
{
	__u64 socket = (__u64)KREAD(sk, sk_socket);

	if (!socket)
		return 0;
	struct socket_alloc *holder = KCAST(struct socket_alloc,
					    KCONTAINER(struct socket_alloc, socket, socket));
	return KREAD(holder, vfs_inode.i_ino);
}

static __always_inline void socket__fill(struct socket_ref *ref, struct sock *sk)
{
	ref->family = KREAD(sk, __sk_common.skc_family);
	ref->type = KREAD(sk, sk_type);
	ref->protocol = KREAD(sk, sk_protocol);
	ref->netns = KREAD2(sk, __sk_common.skc_net.net, ns.inum);
	ref->state = 0;
	if (ref->family == AF_INET || ref->family == AF_INET6) {
		if (ref->type != SOCK_RAW) { /* there the number is the protocol's */
			ref->local_port = KREAD(sk, __sk_common.skc_num);
			ref->remote_port = bpf_ntohs(KREAD(sk, __sk_common.skc_dport));
		}
		if (ref->protocol == IPPROTO_TCP)
			ref->state = KREAD(sk, __sk_common.skc_state);
	}
	if (ref->family == AF_INET) {
		*(__u32 *)ref->local_address = KREAD(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)ref->remote_address = KREAD(sk, __sk_common.skc_daddr);
	} else if (ref->family == AF_INET6) {
		bpf_core_read(ref->local_address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(ref->remote_address, 16, &sk->__sk_common.skc_v6_daddr);
	} else if (ref->family == AF_UNIX) {
		struct unix_sock *local = KCAST(struct unix_sock, sk);
		struct sock *peer = KREAD(local, peer);
		if (peer)
			ref->peer_inode = sock__inode(peer);
	}
}

/* What sockaddr_in and sockaddr_in6 have in common, and what each adds. */
struct user_address {
	__u16 family;
	__be16 port;
	__be32 address4;
	__u8 address6[16];
};

/* The remote end that the caller named, where the socket has none of its own; or `instead` of that. */
static __always_inline void socket__fill_remote(struct socket_ref *ref, __u64 address, bool instead)
{
	struct user_address user = {};

	if (!address || (ref->remote_port && !instead) ||
	    (ref->family != AF_INET && ref->family != AF_INET6))
		return;
	/* A sockaddr_in has 16 bytes: do not depend on what is behind them. */
	if (bpf_probe_read_user(&user, 8, (void *)address))
		return;
	if (user.family == AF_INET6)
		bpf_probe_read_user(user.address6, 16, (void *)(address + 8));
	if (user.family != AF_INET && user.family != AF_INET6)
		return;
	ref->remote_port = bpf_ntohs(user.port);
	ref->flags |= SOCKET_FLAG_REMOTE_FROM_USER;
	if (user.family == AF_INET6) {
		__builtin_memcpy(ref->remote_address, user.address6, 16);
	} else if (ref->family == AF_INET) {
		*(__u32 *)ref->remote_address = user.address4;
	} else { /* an IPv4 address given to an IPv6 socket */
		ref->remote_address[10] = 0xff;
		ref->remote_address[11] = 0xff;
		*(__u32 *)&ref->remote_address[12] = user.address4;
	}
}

static __always_inline void credentials__fill(struct credential_set *set, const struct cred *cred)
{
	set->uid = KREAD(cred, uid.val);
	set->euid = KREAD(cred, euid.val);
	set->suid = KREAD(cred, suid.val);
	set->fsuid = KREAD(cred, fsuid.val);
	set->gid = KREAD(cred, gid.val);
	set->egid = KREAD(cred, egid.val);
	set->sgid = KREAD(cred, sgid.val);
	set->fsgid = KREAD(cred, fsgid.val);
	bpf_core_read(&set->cap_effective, 8, &cred->cap_effective);
	bpf_core_read(&set->cap_permitted, 8, &cred->cap_permitted);
	bpf_core_read(&set->cap_inheritable, 8, &cred->cap_inheritable);
	set->user_namespace = KREAD2(cred, user_ns, ns.inum);
	set->pad = 0;
}

/* Of a task's session or process group, as the initial namespace numbers it. */
static __always_inline __u32 task__group_number(struct task_struct *task, int type)
{
	struct signal_struct *signal = KREAD(task, signal);
	struct pid *pid = KREAD(signal, pids[type]);

	return KREAD(pid, numbers[0].nr);
}

static __always_inline __u64 task__process_start(struct task_struct *task)
{
	return KREAD2(task, group_leader, start_boottime);
}

#endif
