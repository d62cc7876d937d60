/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Names of AF_UNIX sockets. */
#ifndef SPOOR_SOCKET_NAME_H
#define SPOOR_SOCKET_NAME_H

#include "sensor/bpf/emit.h"

#define UNIX_NAME_BYTES_MAX 108 /* sun_path of uapi linux/un.h */
#define UNIX_FAMILY_BYTES 2     /* sun_family before it */

/* `length` bytes were copied to tail__place: takes them without the NUL that ends a path (an
 * abstract name begins with one instead). */
static __always_inline void tail__take_unix_name(struct writer *w, struct tail *tail, __u32 length)
{
	__u8 *place = tail__place(w);

	length &= 127;
	if (length > 1 && place[0] && !place[length - 1])
		length--;
	tail__take(w, tail, length, TAIL_WHOLE);
}

/* The name that the socket is bound to, else its peer's. */
static __always_inline void tail__fill_unix_name(struct writer *w, struct tail *tail,
						 struct sock *sk)
{
	struct unix_sock *local = KCAST(struct unix_sock, sk);
	struct unix_address *address = KREAD(local, addr);

	if (!address) {
		struct sock *peer = KREAD(local, peer);
		if (!peer)
			return;
		struct unix_sock *remote = KCAST(struct unix_sock, peer);
		address = KREAD(remote, addr);
	}
	if (!address)
		return;
	__u64 length = (__u64)KREAD(address, len) - UNIX_FAMILY_BYTES;
	barrier_var(length); /* or the compiler checks the value from before the subtraction instead */
	if (length == 0 || length > UNIX_NAME_BYTES_MAX)
		return;
	if (bpf_probe_read_kernel(tail__place(w), length,
				  (void *)((__u64)&address->name + UNIX_FAMILY_BYTES)))
		return;
	tail__take_unix_name(w, tail, length);
}

static __always_inline void tail__fill_unix_name_from_user(struct writer *w, struct tail *tail,
							   __u64 address, __u32 size_bytes)
{
	__u64 length = (__u64)size_bytes - UNIX_FAMILY_BYTES;

	barrier_var(length);
	if (length == 0 || length > UNIX_NAME_BYTES_MAX)
		return;
	if (bpf_probe_read_user(tail__place(w), length, (void *)(address + UNIX_FAMILY_BYTES)))
		return;
	tail__take_unix_name(w, tail, length);
}

#endif
