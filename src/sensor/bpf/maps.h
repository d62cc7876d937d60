/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * All maps and the settings. Root can reach each by its id: user space freezes all but the ring before
 * anything is recorded, so that only programs write to them.
 */
#ifndef SPOOR_MAPS_H
#define SPOOR_MAPS_H

#include "sensor/bpf/kernel_types.h"
/* kernel_types.h must come first: it says which pt_regs the libbpf headers use. */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sensor/bpf/sensor_config.h"

/* A chunk goes out once it is this large; a record begins only below the second limit. */
#define CHUNK_SEND_BYTES 6144
#define CHUNK_FULL_BYTES 8192 /* a power of two: the mask of used_bytes */
#define PATH_BYTES_MAX 4096
/* An urgent record wakes user space, but not oftener than this on one CPU: what a storm of them may
 * cost is bounded, and user space looks again this long after it was woken. */
#define URGENT_INTERVAL_NS 2000000

/*
 * Where a CPU builds its records, one behind the other, until they go out as one entry of the ring.
 * `data` leaves room behind CHUNK_FULL_BYTES for the largest record and, because the verifier adds
 * up the largest value of every part of an address, for one more copy of 8 KiB behind that.
 */
struct chunk_slot {
	__u32 busy;
	__u32 used_bytes;
	__u64 sequence;               /* of the next record */
	__u64 woke_boot_ns;           /* when an urgent record last woke user space from here */
	struct chunk_header header;
	__u8 data[CHUNK_FULL_BYTES + RECORD_SIZE_BYTES_MAX + 2 * 8192];
	__u8 path[PATH_BYTES_MAX + 256]; /* path__walk builds a path here, backwards … */
	__u32 path_offset;            /* … and it begins there */
	__u32 pad;
};

/* Settings; constants for the verifier, so that unused branches are not even loaded. */
const volatile struct sensor_config config SEC(".rodata.config") = {};

/* What waits for user space; the loader sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} ring SEC(".maps");

/* chunk_slot number `slot` of CPU `cpu` at cpu * SLOTS_PER_CPU + slot, and behind all of them the
 * one that the baseline iterators build in; the loader sets the count. Not a per-CPU map: those hold
 * no more than 32 KiB per element. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS_PER_CPU);
	__type(key, __u32);
	__type(value, struct chunk_slot);
} slots SEC(".maps");

/* Drop and delivery counters, one element. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_counts);
} counts SEC(".maps");

/* Thread group id -> scope of processes recorded as a tree; tree_add puts the first in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TREES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __s32);
} trees SEC(".maps");

/* Start time of processes that ended just now: more than can end between two threads of one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
} ended SEC(".maps");

/* System call number -> program that records it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SYSCALL_TABLE_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} handlers SEC(".maps");

/* Payload budget of the current second, for the whole machine, one element. */
struct payload_budget {
	__u64 window_start_ns;
	__u64 spent_bytes;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct payload_budget);
} budgets SEC(".maps");

#endif
