/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The one hook of all system calls, and the programs that user space runs to empty the buffers.
 *
 *   on_sys_exit -> handlers[syscall number] -> the family's program, which filters and records
 *                  (no entry: the call is not recorded, and this was all it cost)
 */
#include "sensor/bpf/emit.h"

char LICENSE[] SEC("license") = "GPL";

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
		/* Claimed, though nothing can interrupt us here: root can run us elsewhere, by our id. */
		if (!slot__claim(slot))
			return FLUSH_BUSY;
		bool sent = chunk__send_below(slot, ~0ull, BPF_RB_NO_WAKEUP);
		*(volatile __u32 *)&slot->busy = 0;
		if (!sent)
			return FLUSH_FULL;
	}
	return FLUSH_DONE;
}

/* Records process args[0] and what it starts as scope args[1]. For the recorder only: the map is
 * frozen so that nobody takes a process out, and nobody else shall put one in. */
SEC("raw_tp")
int tree_add(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tgid = ctx->args[0];
	__s32 scope = ctx->args[1];

	if (bpf_get_current_pid_tgid() >> 32 != config.self_tgid)
		return TREE_REFUSED;
	return bpf_map_update_elem(&trees, &tgid, &scope, BPF_ANY) ? TREE_REFUSED : TREE_ADDED;
}

/* Puts mark number args[0] behind all that is in the ring. */
SEC("raw_tp")
int mark(struct bpf_raw_tracepoint_args *ctx)
{
	struct ring_mark entry = {ctx->args[0]};

	return bpf_ringbuf_output(&ring, &entry, sizeof(entry), BPF_RB_NO_WAKEUP) ? FLUSH_FULL
										   : FLUSH_DONE;
}
