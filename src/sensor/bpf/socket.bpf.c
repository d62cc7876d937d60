/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Sockets: socket, bind, listen, connect, accept, shutdown. */
#include "sensor/bpf/socket_name.h"

/* uapi asm-generic/socket.h, asm-generic/errno.h */
#define SO_ERROR 4
#define ENETUNREACH 101
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

SEC("tp_btf/sys_exit")
int BPF_PROG(on_socket, struct pt_regs *regs, long result)
{
	__u64 nr = KREAD(regs, orig_ax);
	bool accepts = nr == NR_ACCEPT || nr == NR_ACCEPT4;
	struct task_struct *task = task__current();
	struct writer w;

	/* A poll that found nothing. connect's EINPROGRESS is an attempt and is recorded. */
	if (result__is_retry(result))
		return 0;
	if (!record__begin(&w, RECORD_SOCKET, LOSS_NETWORK, sizeof(struct socket_record), nr,
			   result))
		return 0;
	struct socket_record *record = (void *)w.record;
	record->fd = nr == NR_SOCKET ? (__s32)result : (__s32)KREAD(regs, di);
	if (nr == NR_LISTEN || nr == NR_SHUTDOWN)
		record->argument = KREAD(regs, si);
	else if ((nr == NR_SOCKET || accepts) && task__closes_on_exec(task, result))
		record->argument = O_CLOEXEC;
	struct file *file = task__file(task, accepts && result >= 0 ? (__s32)result : record->fd);
	if (accepts && result >= 0) {
		struct file *listener = task__file(task, record->fd);
		if (listener)
			object__fill(&record->listener, listener);
	}
	if (!file) {
		/* socket that failed: what was asked for */
		if (nr == NR_SOCKET) {
			record->socket.family = KREAD(regs, di);
			record->socket.type = KREAD(regs, si) & 0xf;
			record->socket.protocol = KREAD(regs, dx);
		}
		record__end(&w);
		return 0;
	}
	object__fill(&record->object, file);
	if (record->object.type == OBJECT_SOCKET) {
		struct sock *sk = file__sock(file);
		socket__fill(&record->socket, sk);
		if (nr == NR_CONNECT)
			socket__fill_remote(&record->socket, KREAD(regs, si), result < 0);
		if (record->socket.family == AF_UNIX) {
			tail__fill_unix_name(&w, &record->unix_path, sk);
			if (!record->unix_path.status && (nr == NR_CONNECT || nr == NR_BIND))
				tail__fill_unix_name_from_user(&w, &record->unix_path, KREAD(regs, si),
							       KREAD(regs, dx));
		}
	}
	if (nr == NR_CONNECT || accepts)
		record__end_urgent(&w);
	else
		record__end(&w);
	return 0;
}

/*
 * getsockopt SO_ERROR: how a connect that went on behind the program's back ended, if it failed. That
 * is recorded as what it is, the connect's result; of a connection that was there once it is not, for
 * which any byte that was acknowledged, the opening one included, tells.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_socket_error, struct pt_regs *regs, long result)
{
	__s32 fd = KREAD(regs, di), error = 0;
	struct file *file;
	struct writer w;

	if (result != 0 || KREAD(regs, si) != SOL_SOCKET || KREAD(regs, dx) != SO_ERROR)
		return 0;
	bpf_probe_read_user(&error, sizeof(error), (void *)KREAD(regs, r10));
	if (error != ECONNREFUSED && error != ETIMEDOUT && error != EHOSTUNREACH &&
	    error != ENETUNREACH)
		return 0;
	file = task__file(task__current(), fd);
	if (!file || (KREAD2(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	struct sock *sk = file__sock(file);
	if (KREAD(sk, sk_protocol) != IPPROTO_TCP ||
	    KREAD(KCAST(struct tcp_sock, sk), bytes_acked) != 0 ||
	    !record__begin(&w, RECORD_SOCKET, LOSS_NETWORK, sizeof(struct socket_record), NR_CONNECT,
			   -error))
		return 0;
	struct socket_record *record = (void *)w.record;
	record->fd = fd;
	object__fill(&record->object, file);
	socket__fill(&record->socket, sk);
	record__end_urgent(&w);
	return 0;
}
