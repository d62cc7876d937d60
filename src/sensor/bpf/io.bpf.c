/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Bytes moved: the read, write, send and recv families, transfers between descriptors, and the
 * ioctls that change a terminal. This is the hot path: see sensor_bench.
 */
#include "sensor/bpf/named.h"
#include "sensor/bpf/sender.h"
#include "sensor/bpf/target.h"

#define SEGMENTS_MAX 8  /* of a vector, that payload is taken from */
/* Of recvmmsg and sendmmsg, that are recorded; the kernel takes no more than 1024. */
#ifdef SPOOR_DIRECT
#define MESSAGES_MAX 1024
#else
#define MESSAGES_MAX 4 /* no loop that the verifier of 5.10 goes through only once */
#endif
#define RWF_APPEND 0x10 /* uapi linux/fs.h */
#define RWF_NOAPPEND 0x20
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
#define SCM_RIGHTS 1
#define RECEIVED_MAX 8 /* descriptors of one message that are recorded */

/* What one call did, whichever its form. */
struct io_call {
	__s64 offset_bytes;  /* POSITION_…, or as passed */
	__u64 buffer;        /* or the vectors, if vector_count is not 0 */
	__u64 vector_count;
	__u64 address;       /* the caller's sockaddr, or 0 */
	__u64 bytes;         /* moved */
	__u64 room;          /* of the buffers that they were moved to */
	__u32 call_flags;    /* MSG_… of the send and recv families */
	__u32 message;       /* which of the call's messages it is */
	__s32 fd;
	__u8 direction;
	bool appends;        /* at the file's end, whatever the offset says */
};

/* Takes `bytes` from this second's budget; false if it is used up. Two CPUs that begin a second at
 * once may both reset it: the budget is a limit on cost and need not be exact. */
static __always_inline bool budget__spend(__u64 now_ns, __u64 bytes)
{
	__u32 zero = 0;
	struct payload_budget *budget = bpf_map_lookup_elem(&budgets, &zero);

	if (!budget)
		return false;
	/* Signed: another CPU's record may have begun a moment later than this one. */
	if ((__s64)(now_ns - budget->window_start_ns) > 1000000000ll) {
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
	__s64 moved = result > 0 ? result : 0;
	if (call->offset_bytes == POSITION_OF_FILE)
		return KREAD(file, f_pos) - moved;
	if (call->appends && call->direction == IO_OUT)
		return KREAD2(file, f_inode, i_size) - moved;
	return call->offset_bytes;
}

/*
 * What a receiving call moved. With MSG_TRUNC its result is what came, and only what there was room
 * for was written; on a stream nothing was.
 */
static __always_inline long io__moved(struct io_record *record, struct io_call *call, long result)
{
	if (call->direction != IO_IN || result <= 0)
		return result;
	if (call->call_flags & MSG_PEEK)
		record->flags |= IO_FLAG_PEEK;
	if (!(call->call_flags & MSG_TRUNC))
		return result;
	if (record->socket.type == SOCK_STREAM) {
		record->flags |= IO_FLAG_CUT;
		return 0;
	}
	if ((__u64)result > call->room) {
		record->flags |= IO_FLAG_CUT;
		return call->room;
	}
	return result;
}

/* Both ends, as they are for what this call moved. */
static __always_inline void io__fill_socket(struct io_record *record, struct io_call *call,
					    struct file *file)
{
	record->has_socket = 1;
	socket__fill(&record->socket, file__sock(file));
	if (record->socket.protocol == IPPROTO_TCP)
		return;
	/* A datagram goes where the caller says, even from a socket that is connected elsewhere. */
	socket__fill_remote(&record->socket, call->address, true);
	if (call->direction == IO_OUT)
		return;
	sender__fill(&record->socket, call->message);
	if (record->socket.protocol == IPPROTO_UDP && !record->socket.remote_port) {
		struct io_vector first = {.base = call->buffer};
		if (call->vector_count)
			bpf_probe_read_user(&first, sizeof(first), (void *)call->buffer);
		__u64 room = call->vector_count ? first.size_bytes : call->room;
		sender__find(&record->socket, (__u64)file__sock(file), first.base,
			     call->bytes < room ? call->bytes : room);
	}
}

static __noinline int io__record(struct pt_regs *regs, long result, struct io_call *call)
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
		if (record->object.type == OBJECT_SOCKET) {
			io__fill_socket(record, call, file);
			result = io__moved(record, call, result);
			record->header.result = result;
			if (result <= 0)
				call->bytes = 0;
			else if (call->bytes > (__u64)result)
				call->bytes = result;
		}
	}
	if ((config.payload_bytes_max || config.terminal_payload_bytes_max) && result > 0 &&
	    call->bytes && !(record->flags & IO_FLAG_PEEK)) {
		__u32 limit = payload__limit(&record->object, call->direction, tty != NULL);
		if (limit)
			tail__fill_payload(&w, &record->payload, call, limit, tty == NULL);
	}
	record__end(&w);
	if (file && result > 0)
		memory__record(regs, file, result);
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
		.room = KREAD(regs, dx),
	};

	return io__record(regs, result, &call);
}

/* Whether what is written to the descriptor goes to the file's end. */
__noinline int io__appends(__u32 fd, __u32 call_flags)
{
	struct file *file = task__file(task__current(), fd);

	if (call_flags & RWF_APPEND)
		return 1;
	return file && KREAD(file, f_flags) & O_APPEND && !(call_flags & RWF_NOAPPEND);
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
		.room = ~0ull,
	};

	if (nr != NR_PREAD64 && nr != NR_PWRITE64)
		call.vector_count = KREAD(regs, dx);
	/* preadv2 with -1 uses the file's position, as readv does. */
	if (nr == NR_READV || nr == NR_WRITEV || call.offset_bytes < 0)
		call.offset_bytes = POSITION_OF_FILE;
	if (call.direction == IO_OUT)
		call.appends = io__appends(call.fd, nr == NR_PWRITEV2 ? KREAD(regs, r9) : 0);
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
		.room = KREAD(regs, dx),
		.call_flags = KREAD(regs, r10),
		.address = KREAD(regs, r8),
	};

	return io__record(regs, result, &call);
}

/* A descriptor that came with a message is one more open of what it refers to. */
static __always_inline void received__record(struct pt_regs *regs, __s32 fd)
{
	struct task_struct *task = task__current();
	struct file *file = task__file(task, fd);
	struct writer w;

	if (!file || !record__begin(&w, RECORD_OPEN, LOSS_DESCRIPTOR, sizeof(struct open_record),
				    KREAD(regs, orig_ax), fd))
		return;
	struct open_record *record = (void *)w.record;
	record->fd = fd;
	record->directory_fd = AT_FDCWD;
	record->open_flags = KREAD(file, f_flags) |
			     (task__closes_on_exec(task, fd) ? O_CLOEXEC : 0);
	object__fill(&record->object, file);
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

/* How much the vectors have room for. A global function, so that its turns are not multiplied with the
 * callers' branches when it is verified; io__appends, too. */
__noinline __u64 message__room(__u64 vectors, __u64 vector_count)
{
	__u64 room = 0;

	for (__u32 i = 0; i < SEGMENTS_MAX && i < vector_count; i++) {
		struct io_vector vector;
		if (bpf_probe_read_user(&vector, sizeof(vector),
					(void *)(vectors + i * sizeof(vector))))
			break;
		room += vector.size_bytes;
	}
	/* With more of them it is not known, and then nothing is taken for cut that was not. */
	return vector_count > SEGMENTS_MAX ? ~0ull : room;
}

static __always_inline void call__take_message(struct io_call *call,
					       const struct io_message *message, __u64 bytes)
{
	call->buffer = message->vectors;
	call->vector_count = message->vector_count;
	call->address = message->name;
	call->bytes = bytes;
	call->room = ~0ull;
	if (call->call_flags & MSG_TRUNC)
		call->room = message__room(message->vectors, message->vector_count);
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
		.call_flags = KREAD(regs, dx),
	};

	if (result__is_retry(result))
		return 0;
	bpf_probe_read_user(&message, sizeof(message), (void *)KREAD(regs, si));
	call__take_message(&call, &message, result > 0 ? result : 0);
	io__record(regs, result, &call);
	if (call.direction == IO_IN && result >= 0 && message.control)
		received__record_all(regs, &message);
	return 0;
}

#define FMODE_WRITE 0x2 /* linux/fs.h */

/* POSIX message queues, whose descriptors are those of files; vmsplice, from or to a pipe. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_queue, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	struct io_call call = {
		.fd = KREAD(regs, di),
		.direction = nr == NR_MQ_TIMEDRECEIVE ? IO_IN : IO_OUT,
		.offset_bytes = POSITION_NONE,
		.buffer = KREAD(regs, si),
		.room = ~0ull,
	};

	if (nr == NR_VMSPLICE) {
		struct file *file = task__file(task__current(), call.fd);
		call.vector_count = KREAD(regs, dx);
		if (file && !(KREAD(file, f_mode) & FMODE_WRITE))
			call.direction = IO_IN;
	} else if (nr == NR_MQ_TIMEDSEND && result == 0) {
		result = KREAD(regs, dx); /* the call tells none: all of them went */
	}
	call.bytes = result > 0 ? result : 0;
	return io__record(regs, result, &call);
}

struct io_batch {
	struct pt_regs *regs;
	__u64 messages;
	struct io_call call;
};

static int io_batch__record(__u32 index, struct io_batch *batch)
{
	struct io_messages entry = {};

	bpf_probe_read_user(&entry, sizeof(entry),
			    (void *)(batch->messages + index * sizeof(entry)));
	call__take_message(&batch->call, &entry.message, entry.size_bytes);
	batch->call.message = index;
	io__record(batch->regs, entry.size_bytes, &batch->call);
	return 0;
}

/* sendmmsg, recvmmsg: a record for each message, with its own ends and bytes. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_messages, struct pt_regs *regs, long result)
{
	struct io_batch batch = {
		.regs = regs,
		.messages = KREAD(regs, si),
		.call = {
			.fd = KREAD(regs, di),
			.direction = KREAD(regs, orig_ax) == NR_RECVMMSG ? IO_IN : IO_OUT,
			.offset_bytes = POSITION_NONE,
			.call_flags = KREAD(regs, r10),
		},
	};

	if (result <= 0)
		return io__record(regs, result, &batch.call);
#ifdef SPOOR_DIRECT
	bpf_loop(result, io_batch__record, &batch, 0);
#else
	for (__u32 i = 0; i < MESSAGES_MAX && i < result; i++)
		io_batch__record(i, &batch);
	if (result > MESSAGES_MAX && scope__of_current() != SCOPE_NONE)
		loss__count(LOSS_IO, result - MESSAGES_MAX);
#endif
	return 0;
}

/* Bytes that user space never sees. */
static __always_inline int transfer__record(__u64 nr, long result, __s32 source_fd, __s32 target_fd)
{
	struct task_struct *task = task__current();
	struct writer w;

	if (result__is_retry(result))
		return 0;
	if (!record__begin(&w, RECORD_TRANSFER, LOSS_IO, sizeof(struct transfer_record), nr,
			   result))
		return 0;
	struct transfer_record *record = (void *)w.record;
	record->source_fd = source_fd;
	record->target_fd = target_fd;
	struct file *source = task__file(task, record->source_fd);
	if (source)
		object__fill(&record->source, source);
	struct file *target = task__file(task, record->target_fd);
	if (target)
		object__fill(&record->target, target);
	if (result > 0 && (payload__limit(&record->source, IO_IN, false) ||
			   payload__limit(&record->target, IO_OUT, false)))
		record->header.flags |= RECORD_FLAG_PAYLOAD_LEFT_OUT;
	record__end(&w);
	return 0;
}

/* sendfile, splice, tee, copy_file_range */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_transfer, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	__s32 first = KREAD(regs, di), second = KREAD(regs, si), third = KREAD(regs, dx);

	return transfer__record(nr, result, nr == NR_SENDFILE ? second : first,
				nr == NR_SENDFILE ? first : nr == NR_TEE ? second : third);
}

#define FICLONE 0x40049409 /* uapi linux/fs.h: a file gets the blocks of another one */
#define FICLONERANGE 0x4020940d
struct clone_range { /* uapi linux/fs.h: file_clone_range */
	__s64 source_fd;
	__u64 source_offset;
	__u64 size_bytes; /* 0: up to the end */
	__u64 target_offset;
};

/* As a transfer of what the target shares with the source then. */
static __always_inline int clone__record(struct pt_regs *regs, long result)
{
	struct clone_range range = {.source_fd = (__s32)KREAD(regs, dx)};

	if ((__u32)KREAD(regs, si) == FICLONERANGE &&
	    bpf_probe_read_user(&range, sizeof(range), (void *)KREAD(regs, dx)))
		return 0;
	struct file *source = task__file(task__current(), range.source_fd);
	if (result == 0 && source) {
		__s64 left = BPF_CORE_READ(source, f_inode, i_size) - range.source_offset;
		result = range.size_bytes ? range.size_bytes : left > 0 ? left : 0;
	}
	return transfer__record(KREAD(regs, orig_ax), result, range.source_fd, KREAD(regs, di));
}

#define FIONCLEX 0x5450 /* uapi asm-generic/ioctls.h */
#define FIOCLEX 0x5451
#define FS_IOC_SETFLAGS 0x40086602 /* uapi linux/fs.h: chattr */
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

	if (request == FIOCLEX || request == FIONCLEX) {
		descriptor__record_flags(regs, result);
		return 0;
	}
	if (request == FS_IOC_SETFLAGS) {
		struct path_call call = {.directory_fd = AT_FDCWD, .fd = KREAD(regs, di)};
		bpf_probe_read_user(&call.value, sizeof(__u32), (void *)KREAD(regs, dx));
		path_call__record(regs, result, &call, 0);
		return 0;
	}
	if (request == FICLONE || request == FICLONERANGE)
		return clone__record(regs, result);
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
