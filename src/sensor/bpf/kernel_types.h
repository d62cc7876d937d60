/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The members of kernel structs that we read, and no others; libbpf relocates them to the running
 * kernel's layout. The comment names the kernel header that each mirrors.
 */
#ifndef SPOOR_KERNEL_TYPES_H
#define SPOOR_KERNEL_TYPES_H

#define __VMLINUX_H__ 1 /* makes bpf_tracing.h use the kernel's names for pt_regs */
#include <linux/bpf.h>
#include <linux/types.h>

#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)
typedef int pid_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head { /* linux/types.h */
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

struct pt_regs { /* asm/ptrace.h */
	unsigned long r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, sp;
};

struct ns_common { /* linux/ns_common.h */
	unsigned int inum;
};
struct user_namespace { /* linux/user_namespace.h */
	struct ns_common ns;
};
struct net { /* net/net_namespace.h */
	struct ns_common ns;
};

struct super_block { /* linux/fs.h */
	__u32 s_dev;
	unsigned long s_magic;
};
struct inode {
	unsigned short i_mode;
	struct {
		__u32 val;
	} i_uid, i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	long long i_size;
	__u32 i_rdev;
	char *i_link; /* text of a symbolic link that is kept in memory */
	__u32 i_generation;
	void *i_private;
};
struct qstr { /* linux/dcache.h */
	__u32 len;
	const unsigned char *name;
};
struct hlist_bl_node { /* linux/list_bl.h */
	struct hlist_bl_node *next, **pprev;
};
enum dentry_flags {
	DCACHE_MOUNTED = 0x8000, /* relocated */
};
struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash; /* pprev is NULL once it is no entry any more */
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct hlist_node d_sib;
	struct hlist_head d_children;
};
struct dentry___before_6_8 {
	struct list_head d_child, d_subdirs;
};
struct vfsmount { /* linux/mount.h */
	struct dentry *mnt_root;
};
struct mount { /* fs/mount.h */
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts, mnt_child;
};
struct path { /* linux/path.h */
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
	long long f_pos;
};
struct fdtable { /* linux/fdtable.h */
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct { /* linux/fs_struct.h */
	struct path root, pwd;
};

struct ovl_path { /* fs/overlayfs/ovl_entry.h */
	struct dentry *dentry;
};
struct ovl_entry {
	unsigned int __numlower;
	struct ovl_path __lowerstack[1];
};
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
	struct ovl_entry *oe; /* since 6.5 */
};
struct ovl_inode___before_6_5 {
	struct ovl_path lowerpath; /* since 6.0 */
	struct inode *lower;
};

struct cred { /* linux/cred.h */
	struct {
		__u32 val;
	} uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
	struct { /* before 6.3 two u32, the same 8 bytes: read it as bytes */
		__u64 val;
	} cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
};

struct upid { /* linux/pid.h */
	int nr;
};
struct pid {
	unsigned int level; /* 0: in the initial namespace only */
	struct hlist_head tasks[4];
	struct upid numbers[1];
};
struct signal_struct { /* linux/sched/signal.h */
	struct {
		int counter;
	} live;
	int nr_threads;
	int group_exit_code;
	struct pid *pids[4];
	struct tty_struct *tty;
};
struct proc_inode { /* fs/proc/internal.h */
	struct pid *pid;
	struct inode vfs_inode;
};
#define PIDTYPE_PID 0
#define PIDTYPE_TGID 1
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3

struct mm_struct { /* linux/mm_types.h */
	unsigned long arg_start, arg_end;
	struct file *exe_file;
};

struct kernfs_node { /* linux/kernfs.h */
	__u64 id;
};
struct cgroup { /* linux/cgroup-defs.h */
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[1]; /* one per level, itself the last */
};
struct cgroup___before_6_1 {
	__u64 ancestor_ids[1];
};
struct css_set {
	struct cgroup *dfl_cgrp;
};

struct thread_info { /* asm/thread_info.h */
	__u32 status;
};
struct task_struct { /* linux/sched.h */
	struct thread_info thread_info;
	unsigned int flags;
	int exit_code;
	pid_t pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct list_head ptraced, ptrace_entry;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct hlist_node pid_links[4];
};

struct linux_binprm { /* linux/binfmts.h */
	struct file *file;
	const char *filename, *interp;
};

struct ktermios { /* asm-generic/termbits.h */
	__u32 c_lflag;
};
struct winsize {
	unsigned short ws_row, ws_col;
};
struct tty_driver { /* linux/tty_driver.h */
	int major;
};
struct tty_struct { /* linux/tty.h */
	int index;
	struct tty_driver *driver;
	struct ktermios termios;
	struct winsize winsize;
	struct tty_struct *link;
	void *driver_data;
};
struct tty_file_private {
	struct tty_struct *tty;
	struct file *file;
};

struct in6_addr { /* uapi linux/in6.h */
	union {
		__u8 u6_addr8[16];
	} in6_u;
};
struct sock_common { /* net/sock.h */
	union {
		struct {
			__be32 skc_daddr, skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct {
		struct net *net;
	} skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sk_buff_head { /* linux/skbuff.h */
	struct sk_buff *next, *prev;
};
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct sk_buff_head sk_receive_queue;
	__u16 sk_protocol, sk_type;
};
struct tcp_sock { /* linux/tcp.h */
	__u64 bytes_acked;
};
struct socket { /* linux/net.h */
	short type;
	struct sock *sk;
};
struct socket_alloc { /* net/sock.h */
	struct socket socket;
	struct inode vfs_inode;
};
struct sockaddr_un { /* uapi linux/un.h */
	unsigned short sun_family;
};
struct unix_address { /* net/af_unix.h */
	int len;
	struct sockaddr_un name[1];
};
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct sk_buff { /* linux/skbuff.h */
	struct sock *sk;
	__be16 protocol;
	__u16 transport_header, network_header;
	unsigned char *head;
};

struct kernel_siginfo { /* linux/signal_types.h */
	int si_code;
};

struct seq_file;
struct bpf_iter_meta { /* linux/bpf.h */
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* Values of the user-space interface, which never change. */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define TS_COMPAT 0x2 /* asm/thread_info.h: a 32-bit system call is being made */
#define SOL_SOCKET 1
#define SOCK_STREAM 1
#define SOCK_RAW 3
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define AT_FDCWD (-100)
#define AT_EMPTY_PATH 0x1000
#define O_WRONLY 01
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_CLOEXEC 02000000
#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#define EINTR 4
#define EAGAIN 11
#define EINPROGRESS 115
#define ERESTARTSYS 512 /* linux/errno.h: 512 to 516 are all kinds of restart */
#define ERESTART_RESTARTBLOCK 516

#endif
