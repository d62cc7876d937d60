/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Processes: fork, exec, exit, credentials, sessions. */
#include "sensor/bpf/path.h"

#define ARGUMENTS_BYTES_MAX 8192
#define PAGE_BYTES 4096

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	__s32 scope = scope__of_current();
	struct writer w;

	if (scope == SCOPE_NONE)
		return 0;
	__u32 child_pid = KREAD(child, tgid);
	__u32 child_tid = KREAD(child, pid);
	if (config.has_tree && child_pid == child_tid &&
	    scope__of_tree(bpf_get_current_pid_tgid() >> 32) != SCOPE_NONE &&
	    bpf_map_update_elem(&trees, &child_pid, &scope, BPF_ANY))
		loss__count(LOSS_MISSED_HOOK, 1); /* the map is full: the child is lost to the record */
	if (!record__begin_in(scope, &w, RECORD_FORK, LOSS_PROCESS, sizeof(struct fork_record),
			      SYSCALL_NR_NONE, 0))
		return 0;
	struct fork_record *record = (void *)w.record;
	struct task_struct *real_parent = KREAD(child, real_parent);
	if (child_pid != child_tid)
		record->header.flags |= RECORD_FLAG_THREAD;
	record->child_start_boot_ns = task__process_start(child);
	record->parent_start_boot_ns = task__process_start(real_parent);
	record->child_pid = child_pid;
	record->child_tid = child_tid;
	record->parent_pid = KREAD(real_parent, tgid);
	record->session_id = task__group_number(child, PIDTYPE_SID);
	bpf_probe_read_kernel(record->command, sizeof(record->command), &child->comm);
	record__end(&w);
	return 0;
}

/* argv as the new image has it: the kernel has just written it, so its pages are there. Page by
 * page, so that one that is not costs only what is behind it. 64-bit sums and barriers, because the
 * verifier of 5.10 loses bounds on the way through 32-bit copies. */
static __always_inline void tail__fill_arguments(struct writer *w, struct tail *tail,
						 struct mm_struct *mm)
{
	__u64 start = KREAD(mm, arg_start);
	__u64 size = KREAD(mm, arg_end) - start;
	__u64 wanted = size > ARGUMENTS_BYTES_MAX ? ARGUMENTS_BYTES_MAX : size;
	__u64 copied = 0;

	for (int i = 0; i < ARGUMENTS_BYTES_MAX / PAGE_BYTES + 1 && copied < wanted; i++) {
		__u64 part = PAGE_BYTES - ((start + copied) & (PAGE_BYTES - 1));
		if (part > wanted - copied)
			part = wanted - copied;
		barrier_var(part);
		if (part > PAGE_BYTES)
			break;
		if (bpf_probe_read_user(tail__place(w) + (copied & (ARGUMENTS_BYTES_MAX - 1)), part,
					(void *)(start + copied)))
			break;
		copied += part;
	}
	barrier_var(copied);
	if (copied > ARGUMENTS_BYTES_MAX)
		copied = ARGUMENTS_BYTES_MAX;
	tail__take(w, tail, copied,
		   copied == size ? TAIL_WHOLE : copied ? TAIL_TRUNCATED : TAIL_UNREADABLE);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_sched_process_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	struct writer w;

	if (!record__begin(&w, RECORD_EXEC, LOSS_PROCESS, sizeof(struct exec_record),
			   SYSCALL_NR_NONE, 0))
		return 0;
	struct exec_record *record = (void *)w.record;
	struct file *file = KREAD(bprm, file);
	struct inode *inode = KREAD(file, f_inode);
	object__fill_inode(&record->object, inode);
	object__flag_memfd(&record->object, file);
	credentials__fill(&record->credentials, KREAD(task, cred));
	record->object_uid = KREAD(inode, i_uid.val);
	record->object_gid = KREAD(inode, i_gid.val);
	bpf_probe_read_kernel(record->command, sizeof(record->command), &task->comm);
	tail__fill_file_path(&w, &record->path, file);
	tail__fill_kernel_string(&w, &record->user_path, KREAD(bprm, filename));
	/* The same pointer unless a #! line or binfmt_misc replaced it. */
	if (KREAD(bprm, interp) != KREAD(bprm, filename))
		tail__fill_kernel_string(&w, &record->interpreter, KREAD(bprm, interp));
	tail__fill_arguments(&w, &record->arguments, KREAD(task, mm));
	tail__fill_working_directory(&w, &record->working_directory);
	record__end_urgent(&w);
	return 0;
}

/* execve and execveat that failed; those that succeeded are on_sched_process_exec's. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_exec_refused, struct pt_regs *regs, long result)
{
	__u64 syscall_nr = KREAD(regs, orig_ax);
	struct task_struct *task = task__current();
	struct writer w;

	if (result >= 0 ||
	    !record__begin(&w, RECORD_EXEC, LOSS_PROCESS, sizeof(struct exec_record), syscall_nr,
			   result))
		return 0;
	struct exec_record *record = (void *)w.record;
	credentials__fill(&record->credentials, KREAD(task, cred));
	bpf_probe_read_kernel(record->command, sizeof(record->command), &task->comm);
	tail__fill_user_string(&w, &record->user_path,
			       syscall_nr == NR_EXECVE ? KREAD(regs, di) : KREAD(regs, si));
	tail__fill_working_directory(&w, &record->working_directory);
	record__end_urgent(&w);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_sched_process_exit, struct task_struct *task)
{
	__s32 scope = scope__of_current();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct writer w;

	if (scope == SCOPE_NONE || !exit__is_last_thread(ctx, task))
		return 0;
	if (record__begin_in(scope, &w, RECORD_EXIT, LOSS_PROCESS, sizeof(struct exit_record),
			     SYSCALL_NR_NONE, 0)) {
		struct exit_record *record = (void *)w.record;
		struct signal_struct *signal = KREAD(task, signal);
		__u32 group = KREAD(signal, group_exit_code);
		/* exit_group or a deadly signal sets it for the group; else the last thread's counts. */
		record->exit_code = group ? group : (__u32)KREAD(task, exit_code);
		record__end(&w);
	}
	if (config.has_tree)
		bpf_map_delete_elem(&trees, &tgid);
	return 0;
}

/* prctl options that change what a process may do; uapi linux/prctl.h */
static __always_inline bool prctl__is_credential(__u64 option)
{
	return option == 8 /* KEEPCAPS */ || option == 24 /* CAPBSET_DROP */ ||
	       option == 28 /* SECUREBITS */ || option == 38 /* NO_NEW_PRIVS */ ||
	       option == 47 /* CAP_AMBIENT */;
}

#define PR_SET_NAME 15

/* What a thread calls itself from now on. */
static __always_inline void name__record(long result)
{
	struct writer w;

	if (result != 0 ||
	    !record__begin(&w, RECORD_NAME, LOSS_PROCESS, sizeof(struct name_record), NR_PRCTL, 0))
		return;
	struct name_record *record = (void *)w.record;
	bpf_probe_read_kernel(record->command, sizeof(record->command), &task__current()->comm);
	record__end(&w);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_credentials, struct pt_regs *regs, long result)
{
	__u64 syscall_nr = KREAD(regs, orig_ax);
	struct writer w;

	if (syscall_nr == NR_PRCTL && KREAD(regs, di) == PR_SET_NAME) {
		name__record(result);
		return 0;
	}
	if (syscall_nr == NR_PRCTL && !prctl__is_credential(KREAD(regs, di)))
		return 0;
	if (!record__begin(&w, RECORD_CREDENTIAL, LOSS_PROCESS, sizeof(struct credential_record),
			   syscall_nr, result))
		return 0;
	struct credential_record *record = (void *)w.record;
	credentials__fill(&record->credentials, KREAD(task__current(), cred));
	record__end_urgent(&w);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_session, struct pt_regs *regs, long result)
{
	struct task_struct *task = task__current();
	struct writer w;

	if (!record__begin(&w, RECORD_SESSION, LOSS_PROCESS, sizeof(struct id_record),
			   KREAD(regs, orig_ax), result))
		return 0;
	struct id_record *record = (void *)w.record;
	record->session_id = task__group_number(task, PIDTYPE_SID);
	record->process_group_id = task__group_number(task, PIDTYPE_PGID);
	record__end(&w);
	return 0;
}
