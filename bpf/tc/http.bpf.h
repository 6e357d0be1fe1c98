/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet of a socket: which segment of which connection it is.
 *
 * Ingress sees a segment when it reaches the socket, before the application can; egress when the
 * socket sends it, which it does with its lock held, one segment at a time.
 */
#ifndef PT_TC_HTTP_BPF_H
#define PT_TC_HTTP_BPF_H

#include "bpf/http/early.bpf.h"

#define pt_http_copy(skb, offset, to, count) bpf_skb_load_bytes(skb, offset, to, count)

#include "bpf/http/steps.bpf.h"

#include <bpf/bpf_endian.h>

#define PASS 1

#define ETH_P_IP   0x0800
#define ETH_P_IPV6 0x86dd

/* include/uapi/linux: what is read of the headers */
struct ip4 {
	__u8 length : 4, version : 4;
	__u8 tos;
	__be16 total;
	__be32 fragment;
	__u8 ttl;
	__u8 protocol;
};

struct ip6 {
	__be32 flow;
	__be16 length;
	__u8 next;
	__u8 hops;
	__u8 addresses[32];
};

struct tcp {
	__be16 source, destination;
	__be32 seq, ack;
	__u8 reserved : 4, words : 4;
	__u8 flags;
};

#define SYN 0x02

/* Reads the headers, which are in the packet's linear part. Returns 0 when this is no TCP. */
static __always_inline int read_headers(struct __sk_buff *skb, struct pt_http_segment *segment)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ip4 *ip4 = data;
	struct ip6 *ip6 = data;
	struct tcp *tcp;
	__u32 offset;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if ((void *)(ip4 + 1) > data_end || ip4->protocol != IPPROTO_TCP)
			return 0;
		offset = ip4->length * 4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if ((void *)(ip6 + 1) > data_end || ip6->next != IPPROTO_TCP)
			return 0;
		offset = sizeof(*ip6);
	} else {
		return 0;
	}
	tcp = data + (offset & 0x3f);
	if ((void *)(tcp + 1) > data_end)
		return 0;

	segment->offset = offset + tcp->words * 4;
	segment->seq = bpf_ntohl(tcp->seq) + !!(tcp->flags & SYN);
	segment->length = skb->len - segment->offset;
	segment->flags = tcp->flags;
	return 1;
}

/* A socket without a tag is older than its pod's ADD, or the host's. */
static __always_inline struct pt_sock *tag_here(struct bpf_sock *sk)
{
	struct pt_sock *tag = tag_of(sk);
	struct pt_pod_ref *ref;
	struct tcp_sock *tcp;
	__u32 netns;

	if (tag)
		return tag;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return NULL;
	netns = ((struct sock *)tcp)->__sk_common.skc_net.net->ns.inum;
	if (netns == host_netns)
		return NULL;
	ref = bpf_map_lookup_elem(&pod_by_netns, &netns);
	if (!ref)
		return NULL;
	tag = make_tag(sk);
	if (tag)
		tag->pod_id = ref->pod_id;
	else
		give_up(PT_SOCKET_TAG);
	return tag;
}

/* The segment's first bytes, or only the first. */
static __always_inline __u64 first_text(struct __sk_buff *skb,
					const struct pt_http_segment *segment)
{
	__u64 text = 0;

	if (segment->length >= 8)
		bpf_skb_load_bytes(skb, segment->offset, &text, 8);
	else
		bpf_skb_load_bytes(skb, segment->offset, &text, 1);
	return text;
}

/* What a segment on a socket that is nothing yet makes it. */
static __always_inline struct pt_sock *recognize_in(struct __sk_buff *skb,
						    enum pt_http_direction direction,
						    const struct pt_http_segment *segment,
						    struct pt_sock *tagged)
{
	/* messages begin where the direction changes */
	if (tagged->http == (direction == PT_IN ? PT_SOCK_IN : PT_SOCK_OUT))
		return NULL;
	return recognize(first_text(skb, segment), direction, tagged);
}

/* The packet that completes the handshake may have the first request in it, and so may the first
 * packet of all; the listener gets both. What is found is for the child to take. */
static __always_inline struct pt_sock *
on_listener(struct __sk_buff *skb, const struct pt_http_segment *segment, struct bpf_sock *sk)
{
	struct pt_sock *early = early_here(), *tagged;

	if (early && early->http == PT_SOCK_HTTP && segment->length &&
	    early->conn.half[PT_IN].seen == segment->seq + segment->length)
		return early; /* the program has called itself */
	if (early)
		drop_early(early);
	if (!segment->length || !may_be_request(first_text(skb, segment)))
		return NULL;
	tagged = tag_here(sk);
	if (!tagged)
		return NULL;
	early = make_early();
	if (!early)
		return NULL;
	early->pod_id = tagged->pod_id;
	return begin(early, PT_IN);
}

/* Of a packet's socket, if it speaks HTTP. */
static __always_inline struct pt_sock *http_here(struct __sk_buff *skb,
						 enum pt_http_direction direction,
						 const struct pt_http_segment *segment,
						 struct bpf_sock *sk)
{
	struct pt_sock *tagged;

	if (sk->state == TCP_LISTEN)
		return on_listener(skb, segment, sk);
	tagged = tag_here(sk);
	if (!tagged || tagged->http >= PT_SOCK_OPAQUE)
		return NULL;
	if (tagged->http != PT_SOCK_HTTP)
		return segment->length ? recognize_in(skb, direction, segment, tagged) : NULL;
	if (tagged->conn.is_opaque) {
		tagged->http = PT_SOCK_OPAQUE;
		return NULL;
	}
	return tagged;
}

/* Whether it is clear without a look at the socket that all before this segment has been received.
 */
static __always_inline int is_expected(const struct pt_http_half *half,
				       const struct pt_http_segment *segment)
{
	return segment->seq == half->next && half->state != PT_HTTP_FILL &&
	       !(segment->flags & (FIN | RST));
}

/* Finds out what there is to do with a packet. Returns NULL when that is nothing. */
static __noinline struct pt_sock *prepare(struct __sk_buff *skb, enum pt_http_direction direction,
					  struct pt_http_segment *segment)
{
	struct bpf_sock *sk = skb->sk;
	struct pt_sock *tagged;
	struct bpf_tcp_sock *tcp;

	if (!sk || !read_headers(skb, segment))
		return NULL;
	if (!segment->length && !(segment->flags & (FIN | RST)) && sk->state != TCP_LISTEN)
		return NULL;
	if (sk->state == TCP_CLOSE)
		return NULL; /* an RST of its own: its tag and connection have gone already */
	tagged = http_here(skb, direction, segment, sk);
	if (!tagged)
		return NULL;
	segment->received = segment->seq;
	if (direction == PT_IN && !is_expected(&tagged->conn.half[PT_IN], segment)) {
		tcp = bpf_tcp_sock(sk);
		if (tcp)
			segment->received = tcp->rcv_nxt;
	}
	/* TCP has stamped what it sends, by the same clock */
	segment->now_ns = direction == PT_OUT ? skb->tstamp : 0;
	if (!segment->now_ns)
		segment->now_ns = bpf_ktime_get_ns();
	return tagged;
}

#endif
