/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What differs between kernels and cannot be left to relocation; user space says which one it is. */
#ifndef SPOOR_KERNEL_DRIFT_H
#define SPOOR_KERNEL_DRIFT_H

#include "sensor/bpf/emit.h"

/*
 * sched_process_exit tells whether this was the last thread since 6.17. Before, the number of live
 * threads says so; two that end at the same moment can then both see 0, and both are recorded.
 */
static __always_inline bool exit__is_last_thread(unsigned long long *ctx, struct task_struct *task)
{
	if (config.exit_tells_group_dead)
		return ctx[1] & 1;
	return KREAD2(task, signal, live.counter) == 0;
}

#endif
