/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The one hook of all system calls, and the programs that user space runs to empty the buffers.
 *
 *   on_sys_exit -> handlers[syscall number] -> the family's program, which filters and records
 *                  (no entry: the call is not recorded, and this was all it cost)
 */
#include "sensor/bpf/emit.h"

char LICENSE[] SEC("license") = "GPL";

#define TS_COMPAT 0x2          /* asm/thread_info.h: a 32-bit system call is being made */
#define X32_SYSCALL_BIT 0x40000000

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	__u64 syscall_nr = KREAD(regs, orig_ax);

	/* rt_sigreturn leaves -1 here: the interrupted call has had its own exit, or begins anew. */
	if ((__s64)syscall_nr < 0)
		return 0;
	/* 32-bit calls have other numbers and registers: counted, not misread. */
	if (KREAD(task__current(), thread_info.status) & TS_COMPAT || syscall_nr & X32_SYSCALL_BIT) {
		if (scope__of_current() != SCOPE_NONE)
			loss__count(LOSS_MISSED_HOOK, 1);
		return 0;
	}
	bpf_tail_call(ctx, &handlers, syscall_nr);
	return 0;
}

/* Sends the open chunk of CPU args[0]. Run on that CPU, where it may interrupt any other program,
 * or anywhere if that CPU is offline. */
SEC("raw_tp")
int flush(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 cpu = ctx->args[0];

	for (__u32 i = 0; i < SLOTS_PER_CPU; i++) {
		__u32 index = cpu * SLOTS_PER_CPU + i;
		struct chunk_slot *slot = bpf_map_lookup_elem(&slots, &index);
		if (!slot)
			break;
		if (slot->busy)
			return FLUSH_BUSY;
		if (!chunk__send_below(slot, ~0ull, BPF_RB_NO_WAKEUP))
			return FLUSH_FULL;
	}
	return FLUSH_DONE;
}

/* Puts mark number args[0] behind all that is in the ring. */
SEC("raw_tp")
int mark(struct bpf_raw_tracepoint_args *ctx)
{
	struct ring_mark entry = {ctx->args[0]};

	return bpf_ringbuf_output(&ring, &entry, sizeof(entry), BPF_RB_NO_WAKEUP) ? FLUSH_FULL
										   : FLUSH_DONE;
}
