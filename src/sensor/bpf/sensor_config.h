/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What the loader tells the kernel half before it is loaded, and the layout of the state that both
 * sides touch. Everything else is private to one of them.
 */
#ifndef SPOOR_SENSOR_CONFIG_H
#define SPOOR_SENSOR_CONFIG_H

#include <linux/types.h>

#include "wire/kernel_event.h"

#define SCOPE_COUNT_MAX 8
#define SCOPE_NONE (-1)

/* A CPU builds records in slot 0; a program that interrupts another on the same CPU takes 1 or 2. */
#define SLOTS_PER_CPU 3
/* Number of entries of the program array: above the highest system call number recorded. */
#define SYSCALL_TABLE_SIZE 512
/* Processes recorded as trees at one time: as many as a pid can be by default on a large machine. */
#define TREES_MAX 65536
/* Limit of one call's payload: bounds the pointer arithmetic in io.bpf.c. */
#define PAYLOAD_BYTES_MAX 16384

struct sensor_config {
	__u64 cgroup_id[SCOPE_COUNT_MAX];      /* kernfs id of the scope's folder */
	__u32 cgroup_level[SCOPE_COUNT_MAX];   /* its depth in the hierarchy, the root being 0 */
	__s32 cgroup_scope[SCOPE_COUNT_MAX];
	__u64 payload_bytes_per_second;
	__u64 ring_hook_bytes;                 /* more than this waiting: records are dropped */
	__u64 ring_shed_bytes;                 /* more than this waiting: payload is left out */
	__u32 payload_bytes_max;
	__u32 terminal_payload_bytes_max;
	__u32 cgroup_count;
	__u32 has_tree;                        /* the map `trees` is in use */
	__s32 machine_scope;                   /* SCOPE_NONE, or the scope of all that is in no other */
	__u32 self_tgid;                       /* never recorded */
	__u32 exit_tells_group_dead;           /* sched_process_exit has its second argument */
	__u32 baseline_slot;                   /* key in `slots` */
};

/* Per CPU, read by user space: what was lost and what was handed over. */
struct cpu_counts {
	__u64 lost[LOSS_CLASS_COUNT];
	__u64 recorded;
};

/* Return values of the programs that user space runs: `flush` and `mark` … */
#define FLUSH_DONE 0
#define FLUSH_BUSY 1  /* a record is being built on that CPU */
#define FLUSH_FULL 2  /* the ring has no room */
/* … and `tree_add`. */
#define TREE_ADDED 0
#define TREE_REFUSED 1 /* not the recorder, or too many processes */

/* An entry of the ring that is no chunk: all chunks before it have been read when it is read. */
struct ring_mark {
	__u64 number;
};

#endif
