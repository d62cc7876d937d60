/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What one process does to another: signals, ptrace, process_vm_*. */
#include "sensor/bpf/target.h"

/* uapi asm-generic/siginfo.h: who sent it */
#define SI_USER 0
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

/* uapi linux/ptrace.h */
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_POKEUSR 6
#define PTRACE_SETREGS 13
#define PTRACE_SETFPREGS 15
#define PTRACE_ATTACH 16
#define PTRACE_SETREGSET 0x4205
#define PTRACE_SEIZE 0x4206
#define TRACEES_MAX 8 /* looked through for the one that a call was about */

/*
 * A signal that a program sent, once for each process it went to: the kernel has resolved the pid
 * here, whichever namespace it was passed in. The number of the call follows from the signal's
 * code; pidfd_send_signal and kill have the same.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal_generate, int number, struct kernel_siginfo *info,
	     struct task_struct *target)
{
	int code = 1;
	struct writer w;

	if ((__u64)info <= 1) /* SEND_SIG_NOINFO, SEND_SIG_PRIV: the kernel's own */
		return 0;
	bpf_core_read(&code, sizeof(code), &info->si_code);
	if (code != SI_USER && code != SI_QUEUE && code != SI_TKILL)
		return 0;
	__u16 nr = code == SI_TKILL ? NR_TGKILL : code == SI_QUEUE ? NR_RT_SIGQUEUEINFO : NR_KILL;
	if (!record__begin(&w, RECORD_SIGNAL, LOSS_PROCESS, sizeof(struct signal_record), nr, 0))
		return 0;
	struct signal_record *record = (void *)w.record;
	record->argument = number;
	signal__fill_target(record, target);
	record__end_urgent(&w);
	return 0;
}

/* The kill family where it made no signal: refused, or only asked whether the process is there. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_signal_call, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	bool in_group = nr == NR_TGKILL || nr == NR_RT_TGSIGQUEUEINFO;
	__s32 number = in_group ? KREAD(regs, dx) : KREAD(regs, si);
	struct writer w;

	if (result >= 0 && number != 0)
		return 0;
	if (!record__begin(&w, RECORD_SIGNAL, LOSS_PROCESS, sizeof(struct signal_record), nr,
			   result))
		return 0;
	struct signal_record *record = (void *)w.record;
	signal__fill_target_pid(record, KREAD(regs, di));
	record->argument = number;
	record__end_urgent(&w);
	return 0;
}

static __always_inline bool ptrace__is_recorded(__u64 request)
{
	return (request >= PTRACE_POKETEXT && request <= PTRACE_POKEUSR) ||
	       request == PTRACE_SETREGS || request == PTRACE_SETFPREGS ||
	       request == PTRACE_ATTACH || request == PTRACE_SETREGSET || request == PTRACE_SEIZE;
}

/* The process that `pid` names among those that the current task traces. Their order is latest
 * first, so an ATTACH or SEIZE that has just succeeded is about the first one. */
static __always_inline void signal__fill_tracee(struct signal_record *record, __u64 request,
						__s32 pid)
{
	struct task_struct *task = task__current();
	struct list_head *end = &task->ptraced;
	struct list_head *entry = BPF_CORE_READ(task, ptraced.next);
	bool is_first = request == PTRACE_ATTACH || request == PTRACE_SEIZE;

	for (int i = 0; i < TRACEES_MAX && (__u64)entry != (__u64)end; i++) {
		struct task_struct *tracee = KCONTAINER(struct task_struct, ptrace_entry, entry);
		if (is_first || BPF_CORE_READ(tracee, pid) == pid) {
			record->target_pid = BPF_CORE_READ(tracee, tgid);
			record->target_start_boot_ns =
				BPF_CORE_READ(tracee, group_leader, start_boottime);
			return;
		}
		entry = BPF_CORE_READ(entry, next);
	}
}

/* ptrace, process_vm_readv, process_vm_writev */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_intrusion, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__u64 request = nr == NR_PTRACE ? KREAD(regs, di) : 0;
	struct writer w;

	if (nr == NR_PTRACE && !ptrace__is_recorded(request))
		return 0;
	if (!record__begin(&w, RECORD_SIGNAL, LOSS_PROCESS, sizeof(struct signal_record), nr,
			   result))
		return 0;
	struct signal_record *record = (void *)w.record;
	record->argument = request;
	signal__fill_target_pid(record, nr == NR_PTRACE ? KREAD(regs, si) : KREAD(regs, di));
	if (nr == NR_PTRACE && result >= 0)
		signal__fill_tracee(record, request, KREAD(regs, si));
	record__end_urgent(&w);
	return 0;
}
