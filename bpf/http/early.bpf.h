/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a listener received that belongs to a child which is not there yet.
 *
 * The same packet makes the child, on the same CPU, before another one is handled there.
 */
#ifndef PT_HTTP_EARLY_BPF_H
#define PT_HTTP_EARLY_BPF_H

#include "bpf/socket.bpf.h"

/* Nothing unless it is PT_SOCK_HTTP. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_sock);
} http_early SEC(".maps") __weak;

/* This CPU's, or NULL. With the hash it is one of its entries, by a number that is no address: for
 * the verifier another map would be another program to go through. */
static __always_inline struct pt_sock *early_here(void)
{
	__u64 cpu = bpf_get_smp_processor_id() + 1;
	__u32 key = 0;

	if (socket_tag)
		return bpf_map_lookup_elem(&http_early, &key);
	return bpf_map_lookup_elem(&sock_pod_hash, &cpu);
}

/* It has been taken, or nobody came for it. */
static __always_inline void drop_early(struct pt_sock *early)
{
	__u64 cpu = bpf_get_smp_processor_id() + 1;

	early->http = PT_SOCK_NEW;
	if (!socket_tag)
		bpf_map_delete_elem(&sock_pod_hash, &cpu);
}

/* A new one, with nothing in it. */
static __always_inline struct pt_sock *make_early(void)
{
	__u64 cpu = bpf_get_smp_processor_id() + 1;
	__u32 key = 0;

	if (socket_tag)
		bpf_map_update_elem(&http_early, &key, &new_sock, BPF_ANY);
	else
		bpf_map_update_elem(&sock_pod_hash, &cpu, &new_sock, BPF_ANY);
	return early_here();
}

#endif
