/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From what a connection has done to the maps. */
#ifndef PT_HTTP_COUNT_BPF_H
#define PT_HTTP_COUNT_BPF_H

#include "bpf/maps.bpf.h"

#include "bpf/http/connection.h"
#include "bpf/http/histogram.bpf.h"

/* What a new series begins with; too large for the stack. */
static const struct pt_http_latency zeros;

static __always_inline void lost(enum pt_http_lost reason, __u32 count)
{
	__u32 key = reason;
	struct pt_gave_up *path = bpf_map_lookup_elem(&http_lost, &key);

	if (path)
		__sync_fetch_and_add(&path->count, count);
}

/* A series that is not there yet. Past the pod's budget it is that of the status's class. */
static __always_inline struct pt_http_latency *new_series(struct pt_http_key *key)
{
	struct pt_http_pod *pod = bpf_map_lookup_elem(&http_pods, &key->pod_id);
	struct pt_http_latency *latency;

	if (!pod) {
		lost(PT_LOST_NO_POD, 1);
		return NULL;
	}
	if (pod->series >= PT_HTTP_BUDGET && key->status) {
		__sync_fetch_and_add(&pod->overflow, 1);
		key->status /= 100;
		latency = bpf_map_lookup_elem(&http_latency, key);
		if (latency)
			return latency;
	}
	if (!bpf_map_update_elem(&http_latency, key, &zeros, BPF_NOEXIST))
		__sync_fetch_and_add(&pod->series, 1);
	latency = bpf_map_lookup_elem(&http_latency, key);
	if (!latency)
		lost(PT_LOST_SERIES, 1);
	return latency;
}

static __always_inline void count_response(const struct pt_http_done *done,
					   const struct pt_sock *sock, enum pt_http_role role)
{
	struct pt_http_key key = {
		.pod_id = sock->pod_id,
		.status = done->status,
		.method = done->method,
		.role = role,
		.tls = sock->is_tls,
	};
	struct pt_http_latency *latency = bpf_map_lookup_elem(&http_latency, &key);

	if (!latency)
		latency = new_series(&key);
	if (!latency)
		return;
	observe(&latency->duration, done->duration_ns);
	observe(&latency->start, done->start_ns);
}

static __always_inline void count_aborted(const struct pt_http_done *done, __u64 pod_id,
					  enum pt_http_role role)
{
	struct pt_http_pod *pod = bpf_map_lookup_elem(&http_pods, &pod_id);

	if (!pod)
		lost(PT_LOST_NO_POD, done->aborted);
	else
		__sync_fetch_and_add(&pod->aborted[role & 1][done->aborted_by & 1], done->aborted);
}

static __noinline void count_all(const struct pt_http_done *done, const struct pt_sock *sock)
{
	enum pt_http_role role = sock->conn.requests == PT_IN ? PT_SERVER : PT_CLIENT;

	if (done->is_done)
		count_response(done, sock, role);
	if (done->aborted)
		count_aborted(done, sock->pod_id, role);
	if (done->lost)
		lost(done->lost_by, done->lost);
}

/* Most often there is nothing. */
static __always_inline void count(const struct pt_http_done *done, const struct pt_sock *sock)
{
	if (done->is_done | done->aborted | done->lost)
		count_all(done, sock);
}

#endif
