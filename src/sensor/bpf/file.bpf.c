/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Descriptors and names: open, close, dup, pipe, and the calls that change paths. */
#include "sensor/bpf/path.h"

#define F_DUPFD 0 /* uapi linux/fcntl.h */
#define F_DUPFD_CLOEXEC 1030

/* Arguments of the open family in one form. */
static __always_inline void open__arguments(struct open_record *record, struct pt_regs *regs,
					    __u64 nr, __u64 *user_path)
{
	record->directory_fd = AT_FDCWD;
	*user_path = KREAD(regs, di);
	record->open_flags = KREAD(regs, si);
	record->mode = KREAD(regs, dx);
	if (nr == NR_CREAT) {
		record->open_flags = O_CREAT | O_WRONLY | O_TRUNC;
		record->mode = KREAD(regs, si);
	} else if (nr == NR_MEMFD_CREATE) {
		record->mode = 0;
	} else if (nr == NR_IO_URING_SETUP || nr == NR_PIDFD_OPEN || nr == NR_PIDFD_GETFD) {
		*user_path = 0;
		record->open_flags = 0;
		record->mode = 0;
	} else if (nr == NR_OPEN_BY_HANDLE_AT) {
		record->directory_fd = KREAD(regs, di);
		*user_path = 0;
		record->open_flags = KREAD(regs, dx);
		record->mode = 0;
	} else if (nr == NR_OPENAT || nr == NR_OPENAT2) {
		record->directory_fd = KREAD(regs, di);
		*user_path = KREAD(regs, si);
		record->open_flags = KREAD(regs, dx);
		record->mode = KREAD(regs, r10);
	}
	if (nr == NR_OPENAT2) {
		__u64 how[2] = {}; /* struct open_how: flags, mode */
		bpf_probe_read_user(how, sizeof(how), (void *)KREAD(regs, dx));
		record->open_flags = how[0];
		record->mode = how[1];
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_open, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__u64 user_path;
	struct writer w;

	if (result__is_restart(result) ||
	    !record__begin(&w, RECORD_OPEN, LOSS_DESCRIPTOR, sizeof(struct open_record), nr,
			   result))
		return 0;
	struct open_record *record = (void *)w.record;
	open__arguments(record, regs, nr, &user_path);
	record->fd = result;
	struct file *file = result >= 0 ? task__file(task__current(), result) : NULL;
	if (file) {
		object__fill(&record->object, file);
		object__flag_memfd(&record->object, file);
		tail__fill_file_path(&w, &record->path, file);
	}
	tail__fill_user_string(&w, &record->user_path, user_path);
	if (result < 0 && user_path && nr != NR_MEMFD_CREATE)
		tail__fill_base(&w, &record->base, record->directory_fd, user_path);
	record__end(&w);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_close, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct writer w;

	if (!record__begin(&w, RECORD_CLOSE, LOSS_DESCRIPTOR, sizeof(struct descriptor_record), nr,
			   result))
		return 0;
	struct descriptor_record *record = (void *)w.record;
	record->fd = KREAD(regs, di);
	record->other_fd = record->fd;
	if (nr == NR_CLOSE_RANGE) {
		record->other_fd = KREAD(regs, si);
		record->descriptor_flags = KREAD(regs, dx);
	}
	record__end(&w);
	return 0;
}

/* dup, dup2, dup3, fcntl F_DUPFD and F_DUPFD_CLOEXEC */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_dup, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__u32 second = KREAD(regs, si);
	struct writer w;

	if (nr == NR_FCNTL && second != F_DUPFD && second != F_DUPFD_CLOEXEC)
		return 0;
	if (!record__begin(&w, RECORD_DUP, LOSS_DESCRIPTOR, sizeof(struct descriptor_record), nr,
			   result))
		return 0;
	struct descriptor_record *record = (void *)w.record;
	record->fd = KREAD(regs, di);
	record->other_fd = result;
	if ((nr == NR_FCNTL && second == F_DUPFD_CLOEXEC) ||
	    (nr == NR_DUP3 && KREAD(regs, dx) & O_CLOEXEC))
		record->descriptor_flags = O_CLOEXEC;
	struct file *file = result >= 0 ? task__file(task__current(), result) : NULL;
	if (file)
		object__fill(&record->object, file);
	record__end(&w);
	return 0;
}

/* pipe, pipe2, socketpair */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_pair, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct task_struct *task = task__current();
	struct writer w;

	if (!record__begin(&w, RECORD_PAIR, LOSS_DESCRIPTOR, sizeof(struct pair_record), nr,
			   result))
		return 0;
	struct pair_record *record = (void *)w.record;
	__u64 array = nr == NR_SOCKETPAIR ? KREAD(regs, r10) : KREAD(regs, di);
	__s32 fd[2] = {-1, -1};
	record->call_flags = nr == NR_PIPE ? 0 : KREAD(regs, si);
	if (result == 0)
		bpf_probe_read_user(fd, sizeof(fd), (void *)array);
	record->fd[0] = fd[0];
	record->fd[1] = fd[1];
	struct file *first = task__file(task, fd[0]);
	if (first)
		object__fill(&record->object[0], first);
	struct file *second = task__file(task, fd[1]);
	if (second)
		object__fill(&record->object[1], second);
	record__end(&w);
	return 0;
}

/* A call on one path or one descriptor. */
struct path_call {
	__u64 user_path;    /* 0: the call has a descriptor instead */
	__u64 value;
	__s32 directory_fd;
	__s32 fd;
	__u32 call_flags;
};

/* unlink, unlinkat, rmdir, mkdir, mkdirat, mknod, mknodat, truncate, ftruncate */
static __always_inline void path_call__fill_tree(struct path_call *call, struct pt_regs *regs,
						 __u64 nr)
{
	if (nr == NR_UNLINKAT) {
		call->call_flags = KREAD(regs, dx);
	} else if (nr == NR_MKDIR || nr == NR_TRUNCATE || nr == NR_FTRUNCATE) {
		call->value = KREAD(regs, si);
	} else if (nr == NR_MKDIRAT) {
		call->value = KREAD(regs, dx);
	} else if (nr == NR_MKNOD) {
		call->call_flags = KREAD(regs, si);
		call->value = KREAD(regs, dx);
	} else if (nr == NR_MKNODAT) {
		call->call_flags = KREAD(regs, dx);
		call->value = KREAD(regs, r10);
	}
}

/* The chmod and chown families. */
static __always_inline void path_call__fill_access(struct path_call *call, struct pt_regs *regs,
						   __u64 nr)
{
	__u64 second = KREAD(regs, si), third = KREAD(regs, dx);

	if (nr == NR_CHMOD || nr == NR_FCHMOD) {
		call->value = second;
	} else if (nr == NR_FCHMODAT || nr == NR_FCHMODAT2) {
		call->value = third;
		call->call_flags = nr == NR_FCHMODAT2 ? KREAD(regs, r10) : 0;
	} else if (nr == NR_CHOWN || nr == NR_FCHOWN || nr == NR_LCHOWN) {
		call->value = second << 32 | (__u32)third;
	} else if (nr == NR_FCHOWNAT) {
		call->value = third << 32 | (__u32)KREAD(regs, r10);
		call->call_flags = KREAD(regs, r8);
	}
}

static __always_inline void path_call__fill(struct path_call *call, struct pt_regs *regs, __u64 nr)
{
	call->directory_fd = AT_FDCWD;
	call->fd = -1;
	call->value = 0;
	call->call_flags = 0;
	call->user_path = KREAD(regs, di);
	if (nr == NR_FCHMOD || nr == NR_FCHOWN || nr == NR_FTRUNCATE || nr == NR_FCHDIR) {
		call->fd = call->user_path;
		call->user_path = 0;
	} else if (nr == NR_UNLINKAT || nr == NR_MKDIRAT || nr == NR_MKNODAT || nr == NR_FCHMODAT ||
		   nr == NR_FCHMODAT2 || nr == NR_FCHOWNAT) {
		call->directory_fd = call->user_path;
		call->user_path = KREAD(regs, si);
	}
	path_call__fill_tree(call, regs, nr);
	path_call__fill_access(call, regs, nr);
}

/* Where the process is after chdir, fchdir and chroot. The new root is named as it is called from
 * outside of it. */
static __always_inline void path__fill_place(struct writer *w, struct path_record *record, __u64 nr)
{
	struct fs_struct *fs = BPF_CORE_READ(task__current(), fs);
	struct path *place = nr == NR_CHROOT ? &fs->root : &fs->pwd;
	struct dentry *dentry = KCAST(struct dentry, KADDRESS(place, dentry));

	object__fill_inode(&record->object, KREAD(dentry, d_inode));
	tail__fill_path(w, &record->path, place, nr == NR_CHROOT ? NULL : fs);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_path, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct path_call call;
	struct writer w;

	if (result__is_restart(result) ||
	    !record__begin(&w, RECORD_PATH, LOSS_NAMESPACE, sizeof(struct path_record), nr, result))
		return 0;
	struct path_record *record = (void *)w.record;
	path_call__fill(&call, regs, nr);
	record->value = call.value;
	record->fd = call.fd;
	record->call_flags = call.call_flags;
	if (call.user_path) {
		tail__fill_base(&w, &record->base, call.directory_fd, call.user_path);
		tail__fill_user_string(&w, &record->user_path, call.user_path);
	}
	if (result == 0 && (nr == NR_CHDIR || nr == NR_FCHDIR || nr == NR_CHROOT)) {
		path__fill_place(&w, record, nr);
	} else if (call.fd >= 0) {
		struct file *file = task__file(task__current(), call.fd);
		if (file) {
			object__fill(&record->object, file);
			tail__fill_file_path(&w, &record->path, file);
		}
	}
	record__end(&w);
	return 0;
}

/* rename, link and symlink families: an old name (or a link's text) and a new one */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_two_paths, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__s32 old_fd = AT_FDCWD, new_fd = AT_FDCWD;
	__u64 old_path = KREAD(regs, di), new_path = KREAD(regs, si);
	struct writer w;

	if (result__is_restart(result) ||
	    !record__begin(&w, RECORD_PATH, LOSS_NAMESPACE, sizeof(struct path_record), nr, result))
		return 0;
	struct path_record *record = (void *)w.record;
	record->fd = -1;
	if (nr == NR_SYMLINKAT) {
		new_fd = new_path;
		new_path = KREAD(regs, dx);
	} else if (nr == NR_RENAMEAT || nr == NR_RENAMEAT2 || nr == NR_LINKAT) {
		old_fd = old_path;
		old_path = new_path;
		new_fd = KREAD(regs, dx);
		new_path = KREAD(regs, r10);
		record->call_flags = nr == NR_RENAMEAT ? 0 : KREAD(regs, r8);
	}
	if (nr != NR_SYMLINK && nr != NR_SYMLINKAT)
		tail__fill_base(&w, &record->base, old_fd, old_path);
	tail__fill_user_string(&w, &record->user_path, old_path);
	tail__fill_base(&w, &record->other_base, new_fd, new_path);
	tail__fill_user_string(&w, &record->other_user_path, new_path);
	record__end(&w);
	return 0;
}
