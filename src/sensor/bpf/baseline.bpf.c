/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What was there when recording began: an iterator over all processes and one over all their
 * descriptors. Our reading thread runs them, one record at a time, in a slot of their own.
 */
#include "sensor/bpf/path.h"
#include "sensor/bpf/socket_name.h"

/* As record__begin, for `task` instead of the current one. False: not in any scope. */
static __always_inline bool baseline__begin(struct writer *w, struct task_struct *task, __u16 kind,
					    __u32 body_bytes)
{
	__s32 scope = scope__of(task, KREAD(task, tgid), false);
	__u32 key = config.baseline_slot;
	const struct cred *cred = KREAD(task, cred);

	if (scope == SCOPE_NONE)
		return false;
	w->slot = bpf_map_lookup_elem(&slots, &key);
	if (!w->slot)
		return false;
	w->key = key;
	w->length = body_bytes;
	w->record = (void *)w->slot->data;
	__builtin_memset(w->record, 0, body_bytes);
	w->record->boot_ns = bpf_ktime_get_boot_ns();
	w->record->process_start_boot_ns = task__process_start(task);
	w->record->pid = KREAD(task, tgid);
	w->record->tid = w->record->pid;
	w->record->uid = KREAD(cred, uid.val);
	w->record->euid = KREAD(cred, euid.val);
	w->record->flags = RECORD_FLAG_BASELINE;
	w->record->kind = kind;
	w->record->syscall_nr = SYSCALL_NR_NONE;
	w->record->scope = scope;
	return true;
}

static __always_inline void baseline__end(struct writer *w, struct bpf_iter_meta *meta)
{
	__u32 size_bytes = (w->length + 7) & ~7u;

	w->record->size_bytes = size_bytes;
	if (size_bytes < RECORD_SIZE_BYTES_MAX)
		bpf_seq_write(meta->seq, w->slot->data, size_bytes);
}

SEC("iter/task")
int on_baseline_process(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct writer w;

	if (!task || KREAD(task, pid) != KREAD(task, tgid) ||
	    !baseline__begin(&w, task, RECORD_PROCESS, sizeof(struct process_record)))
		return 0;
	struct process_record *record = (void *)w.record;
	struct task_struct *parent = KREAD(task, real_parent);
	record->parent_start_boot_ns = task__process_start(parent);
	record->parent_pid = KREAD(parent, tgid);
	record->session_id = task__group_number(task, PIDTYPE_SID);
	credentials__fill(&record->credentials, KREAD(task, cred));
	bpf_probe_read_kernel(record->command, sizeof(record->command), &task->comm);
	struct tty_struct *tty = KREAD2(task, signal, tty);
	if (tty)
		terminal_state__fill(&record->terminal, tty);
	struct fs_struct *fs = KREAD(task, fs);
	struct mm_struct *mm = KREAD(task, mm);
	struct file *program = mm ? KREAD(mm, exe_file) : NULL;
	if (program) {
		object__fill_inode(&record->object, KREAD(program, f_inode));
		object__flag_memfd(&record->object, program);
		tail__fill_path(&w, &record->path, &program->f_path);
	}
	if (fs)
		tail__fill_path(&w, &record->working_directory, &fs->pwd);
	baseline__end(&w, ctx->meta);
	return 0;
}

SEC("iter/task_file")
int on_baseline_descriptor(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct writer w;

	if (!task || !file || KREAD(task, pid) != KREAD(task, tgid) ||
	    !baseline__begin(&w, task, RECORD_OPEN, sizeof(struct open_record)))
		return 0;
	struct open_record *record = (void *)w.record;
	record->header.result = ctx->fd;
	record->fd = ctx->fd;
	record->open_flags = KREAD(file, f_flags) |
			     (task__closes_on_exec(task, ctx->fd) ? O_CLOEXEC : 0);
	record->directory_fd = AT_FDCWD;
	object__fill(&record->object, file);
	if (record->object.type == OBJECT_SOCKET) {
		struct sock *sk = file__sock(file);
		socket__fill(&record->socket, sk);
		if (record->socket.family == AF_UNIX)
			tail__fill_unix_name(&w, &record->unix_path, sk);
	} else if (record->object.type != OBJECT_PIPE || KREAD2(file, f_inode, i_nlink) > 1) {
		tail__fill_path(&w, &record->path, &file->f_path);
	}
	baseline__end(&w, ctx->meta);
	return 0;
}
