/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Bytes moved: the read, write, send and recv families, transfers between descriptors, and the
 * ioctls that change a terminal. This is the hot path: see sensor_bench.
 */
#include "sensor/bpf/path.h"

#define SEGMENTS_MAX 8  /* of a vector, that payload is taken from */
#define MESSAGES_MAX 64 /* of recvmmsg and sendmmsg, that are added up */
#define POSITION_NONE (-1)
#define POSITION_OF_FILE (-2)

struct io_vector { /* uapi: struct iovec */
	__u64 base, size_bytes;
};
struct io_message { /* struct user_msghdr of linux/socket.h */
	__u64 name;
	__u32 name_size_bytes, pad;
	__u64 vectors, vector_count;
	__u64 control, control_size_bytes;
	__u32 flags, pad2;
};
struct io_messages { /* struct mmsghdr */
	struct io_message message;
	__u32 size_bytes, pad;
};
struct io_control { /* struct cmsghdr */
	__u64 size_bytes;
	__u32 level, type;
};
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define RECEIVED_MAX 8 /* descriptors of one message that are recorded */

/* What one call did, whichever its form. */
struct io_call {
	__s64 offset_bytes;  /* POSITION_…, or as passed */
	__u64 buffer;        /* or the vectors, if vector_count is not 0 */
	__u64 vector_count;
	__u64 address;       /* the caller's sockaddr, or 0 */
	__u64 bytes;         /* moved */
	__s32 fd;
	__u8 direction;
	bool message;        /* of the send and recv families */
};

/* Takes `bytes` from this second's budget; false if it is used up. Two CPUs that begin a second at
 * once may both reset it: the budget is a limit on cost and need not be exact. */
static __always_inline bool budget__spend(__u64 now_ns, __u64 bytes)
{
	__u32 zero = 0;
	struct payload_budget *budget = bpf_map_lookup_elem(&budgets, &zero);

	if (!budget)
		return false;
	if (now_ns - budget->window_start_ns > 1000000000ull) {
		budget->window_start_ns = now_ns;
		budget->spent_bytes = 0;
	}
	if (budget->spent_bytes + bytes > config.payload_bytes_per_second)
		return false;
	__sync_fetch_and_add(&budget->spent_bytes, bytes);
	return true;
}

/* Copies up to `wanted` bytes out of the call's vectors; returns how many, 0 if unreadable. */
static __noinline __u32 payload__copy_vectors(struct writer *w, __u64 vectors, __u64 vector_count,
					      __u32 wanted)
{
	__u64 copied = 0;

	for (__u32 i = 0; i < SEGMENTS_MAX && i < vector_count && copied < wanted; i++) {
		struct io_vector vector;
		if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(vectors + i * sizeof(vector))))
			break;
		__u64 part = wanted - copied;
		if (vector.size_bytes < part)
			part = vector.size_bytes;
		barrier_var(part);
		if (part > PAYLOAD_BYTES_MAX)
			break;
		if (bpf_probe_read_user(tail__place(w) + (copied & (PAYLOAD_BYTES_MAX - 1)), part,
					(void *)vector.base))
			break;
		copied += part;
	}
	return copied > PAYLOAD_BYTES_MAX ? PAYLOAD_BYTES_MAX : copied;
}

static __always_inline void tail__fill_payload(struct writer *w, struct tail *tail,
					       const struct io_call *call, __u32 limit, bool budgeted)
{
	__u64 wanted = call->bytes < limit ? call->bytes : limit;
	__u64 copied = 0;

	barrier_var(wanted);
	if (wanted > PAYLOAD_BYTES_MAX)
		wanted = PAYLOAD_BYTES_MAX;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > config.ring_shed_bytes ||
	    (budgeted && !budget__spend(w->record->boot_ns, wanted))) {
		tail->status = TAIL_SHED;
		loss__count(LOSS_PAYLOAD, 1);
		return;
	}
	if (call->vector_count)
		copied = payload__copy_vectors(w, call->buffer, call->vector_count, wanted);
	else if (!bpf_probe_read_user(tail__place(w), wanted, (void *)call->buffer))
		copied = wanted;
	tail__take(w, tail, copied,
		   copied == call->bytes ? TAIL_WHOLE : copied ? TAIL_TRUNCATED : TAIL_UNREADABLE);
}

/* How much payload of this object and direction is wanted: what is read from regular files is in
 * the files. */
static __always_inline __u32 payload__limit(const struct object_ref *object, __u8 direction,
					    bool terminal)
{
	if (terminal)
		return config.terminal_payload_bytes_max;
	if (object->type == OBJECT_SOCKET || object->type == OBJECT_PIPE)
		return config.payload_bytes_max;
	if (object->type == OBJECT_FILE && direction == IO_OUT)
		return config.payload_bytes_max;
	return 0;
}

static __always_inline __s64 io__offset(const struct io_call *call, const struct object_ref *object,
					struct file *file, long result)
{
	if (object->type != OBJECT_FILE && object->type != OBJECT_BLOCK_DEVICE)
		return -1;
	if (call->offset_bytes != POSITION_OF_FILE)
		return call->offset_bytes;
	return KREAD(file, f_pos) - (result > 0 ? result : 0);
}

static __always_inline int io__record(struct pt_regs *regs, long result, struct io_call *call)
{
	if (result__is_retry(result))
		return 0;
	struct writer w;
	if (!record__begin(&w, RECORD_IO, LOSS_IO, sizeof(struct io_record), KREAD(regs, orig_ax),
			   result))
		return 0;
	struct io_record *record = (void *)w.record;
	struct file *file = task__file(task__current(), call->fd);
	struct tty_struct *tty = NULL;
	record->fd = call->fd;
	record->direction = call->direction;
	record->offset_bytes = -1;
	if (file) {
		tty = object__fill(&record->object, file);
		record->offset_bytes = io__offset(call, &record->object, file, result);
		if (tty)
			terminal_state__fill(&record->terminal, tty);
		if (call->message && record->object.type == OBJECT_SOCKET) {
			record->has_socket = 1;
			socket__fill(&record->socket, file__sock(file));
			socket__fill_remote(&record->socket, call->address);
		}
	}
	if ((config.payload_bytes_max || config.terminal_payload_bytes_max) && result > 0 &&
	    call->bytes) {
		__u32 limit = payload__limit(&record->object, call->direction, tty != NULL);
		if (limit)
			tail__fill_payload(&w, &record->payload, call, limit, tty == NULL);
	}
	record__end(&w);
	return 0;
}

/* read, write */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io, struct pt_regs *regs, long result)
{
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = KREAD(regs, orig_ax) == NR_READ ? IO_IN : IO_OUT,
		.offset_bytes = POSITION_OF_FILE,
		.buffer = KREAD(regs, si),
		.bytes = result > 0 ? result : 0,
	};

	return io__record(regs, result, &call);
}

/* pread64, pwrite64, readv, writev, preadv, pwritev, preadv2, pwritev2 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_at, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = nr == NR_PREAD64 || nr == NR_READV || nr == NR_PREADV || nr == NR_PREADV2
				     ? IO_IN
				     : IO_OUT,
		.offset_bytes = KREAD(regs, r10),
		.buffer = KREAD(regs, si),
		.bytes = result > 0 ? result : 0,
	};

	if (nr != NR_PREAD64 && nr != NR_PWRITE64)
		call.vector_count = KREAD(regs, dx);
	/* preadv2 with -1 uses the file's position, as readv does. */
	if (nr == NR_READV || nr == NR_WRITEV || call.offset_bytes < 0)
		call.offset_bytes = POSITION_OF_FILE;
	return io__record(regs, result, &call);
}

/* sendto, recvfrom */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_socket, struct pt_regs *regs, long result)
{
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = KREAD(regs, orig_ax) == NR_RECVFROM ? IO_IN : IO_OUT,
		.offset_bytes = POSITION_NONE,
		.buffer = KREAD(regs, si),
		.bytes = result > 0 ? result : 0,
		.address = KREAD(regs, r8),
		.message = true,
	};

	return io__record(regs, result, &call);
}

/* A descriptor that came with a message is one more open of what it refers to. */
static __always_inline void received__record(struct pt_regs *regs, __s32 fd)
{
	struct file *file = task__file(task__current(), fd);
	struct writer w;

	if (!file || !record__begin(&w, RECORD_OPEN, LOSS_DESCRIPTOR, sizeof(struct open_record),
				    KREAD(regs, orig_ax), fd))
		return;
	struct open_record *record = (void *)w.record;
	record->fd = fd;
	record->directory_fd = AT_FDCWD;
	record->open_flags = KREAD(file, f_flags);
	object__fill(&record->object, file);
	object__flag_memfd(&record->object, file);
	if (record->object.type == OBJECT_SOCKET)
		socket__fill(&record->socket, file__sock(file));
	else
		tail__fill_file_path(&w, &record->path, file);
	record__end(&w);
}

static __always_inline void received__record_all(struct pt_regs *regs,
						 const struct io_message *message)
{
	struct io_control control = {};

	if (message->control_size_bytes < sizeof(control) + sizeof(__s32) ||
	    bpf_probe_read_user(&control, sizeof(control), (void *)message->control) ||
	    control.level != SOL_SOCKET || control.type != SCM_RIGHTS)
		return;
	for (__u32 i = 0; i < RECEIVED_MAX; i++) {
		__s32 fd = -1;
		if (sizeof(control) + (i + 1) * sizeof(fd) > control.size_bytes ||
		    bpf_probe_read_user(&fd, sizeof(fd),
					(void *)(message->control + sizeof(control) + i * sizeof(fd))))
			break;
		received__record(regs, fd);
	}
}

/* sendmsg, recvmsg */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_message, struct pt_regs *regs, long result)
{
	struct io_message message = {};
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = KREAD(regs, orig_ax) == NR_RECVMSG ? IO_IN : IO_OUT,
		.offset_bytes = POSITION_NONE,
		.bytes = result > 0 ? result : 0,
		.message = true,
	};

	if (result__is_retry(result))
		return 0;
	bpf_probe_read_user(&message, sizeof(message), (void *)KREAD(regs, si));
	call.buffer = message.vectors;
	call.vector_count = message.vector_count;
	call.address = message.name;
	io__record(regs, result, &call);
	if (call.direction == IO_IN && result >= 0 && message.control)
		received__record_all(regs, &message);
	return 0;
}

/*
 * sendmmsg, recvmmsg: one record for the call. Its result is the bytes moved by the first
 * MESSAGES_MAX messages; payload and remote end are the first message's.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_messages, struct pt_regs *regs, long result)
{
	__u64 messages = KREAD(regs, si);
	struct io_messages entry = {};
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = KREAD(regs, orig_ax) == NR_RECVMMSG ? IO_IN : IO_OUT,
		.offset_bytes = POSITION_NONE,
		.message = true,
	};
	long total = result < 0 ? result : 0;

	if (result__is_retry(result))
		return 0;
	for (int i = 0; i < MESSAGES_MAX && i < result; i++) {
		__u32 size_bytes = 0;
		bpf_probe_read_user(&size_bytes, sizeof(size_bytes),
				    (void *)(messages + i * sizeof(entry) +
					     __builtin_offsetof(struct io_messages, size_bytes)));
		total += size_bytes;
	}
	bpf_probe_read_user(&entry, sizeof(entry), (void *)messages);
	call.bytes = entry.size_bytes;
	call.buffer = entry.message.vectors;
	call.vector_count = entry.message.vector_count;
	call.address = entry.message.name;
	return io__record(regs, total, &call);
}

/* sendfile, splice, tee, copy_file_range: bytes that user space never sees. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_transfer, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct task_struct *task = task__current();
	struct writer w;

	if (result__is_retry(result))
		return 0;
	if (!record__begin(&w, RECORD_TRANSFER, LOSS_IO, sizeof(struct transfer_record), nr,
			   result))
		return 0;
	struct transfer_record *record = (void *)w.record;
	__s32 first = KREAD(regs, di), second = KREAD(regs, si), third = KREAD(regs, dx);
	record->source_fd = nr == NR_SENDFILE ? second : first;
	record->target_fd = nr == NR_SENDFILE ? first : nr == NR_TEE ? second : third;
	struct file *source = task__file(task, record->source_fd);
	if (source)
		object__fill(&record->source, source);
	struct file *target = task__file(task, record->target_fd);
	if (target)
		object__fill(&record->target, target);
	record__end(&w);
	return 0;
}

/* uapi asm-generic/ioctls.h: TCSETS*, TIOCSCTTY, TIOCSTI, TIOCSWINSZ, TCSETS*2 */
static __always_inline bool ioctl__changes_terminal(__u32 request)
{
	return (request >= 0x5402 && request <= 0x5404) || request == 0x540e || request == 0x5412 ||
	       request == 0x5414 || (request >= 0x402c542b && request <= 0x402c542d);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_ioctl, struct pt_regs *regs, long result)
{
	__u32 request = KREAD(regs, si);
	struct writer w;

	if (!ioctl__changes_terminal(request) || result__is_retry(result))
		return 0;
	if (!record__begin(&w, RECORD_TERMINAL, LOSS_IO, sizeof(struct terminal_record),
			   KREAD(regs, orig_ax), result))
		return 0;
	struct terminal_record *record = (void *)w.record;
	record->fd = KREAD(regs, di);
	record->request = request;
	struct file *file = task__file(task__current(), record->fd);
	if (file) {
		struct tty_struct *tty = object__fill(&record->object, file);
		if (tty)
			terminal_state__fill(&record->terminal, tty);
	}
	record__end(&w);
	return 0;
}
