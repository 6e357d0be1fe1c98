/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose socket is it: the pod in the socket's own tag, or in its network namespace. */
#ifndef PT_SOCKET_BPF_H
#define PT_SOCKET_BPF_H

#include "bpf/maps.bpf.h"
#include <bpf/bpf_core_read.h>
#include <stdbool.h>

/* Set by the loader: 5.10 has no socket storage in tracing programs, and a hash in its place. */
const volatile bool socket_tag __weak = true;

/* Set by the loader: the namespace that it is in. It is no pod's, and the one that most of what is
 * nobody's is in. */
const volatile __u32 host_netns __weak;

/* sk is a struct sock, or a packet's struct bpf_sock, which is the same address. */
static inline struct pt_sock *tag_of(void *sk)
{
	__u64 key = (__u64)sk;

	if (socket_tag)
		return bpf_sk_storage_get(&sock_pod, sk, NULL, 0);
	return bpf_map_lookup_elem(&sock_pod_hash, &key);
}

/* What a socket begins with; too large for the stack. */
static const struct pt_sock new_sock;

/* With the hash a new one, since an address may have been another socket's. */
static inline struct pt_sock *make_tag(void *sk)
{
	__u64 key = (__u64)sk;

	if (socket_tag)
		return bpf_sk_storage_get(&sock_pod, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	bpf_map_update_elem(&sock_pod_hash, &key, &new_sock, BPF_ANY);
	return bpf_map_lookup_elem(&sock_pod_hash, &key);
}

/* Socket storage goes with its socket. */
static inline void drop_tag(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (!socket_tag)
		bpf_map_delete_elem(&sock_pod_hash, &key);
}

/* 0 when the namespace is no pod's: the host's, or a pod's after its DEL. */
static inline __u64 pod_of_netns(struct sock *sk)
{
	__u32 netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	struct pt_pod_ref *ref = bpf_map_lookup_elem(&pod_by_netns, &netns);

	return ref ? ref->pod_id : 0;
}

static inline __u32 total_retrans(struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, total_retrans);
}

/* What the socket has retransmitted up to now is counted, or not podtag's to count. */
static inline void settle_at(struct pt_sock *tagged, __u32 total)
{
	tagged->total_retrans = total;
	tagged->is_settled = 1;
}

/* Returns NULL, which is counted, when there is no memory. */
static inline struct pt_sock *tag_socket(struct sock *sk, __u64 pod_id, bool is_settled)
{
	struct pt_sock *tagged = make_tag(sk);

	if (!tagged) {
		give_up(PT_SOCKET_TAG);
		return NULL;
	}
	tagged->pod_id = pod_id;
	tagged->is_settled = 0;
	if (is_settled)
		settle_at(tagged, total_retrans(sk));
	return tagged;
}

/* The pod's counters, or NULL, which is counted: only pods that ADD made have a tag or a netns. */
static inline struct pt_retransmits *retransmits_of(__u64 pod_id)
{
	struct pt_retransmits *counters = bpf_map_lookup_elem(&tcp_retransmits, &pod_id);

	if (!counters)
		give_up(PT_RETRANSMIT_NO_POD);

	return counters;
}

#endif
