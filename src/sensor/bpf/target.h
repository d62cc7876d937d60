/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The process that a call was about. */
#ifndef SPOOR_TARGET_H
#define SPOOR_TARGET_H

#include "sensor/bpf/emit.h"

#ifdef SPOOR_DIRECT
struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;
#endif

static __always_inline void signal__fill_target(struct signal_record *record,
						struct task_struct *target)
{
	record->target_pid = KREAD(target, tgid);
	record->target_start_boot_ns = task__process_start(target);
}

/* By its number, as the caller passed it: only who is in no other pid namespace calls it that. */
static __always_inline void signal__fill_target_pid(struct signal_record *record, __s32 pid)
{
	record->target_pid = pid;
#ifdef SPOOR_DIRECT
	struct task_struct *task = task__current();

	if (pid <= 0 || !bpf_task_from_pid || KREAD2(task, thread_pid, level) != 0)
		return;
	struct task_struct *target = bpf_task_from_pid(pid);
	if (!target)
		return;
	signal__fill_target(record, target);
	bpf_task_release(target);
#endif
}

/* Bytes of another process's memory, moved by way of /proc/PID/mem: what process_vm_* do. */
static __always_inline void memory__record(struct pt_regs *regs, struct file *file, long result)
{
	struct inode *inode = KREAD(file, f_inode);
	struct dentry *dentry = KREAD(file, f_path.dentry);
	char name[4] = {};
	struct writer w;

	if (KREAD2(inode, i_sb, s_magic) != PROC_FS_MAGIC)
		return;
	bpf_probe_read_kernel(name, sizeof(name), KREAD(dentry, d_name.name));
	if (*(__u32 *)name != 0x006d656d) /* "mem", little-endian */
		return;
	struct proc_inode *of = KCAST(struct proc_inode, KCONTAINER(struct proc_inode, vfs_inode, inode));
	struct hlist_node *first = KREAD2(of, pid, tasks[PIDTYPE_PID].first);
	if (!first)
		return;
	struct task_struct *target =
		KCAST(struct task_struct,
		      KCONTAINER(struct task_struct, pid_links[PIDTYPE_PID], first));
	if (!record__begin(&w, RECORD_SIGNAL, LOSS_PROCESS, sizeof(struct signal_record),
			   KREAD(regs, orig_ax), result))
		return;
	struct signal_record *record = (void *)w.record;
	signal__fill_target(record, target);
	record__end_urgent(&w);
}

#endif
