/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What differs between kernels and cannot be left to relocation; user space says which one it is. */
#ifndef SPOOR_KERNEL_DRIFT_H
#define SPOOR_KERNEL_DRIFT_H

#include "sensor/bpf/read.h"

/* Id of the task's cgroup on `level` of the hierarchy, as bpf_get_current_ancestor_cgroup_id gives it
 * for the current task to programs of ours since 5.15 or so; 0 if it is not that deep. */
static __always_inline __u64 task__ancestor_cgroup_id(struct task_struct *task, __u32 level)
{
	struct cgroup *group = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	struct cgroup___before_6_1 *before = (void *)group;
	struct cgroup *ancestor = NULL;
	__u64 id = 0;

	if ((__u32)BPF_CORE_READ(group, level) < level)
		return 0;
	/* kernel 7f203bc89eb6: ids became pointers to the groups */
	if (bpf_core_field_exists(before->ancestor_ids)) {
		bpf_core_read(&id, sizeof(id), &before->ancestor_ids[level]);
		return id;
	}
	bpf_core_read(&ancestor, sizeof(ancestor), &group->ancestors[level]);
	return BPF_CORE_READ(ancestor, kn, id);
}

/*
 * sched_process_exit tells whether this was the last thread since 6.17. Before, the number of live
 * threads says so; two that end at the same moment can then both see 0, so the first one is noted.
 */
static __always_inline bool exit__is_last_thread(unsigned long long *ctx, struct task_struct *task)
{
	__u64 start_boot_ns = task__process_start(task);
	__u8 yes = 1;

	if (config.exit_tells_group_dead)
		return ctx[1] & 1;
	return KREAD2(task, signal, live.counter) == 0 &&
	       bpf_map_update_elem(&ended, &start_boot_ns, &yes, BPF_NOEXIST) == 0;
}

#endif
