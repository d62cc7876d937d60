/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Building records: scope, slot, header, tails, hand-over.
 *
 * A record is built where it will stay, at the end of the CPU's open chunk, so that nothing is
 * copied but once into the ring. If the chunk is full and the ring has no room, the new record is
 * dropped before any work is done for it, and counted.
 */
#ifndef SPOOR_EMIT_H
#define SPOOR_EMIT_H

#include "sensor/bpf/kernel_drift.h"
#include "sensor/bpf/read.h"
#include "wire/syscall_numbers.h"

/* Neither an attempt to do something nor an effect: the call is made again, or was interrupted. */
static __always_inline bool result__is_restart(long result)
{
	return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

/* Ditto, and polls that found nothing. */
static __always_inline bool result__is_retry(long result)
{
	return result == -EAGAIN || result == -EINTR || result__is_restart(result);
}

struct writer {
	struct chunk_slot *slot;
	struct record_header *record;
	__u32 length; /* of the record so far; the next tail goes there */
	__u32 key;    /* of the slot */
};

static __always_inline __s32 scope__of_tree(__u32 tgid)
{
	__s32 *scope = bpf_map_lookup_elem(&trees, &tgid);

	return scope ? *scope : SCOPE_NONE;
}

static __always_inline __u64 scope__ancestor_of_current(__u32 level)
{
#ifdef SPOOR_DIRECT
	return bpf_get_current_ancestor_cgroup_id(level);
#else
	return task__ancestor_cgroup_id(task__current(), level);
#endif
}

/* The scope that a task belongs to, or SCOPE_NONE. */
static __always_inline __s32 scope__of(struct task_struct *task, __u32 tgid, bool is_current)
{
	if (tgid == config.self_tgid)
		return SCOPE_NONE;
	if (config.has_tree) {
		__s32 scope = scope__of_tree(tgid);
		if (scope != SCOPE_NONE)
			return scope;
	}
#pragma unroll
	for (__u32 i = 0; i < SCOPE_COUNT_MAX; i++) {
		__u32 level = config.cgroup_level[i];
		if (i < config.cgroup_count &&
		    (is_current ? scope__ancestor_of_current(level)
				: task__ancestor_cgroup_id(task, level)) == config.cgroup_id[i])
			return config.cgroup_scope[i];
	}
	return config.machine_scope;
}

static __always_inline __s32 scope__of_current(void)
{
	return scope__of(NULL, bpf_get_current_pid_tgid() >> 32, true);
}

static __always_inline void loss__count(__u32 class, __u64 number)
{
	__u32 zero = 0;
	struct cpu_counts *local = bpf_map_lookup_elem(&counts, &zero);

	if (local && class < LOSS_CLASS_COUNT)
		__sync_fetch_and_add(&local->lost[class], number);
}

/*
 * Hands the open chunk over; false if the ring holds more than `limit_bytes`, or has no room: then
 * the chunk stays. `wakeup`: BPF_RB_NO_WAKEUP or BPF_RB_FORCE_WAKEUP.
 */
static __always_inline bool chunk__send_below(struct chunk_slot *slot, __u64 limit_bytes,
					      __u64 wakeup)
{
	__u64 size_bytes = slot->used_bytes;
	__u32 zero = 0;

	if (size_bytes == 0)
		return true;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > limit_bytes)
		return false;
	barrier_var(size_bytes);
	if (size_bytes > sizeof(slot->data))
		size_bytes = sizeof(slot->data);
	slot->header.size_bytes = size_bytes;
	if (bpf_ringbuf_output(&ring, &slot->header, sizeof(slot->header) + size_bytes,
			       wakeup))
		return false;
	struct cpu_counts *local = bpf_map_lookup_elem(&counts, &zero);
	if (local)
		__sync_fetch_and_add(&local->recorded, slot->header.count);
	slot->used_bytes = 0;
	slot->header.count = 0;
	return true;
}

/* For the hooks, which leave the rest of the ring to `flush` and `mark`. One copy in each program. */
static __noinline bool chunk__send(struct chunk_slot *slot, __u64 wakeup)
{
	return chunk__send_below(slot, config.ring_hook_bytes, wakeup);
}

/*
 * Marks the slot busy; false if it was already. Kernels from 7.0 on may preempt a program between
 * the look and the mark, and another one of the same CPU may run then: one instruction. The portable
 * programs do without (they must load where atomics give no result back, before 5.12): they run
 * where the hooks still switch preemption off.
 */
static __always_inline bool slot__claim(struct chunk_slot *slot)
{
#ifdef SPOOR_DIRECT
	return __sync_lock_test_and_set(&slot->busy, 1) == 0;
#else
	if (slot->busy)
		return false;
	*(volatile __u32 *)&slot->busy = 1;
	return true;
#endif
}

/* The first free slot of this CPU, marked busy; NULL when all are. */
static __always_inline struct chunk_slot *slot__take(__u32 *key)
{
	__u32 cpu = bpf_get_smp_processor_id();

#pragma unroll
	for (__u32 i = 0; i < SLOTS_PER_CPU; i++) {
		__u32 index = cpu * SLOTS_PER_CPU + i;
		struct chunk_slot *slot = bpf_map_lookup_elem(&slots, &index);
		if (!slot)
			return NULL;
		if (!slot__claim(slot))
			continue;
		slot->header.cpu = cpu | (i << CHUNK_CPU_BITS);
		*key = index;
		return slot;
	}
	return NULL;
}

static __always_inline void header__fill(struct record_header *header, struct task_struct *task)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	const struct cred *cred = KREAD(task, cred);

	header->boot_ns = bpf_ktime_get_boot_ns();
	header->process_start_boot_ns = task__process_start(task);
	header->pid = pid_tgid >> 32;
	header->tid = (__u32)pid_tgid;
	header->uid = KREAD(cred, uid.val);
	header->euid = KREAD(cred, euid.val);
}

/*
 * Begins a record of `body_bytes` fixed bytes, all zero but the header. False: there is no room,
 * the record is counted as lost in `class` and nothing may be written. Otherwise record__end must
 * follow on every path.
 */
static __always_inline bool record__begin_in(__s32 scope, struct writer *w, __u16 kind, __u32 class,
					     __u32 body_bytes, __u16 syscall_nr, __s64 result)
{
	struct chunk_slot *slot = slot__take(&w->key);

	if (!slot) {
		loss__count(class, 1);
		return false;
	}
	if (slot->used_bytes >= CHUNK_FULL_BYTES && !chunk__send(slot, BPF_RB_NO_WAKEUP)) {
		slot->sequence++;
		loss__count(class, 1);
		*(volatile __u32 *)&slot->busy = 0;
		return false;
	}
	if (slot->header.count == 0)
		slot->header.first_sequence = slot->sequence;
	w->slot = slot;
	/* The mask tells the verifier what the check above ensures. */
	struct record_header *header = (void *)&slot->data[slot->used_bytes & (CHUNK_FULL_BYTES - 8)];
	w->record = header;
	w->length = body_bytes;
	__builtin_memset(header, 0, body_bytes);
	header__fill(header, task__current());
	header->result = result;
	header->kind = kind;
	header->syscall_nr = syscall_nr;
	header->scope = scope;
	header->flags = slot->header.cpu >> CHUNK_CPU_BITS ? RECORD_FLAG_NESTED : 0;
	return true;
}

/* Ditto, of the current task; false too if that is in no scope. */
static __always_inline bool record__begin(struct writer *w, __u16 kind, __u32 class,
					  __u32 body_bytes, __u16 syscall_nr, __s64 result)
{
	__s32 scope = scope__of_current();

	return scope != SCOPE_NONE &&
	       record__begin_in(scope, w, kind, class, body_bytes, syscall_nr, result);
}

static __always_inline void record__finish(struct writer *w, bool urgent)
{
	struct chunk_slot *slot = w->slot;
	__u64 boot_ns = w->record->boot_ns;
	__u32 size_bytes = (w->length + 7) & ~7u;

	w->record->size_bytes = size_bytes;
	slot->sequence++;
	slot->header.count++;
	slot->used_bytes += size_bytes;
	if (urgent && boot_ns - slot->woke_boot_ns >= URGENT_INTERVAL_NS) {
		slot->woke_boot_ns = boot_ns;
		chunk__send(slot, BPF_RB_FORCE_WAKEUP);
	}
	/* What interrupted a record cannot wait for the interrupted one's chunk. */
	else if (slot->used_bytes >= CHUNK_SEND_BYTES || slot->header.cpu >> CHUNK_CPU_BITS)
		chunk__send(slot, BPF_RB_NO_WAKEUP);
	*(volatile __u32 *)&slot->busy = 0;
}

static __always_inline void record__end(struct writer *w)
{
	record__finish(w, false);
}

/* For steps of an intrusion, which should be off the host before the next one: a program started or
 * refused, credentials changed, a process signalled or traced, a connection made or taken. */
static __always_inline void record__end_urgent(struct writer *w)
{
	record__finish(w, true);
}

/* Where the next tail goes. The mask bounds it for the verifier; no record gets that long. */
static __always_inline __u8 *tail__place(struct writer *w)
{
	return (__u8 *)w->record + (w->length & (RECORD_SIZE_BYTES_MAX - 1));
}

/* Takes what was written at tail__place into the record, and zeroes what rounding up may add. */
static __always_inline void tail__take(struct writer *w, struct tail *tail, __u32 length_bytes,
				       __u16 status)
{
	tail->offset_bytes = w->length;
	tail->length_bytes = length_bytes;
	tail->status = status;
	tail->pad = 0;
	w->length += length_bytes;
	*(__u64 *)tail__place(w) = 0;
}

static __always_inline void tail__fill_user_string(struct writer *w, struct tail *tail, __u64 address)
{
	long size = bpf_probe_read_user_str(tail__place(w), PATH_BYTES_MAX, (void *)address);

	if (size <= 0)
		tail__take(w, tail, 0, address ? TAIL_UNREADABLE : TAIL_NONE);
	else
		tail__take(w, tail, (size - 1) & (PATH_BYTES_MAX - 1),
			   size == PATH_BYTES_MAX ? TAIL_TRUNCATED : TAIL_WHOLE);
}

static __always_inline void tail__fill_kernel_string(struct writer *w, struct tail *tail,
						     const char *string)
{
	long size = bpf_probe_read_kernel_str(tail__place(w), PATH_BYTES_MAX, string);

	if (size <= 0)
		tail__take(w, tail, 0, TAIL_UNREADABLE);
	else
		tail__take(w, tail, (size - 1) & (PATH_BYTES_MAX - 1),
			   size == PATH_BYTES_MAX ? TAIL_TRUNCATED : TAIL_WHOLE);
}

#endif
