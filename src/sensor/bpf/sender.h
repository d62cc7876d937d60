/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Who sent the datagrams that a call received. The call need not ask, and the socket does not know.
 * Packets are looked at while they are copied to the receiver, and remembered until its call ends.
 * Those of UDP that are in one piece are copied unseen: they are looked at when they reach the
 * socket, and known again by what the program got.
 */
#ifndef SPOOR_SENDER_H
#define SPOOR_SENDER_H

#include "sensor/bpf/emit.h"

#define SENDERS_MAX 16 /* of one call, the first ones; a power of two */

struct packet_sender {
	__u8 address[16];
	__be16 port;
	__u16 family;
	__u32 pad;
};
struct packet_senders {
	__u64 count;
	struct packet_sender sender[SENDERS_MAX];
};

/* Thread -> senders of what its running call received. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct packet_senders);
} senders SEC(".maps");

static const struct packet_senders senders_none;

/* The source of an internet packet; false if it is none, or of TCP, whose sockets know their end. */
static __always_inline bool packet__fill_sender(struct packet_sender *sender, struct sk_buff *packet)
{
	__u8 *head = KREAD(packet, head);
	__u8 *network = head + KREAD(packet, network_header);
	__be16 protocol = KREAD(packet, protocol);
	__u8 transport = 0;

	if (protocol == bpf_htons(ETH_P_IP)) {
		sender->family = AF_INET;
		bpf_probe_read_kernel(&transport, 1, network + 9);
		bpf_probe_read_kernel(sender->address, 4, network + 12);
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		sender->family = AF_INET6;
		bpf_probe_read_kernel(&transport, 1, network + 6);
		bpf_probe_read_kernel(sender->address, 16, network + 8);
	} else {
		/* A socket of this host sent it, and is still its owner. Streams know their end. */
		struct sock *owner = KREAD(packet, sk);
		if (!owner || KREAD(owner, __sk_common.skc_family) != AF_UNIX ||
		    KREAD(owner, sk_type) == SOCK_STREAM)
			return false;
		sender->family = AF_UNIX;
		*(__u64 *)sender->address = sock__inode(owner);
		return true;
	}
	if (transport == IPPROTO_UDP)
		bpf_probe_read_kernel(&sender->port, 2, head + KREAD(packet, transport_header));
	return transport != IPPROTO_TCP;
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_datagram_copied, struct sk_buff *packet, int length)
{
	struct packet_sender sender = {};
	__u64 thread = bpf_get_current_pid_tgid();

	if (!packet__fill_sender(&sender, packet) || scope__of_current() == SCOPE_NONE)
		return 0;
	struct packet_senders *known = bpf_map_lookup_elem(&senders, &thread);
	if (!known) {
		bpf_map_update_elem(&senders, &thread, &senders_none, BPF_ANY);
		known = bpf_map_lookup_elem(&senders, &thread);
		if (!known)
			return 0;
	}
	if (known->count < SENDERS_MAX)
		known->sender[known->count & (SENDERS_MAX - 1)] = sender;
	known->count++;
	return 0;
}

#define ARRIVALS_MAX 16 /* of a socket, the last ones; a power of two */
#define ARRIVAL_BYTES 16
#define UDP_HEADER_BYTES 8

struct arrival {
	struct packet_sender sender;
	__u32 size_bytes; /* of the datagram */
	__u32 pad;
	__u8 first[ARRIVAL_BYTES]; /* bytes of it, zeros behind */
};
struct arrivals {
	__u64 count;
	struct arrival arrival[ARRIVALS_MAX];
};

/* Socket -> what reached it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct arrivals);
} datagrams SEC(".maps");

static const struct arrivals arrivals_none;

static __always_inline void arrival__fill(struct arrival *arrival, struct sk_buff *packet)
{
	__u8 *udp = KREAD(packet, head) + KREAD(packet, transport_header);
	__be16 size_bytes = 0;

	bpf_probe_read_kernel(&size_bytes, 2, udp + 4);
	arrival->size_bytes = bpf_ntohs(size_bytes) - UDP_HEADER_BYTES;
	__u32 length = arrival->size_bytes < ARRIVAL_BYTES ? arrival->size_bytes : ARRIVAL_BYTES;
	bpf_probe_read_kernel(arrival->first, length, udp + UDP_HEADER_BYTES);
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(on_datagram_arrived, struct sock *sk)
{
	struct arrival arrival = {};
	__u64 key = (__u64)sk;

	/* Connected ones know their end. */
	if (KREAD(sk, sk_protocol) != IPPROTO_UDP || KREAD(sk, __sk_common.skc_dport))
		return 0;
	__u64 packet = (__u64)KREAD(sk, sk_receive_queue.prev);
	if (!packet || packet == key + bpf_core_field_offset(struct sock, sk_receive_queue))
		return 0;
	struct sk_buff *last = KCAST(struct sk_buff, packet);
	packet__fill_sender(&arrival.sender, last);
	if (!arrival.sender.port)
		return 0;
	arrival__fill(&arrival, last);
	struct arrivals *known = bpf_map_lookup_elem(&datagrams, &key);
	if (!known) {
		bpf_map_update_elem(&datagrams, &key, &arrivals_none, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&datagrams, &key);
		if (!known)
			return 0;
	}
	known->arrival[known->count & (ARRIVALS_MAX - 1)] = arrival;
	known->count++;
	return 0;
}

static __always_inline void sender__copy(struct socket_ref *ref, struct packet_sender *sender)
{
	if (sender->family == AF_UNIX) {
		ref->peer_inode = *(__u64 *)sender->address;
		return;
	}
	ref->remote_port = bpf_ntohs(sender->port);
	ref->flags = SOCKET_FLAG_REMOTE_FROM_PACKET; /* not from the caller's memory */
	__builtin_memset(ref->remote_address, 0, 16);
	if (sender->family == ref->family) {
		__builtin_memcpy(ref->remote_address, sender->address, 16);
	} else { /* an IPv4 packet for an IPv6 socket */
		ref->remote_address[10] = 0xff;
		ref->remote_address[11] = 0xff;
		*(__u32 *)&ref->remote_address[12] = *(__u32 *)sender->address;
	}
}

#ifdef SPOOR_DIRECT

/* What a call took of a datagram, and which of those that arrived it was. */
struct taken {
	__u64 sk;
	__u64 moved;
	__u64 first[ARRIVAL_BYTES / 8];
	__u64 mask[ARRIVAL_BYTES / 8]; /* of what was moved: what is behind is not part of it */
	struct packet_sender sender;
	bool found, doubtful;
};

static int taken__compare(__u32 index, struct taken *taken)
{
	struct arrivals *known = bpf_map_lookup_elem(&datagrams, &taken->sk);

	if (!known)
		return 1;
	struct arrival *arrival = &known->arrival[index & (ARRIVALS_MAX - 1)];
	const __u64 *first = (const void *)arrival->first;
	if (!arrival->sender.port || taken->moved > arrival->size_bytes ||
	    (first[0] & taken->mask[0]) != taken->first[0] ||
	    (first[1] & taken->mask[1]) != taken->first[1])
		return 0;
	const __u64 *one = (const void *)&arrival->sender, *other = (const void *)&taken->sender;
	if (taken->found && (one[0] != other[0] || one[1] != other[1] || one[2] != other[2]))
		taken->doubtful = true;
	taken->sender = arrival->sender;
	taken->found = true;
	return 0;
}

/*
 * The sender of a datagram of UDP, by the first of the `moved` bytes that are at `buffer` now; none if
 * two senders sent the socket what begins so.
 */
static __noinline void sender__find(struct socket_ref *ref, __u64 sk, __u64 buffer, __u64 moved)
{
	struct taken taken = {.sk = sk, .moved = moved};

	if (!moved)
		return;
	__u64 length = moved < ARRIVAL_BYTES ? moved : ARRIVAL_BYTES;
	taken.mask[0] = length >= 8 ? ~0ull : (1ull << (length * 8 & 63)) - 1;
	taken.mask[1] = length == 16 ? ~0ull
			: length > 8 ? (1ull << ((length - 8) * 8 & 63)) - 1
				     : 0;
	barrier_var(length);
	if (length > ARRIVAL_BYTES || bpf_probe_read_user(taken.first, length, (void *)buffer))
		return;
	bpf_loop(ARRIVALS_MAX, taken__compare, &taken, 0);
	if (taken.found && !taken.doubtful)
		sender__copy(ref, &taken.sender);
}

#else

static __always_inline void sender__find(struct socket_ref *ref, __u64 sk, __u64 buffer, __u64 moved)
{
}

#endif

/* The remote end of message number `index` of the call that ends now; nothing where it is not known. */
static __always_inline void sender__fill(struct socket_ref *ref, __u32 index)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct packet_senders *known = bpf_map_lookup_elem(&senders, &thread);

	if (!known)
		return;
	if (index < known->count && index < SENDERS_MAX)
		sender__copy(ref, &known->sender[index & (SENDERS_MAX - 1)]);
	/* The last that was taken over: the next call begins anew. */
	if (index + 1 >= known->count)
		bpf_map_delete_elem(&senders, &thread);
}

#endif
