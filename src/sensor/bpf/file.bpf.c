/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Descriptors and names: open, close, dup, pipe, and the calls that change paths. */
#include "sensor/bpf/named.h"

#define FMODE_CREATED 0x100000 /* linux/fs.h; since kernel 73a09dd94377 (4.19) */
#define F_DUPFD 0 /* uapi linux/fcntl.h */
#define F_SETFD 2
#define F_DUPFD_CLOEXEC 1030
#define DESCRIPTOR_MAX 0x7fffffff
#define UTIME_OMIT 0x3ffffffe /* linux/stat.h; UTIME_NOW is one more */

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
		tail__fill_file_path(&w, &record->path, file);
		/* Some calls say it in flags of their own, or always do it. */
		if (task__closes_on_exec(task__current(), result))
			record->open_flags |= O_CLOEXEC;
		if (record->open_flags & O_CREAT)
			record->open_flags |= KREAD(file, f_mode) & FMODE_CREATED ? OPEN_CREATED :
										    OPEN_FOUND;
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
		__u32 last = KREAD(regs, si);
		record->other_fd = last > DESCRIPTOR_MAX ? DESCRIPTOR_MAX : last;
		record->descriptor_flags = KREAD(regs, dx);
	}
	record__end(&w);
	return 0;
}

/* dup, dup2, dup3, fcntl F_DUPFD, F_DUPFD_CLOEXEC and F_SETFD */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_dup, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__u32 second = KREAD(regs, si);
	struct writer w;

	if (nr == NR_FCNTL && second == F_SETFD)
		descriptor__record_flags(regs, result);
	if (nr == NR_FCNTL && second != F_DUPFD && second != F_DUPFD_CLOEXEC)
		return 0;
	if (!record__begin(&w, RECORD_DUP, LOSS_DESCRIPTOR, sizeof(struct descriptor_record), nr,
			   result))
		return 0;
	struct descriptor_record *record = (void *)w.record;
	record->fd = KREAD(regs, di);
	record->other_fd = result;
	if (task__closes_on_exec(task__current(), result))
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

SEC("tp_btf/sys_exit")
int BPF_PROG(on_path, struct pt_regs *regs, long result)
{
	struct path_call call;

	path_call__fill(&call, regs, KREAD(regs, orig_ax));
	return path_call__record(regs, result, &call, 0);
}

/* The time of change that a call of the utimensat family asks for, in seconds; 0: now, or as it is. */
static __always_inline __u64 times__changed(__u64 nr, __u64 address)
{
	struct {
		__s64 seconds, fraction;
	} times[2] = {};

	if (!address)
		return 0;
	if (nr == NR_UTIME) { /* struct utimbuf: two times without fractions */
		bpf_probe_read_user(&times[1].seconds, 8, (void *)(address + 8));
		return times[1].seconds;
	}
	bpf_probe_read_user(times, sizeof(times), (void *)address);
	return times[1].fraction >= UTIME_OMIT ? 0 : times[1].seconds;
}

/* utimensat and setxattr families */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_attribute, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__u64 first = KREAD(regs, di), second = KREAD(regs, si), third = KREAD(regs, dx);
	struct path_call call = {.directory_fd = AT_FDCWD, .fd = -1, .user_path = first};
	__u64 attribute = second;

	if (nr == NR_UTIME || nr == NR_UTIMES) {
		call.value = times__changed(nr, second);
		attribute = 0;
	} else if (nr == NR_FUTIMESAT || nr == NR_UTIMENSAT) {
		call.directory_fd = first;
		call.user_path = second;
		call.fd = second ? -1 : (__s32)first;
		call.call_flags = nr == NR_UTIMENSAT ? KREAD(regs, r10) : 0;
		call.value = times__changed(nr, third);
		attribute = 0;
	} else if (nr == NR_FSETXATTR || nr == NR_FREMOVEXATTR) {
		call.fd = first;
		call.user_path = 0;
	} else if (nr == NR_SETXATTRAT || nr == NR_REMOVEXATTRAT) {
		call.directory_fd = first;
		call.user_path = second;
		call.call_flags = third;
		attribute = KREAD(regs, r10);
	}
	if (nr == NR_SETXATTR || nr == NR_LSETXATTR || nr == NR_FSETXATTR)
		call.value = KREAD(regs, r10);
	return path_call__record(regs, result, &call, attribute);
}

/* mount, umount2, move_mount: the place, and what was mounted there as the caller calls it */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_mount, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct path_call call = {.directory_fd = AT_FDCWD, .fd = -1, .user_path = KREAD(regs, di)};
	__u64 source = 0;

	if (nr == NR_MOUNT) {
		source = KREAD(regs, di);
		call.user_path = KREAD(regs, si);
		call.call_flags = KREAD(regs, r10);
	} else if (nr == NR_MOVE_MOUNT) {
		source = KREAD(regs, si);
		call.directory_fd = KREAD(regs, dx);
		call.user_path = KREAD(regs, r10);
	}
	return path_call__record(regs, result, &call, source);
}

/* rename, link and symlink families: an old name (or a link's text) and a new one */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_two_paths, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct path_call old = {.directory_fd = AT_FDCWD, .user_path = KREAD(regs, di)};
	struct path_call new = {.directory_fd = AT_FDCWD, .user_path = KREAD(regs, si)};
	struct writer w;

	if (result__is_restart(result) ||
	    !record__begin(&w, RECORD_PATH, LOSS_NAMESPACE, sizeof(struct replacing_path_record), nr,
			   result))
		return 0;
	struct replacing_path_record *replacing = (void *)w.record;
	struct named_path_record *record = &replacing->named;
	record->header.flags |= RECORD_FLAG_NAMED;
	record->call.fd = -1;
	if (nr == NR_SYMLINKAT) {
		new.directory_fd = new.user_path;
		new.user_path = KREAD(regs, dx);
	} else if (nr == NR_RENAMEAT || nr == NR_RENAMEAT2 || nr == NR_LINKAT) {
		old.directory_fd = old.user_path;
		old.user_path = new.user_path;
		new.directory_fd = KREAD(regs, dx);
		new.user_path = KREAD(regs, r10);
		record->call.call_flags = nr == NR_RENAMEAT ? 0 : KREAD(regs, r8);
	}
	if (nr != NR_SYMLINK && nr != NR_SYMLINKAT)
		tail__fill_base(&w, &record->call.base, old.directory_fd, old.user_path);
	tail__fill_user_string(&w, &record->call.user_path, old.user_path);
	tail__fill_base(&w, &record->call.other_base, new.directory_fd, new.user_path);
	tail__fill_user_string(&w, &record->call.other_user_path, new.user_path);
	named__fill_two(&w, replacing, &old, &new, nr);
	record__end(&w);
	return 0;
}
