/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps, once for all programs; what is in them says types.h.
 *
 * Weak, so that the objects can be linked into one. Entries of the hash maps are made by ADD in
 * process context, never by a packet: a map without preallocation costs only what pods use.
 */
#ifndef PT_MAPS_BPF_H
#define PT_MAPS_BPF_H

#include "bpf/kernel.bpf.h"
#include "bpf/types.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u32);
	__type(value, struct pt_pod_ref);
} pod_by_netns SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_ATTACHMENTS_MAX);
	__type(key, __u32);
	__type(value, struct pt_interface);
} pod_by_ifindex SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PT_SLOTS);
	__type(key, __u32);
	__type(value, struct pt_traffic);
} pod_traffic SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u64);
	__type(value, struct pt_retransmits);
} tcp_retransmits SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct pt_sock);
} sock_pod SEC(".maps") __weak;

/* In the place of sock_pod on 5.10. On other kernels the loader makes it one entry large. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct pt_sock);
} sock_pod_hash SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PT_REASONS_MAX);
	__type(key, __u32);
	__type(value, struct pt_gave_up);
} gave_up SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_HTTP_SERIES_MAX);
	__type(key, struct pt_http_key);
	__type(value, struct pt_http_latency);
} http_latency SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u64);
	__type(value, struct pt_http_pod);
} http_pods SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PT_HTTP_LOST_MAX);
	__type(key, __u32);
	__type(value, struct pt_gave_up);
} http_lost SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u64);
	__type(value, enum pt_tls_mode);
} tls_wanted SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_TLS_SESSIONS_MAX);
	__type(key, struct pt_tls_key);
	__type(value, struct pt_tls_session);
} tls_sessions SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_TLS_CALLS_MAX);
	__type(key, struct pt_tls_call_key);
	__type(value, struct pt_tls_call);
} tls_calls SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_TLS_SESSIONS_MAX);
	__type(key, __u32);
	__type(value, struct pt_tls_process);
} tls_processes SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PT_TLS_FILES);
	__type(key, __u32);
	__type(value, struct pt_tls_file);
} tls_files SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_tls_probes);
} tls_probes SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PT_PODS_MAX);
	__type(key, __u64);
	__type(value, struct pt_tls_connections);
} tls_connections SEC(".maps") __weak;

static inline void give_up(enum pt_reason reason)
{
	__u32 key = reason;
	struct pt_gave_up *path = bpf_map_lookup_elem(&gave_up, &key);

	if (path)
		__sync_fetch_and_add(&path->count, 1);
}

#endif
