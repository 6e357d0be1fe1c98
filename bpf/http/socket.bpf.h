/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A socket's connection: what programs on packets and on tracepoints share of it. Those on
 * tracepoints change only what no packet changes any more, or not at that time. */
#ifndef PT_HTTP_SOCKET_BPF_H
#define PT_HTTP_SOCKET_BPF_H

#include "bpf/tracing/socket.bpf.h"

/* A program on a tracepoint has it to itself. */
#ifndef pt_http_claim
#define pt_http_claim(conn, from, to) ((void)(from), (conn)->answered = (to), 1)
#endif
#include "bpf/http/connection.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pt_http_conn);
} sock_http SEC(".maps") __weak;

/* In the place of sock_http on 5.10. On other kernels the loader makes it one entry large. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct pt_http_conn);
} sock_http_hash SEC(".maps") __weak;

/* What a listener received that belongs to a child which is not there yet; nothing unless is_begun.
 * The same packet makes the child, on the same CPU, before another one is handled there. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_http_conn);
} http_early SEC(".maps") __weak;

/* What a new connection begins with; too large for the stack. */
static const struct pt_http_conn new_conn;

static __always_inline struct pt_http_conn *conn_of(void *sk)
{
	__u64 key = (__u64)sk;

	if (socket_tag)
		return bpf_sk_storage_get(&sock_http, sk, NULL, 0);
	return bpf_map_lookup_elem(&sock_http_hash, &key);
}

/* A new one, or a copy of early. */
static __always_inline struct pt_http_conn *make_conn(void *sk, struct pt_http_conn *early)
{
	__u64 key = (__u64)sk;

	if (socket_tag)
		return bpf_sk_storage_get(&sock_http, sk, early, BPF_SK_STORAGE_GET_F_CREATE);
	if (early)
		bpf_map_update_elem(&sock_http_hash, &key, early, BPF_ANY);
	else
		bpf_map_update_elem(&sock_http_hash, &key, &new_conn, BPF_ANY);
	return bpf_map_lookup_elem(&sock_http_hash, &key);
}

/* Socket storage goes with its socket. */
static __always_inline void drop_conn(void *sk)
{
	__u64 key = (__u64)sk;

	if (!socket_tag)
		bpf_map_delete_elem(&sock_http_hash, &key);
}

/* This CPU's, or NULL. With the hash it is one of its entries, by a number that is no address: for
 * the verifier another map would be another program to go through. */
static __always_inline struct pt_http_conn *early_here(void)
{
	__u64 cpu = bpf_get_smp_processor_id() + 1;
	__u32 key = 0;

	if (socket_tag)
		return bpf_map_lookup_elem(&http_early, &key);
	return bpf_map_lookup_elem(&sock_http_hash, &cpu);
}

/* The same with nothing in it. */
static __always_inline struct pt_http_conn *make_early(void)
{
	__u64 cpu = bpf_get_smp_processor_id() + 1;
	__u32 key = 0;

	if (socket_tag)
		bpf_map_update_elem(&http_early, &key, &new_conn, BPF_ANY);
	else
		bpf_map_update_elem(&sock_http_hash, &cpu, &new_conn, BPF_ANY);
	return early_here();
}

#endif
