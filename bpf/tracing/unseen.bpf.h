/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which TLS connections no probe covers.
 *
 * What links a socket to a probe is the process: who reads the socket calls a probed library, or
 * does not. It reads before it calls, as a handshake comes first, so that it does not is clear only
 * when it closes the connection, or when it has read it for longer than handshakes take.
 */
#ifndef PT_TRACING_UNSEEN_BPF_H
#define PT_TRACING_UNSEEN_BPF_H

#include "bpf/socket.bpf.h"

#define HANDSHAKE_MAX_NS 10000000000ull

/* A connection that a probe covers. */
#define SEEN PT_UNSEEN_COUNT

static __always_inline struct pt_tls_probes *all_probes(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&tls_probes, &key);
}

/* The pod's counters, or NULL, which is counted. A pod has none before its first connection. */
static __always_inline struct pt_tls_connections *connections_of(__u64 pod_id)
{
	struct pt_tls_connections *connections = bpf_map_lookup_elem(&tls_connections, &pod_id);
	const struct pt_tls_connections none = {};

	if (connections)
		return connections;
	bpf_map_update_elem(&tls_connections, &pod_id, &none, BPF_NOEXIST);
	connections = bpf_map_lookup_elem(&tls_connections, &pod_id);
	if (!connections)
		give_up(PT_TLS_CONNECTION);
	return connections;
}

static __always_inline void count_connection(struct pt_sock *tagged, __u32 unseen)
{
	struct pt_tls_connections *connections = connections_of(tagged->pod_id);

	tagged->http = PT_SOCK_TLS_COUNTED;
	if (!connections)
		return;
	__sync_fetch_and_add(&connections->total, 1);
	if (unseen < PT_UNSEEN_COUNT)
		__sync_fetch_and_add(&connections->unseen[unseen], 1);
}

/* A probe has seen a session through that was no HTTP/1. */
static __always_inline void count_other(__u64 pod_id)
{
	struct pt_tls_connections *connections = connections_of(pod_id);

	if (connections)
		__sync_fetch_and_add(&connections->other, 1);
}

/* What a connection of a pod's is that the current process reads or closes. */
static __always_inline __u32 unseen_here(const struct pt_tls_probes *probes, __u64 pod_id)
{
	struct pt_tls_process *process;
	enum pt_tls_mode *wanted;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (probes->unseen != PT_UNSEEN_NO_PROBE)
		return probes->unseen;
	process = bpf_map_lookup_elem(&tls_processes, &tgid);
	if (process && process->generation == probes->generation)
		return SEEN;
	wanted = bpf_map_lookup_elem(&tls_wanted, &pod_id);
	return wanted && *wanted == PT_TLS_OFF ? PT_UNSEEN_OFF : PT_UNSEEN_NO_PROBE;
}

/* The current process has read a PT_SOCK_TLS. */
static __always_inline void read_tls(struct pt_sock *tagged)
{
	const struct pt_tls_probes *probes = all_probes();
	__u32 unseen = probes ? unseen_here(probes, tagged->pod_id) : PT_UNSEEN_OFF;
	__u64 now;

	if (unseen == PT_UNSEEN_NO_PROBE) {
		now = bpf_ktime_get_ns();
		if (!tagged->read_ns)
			tagged->read_ns = now;
		if (now - tagged->read_ns < HANDSHAKE_MAX_NS)
			return;
	}
	count_connection(tagged, unseen);
}

/* A TLS connection that is not counted yet. One that nobody has read was none. */
static __always_inline int is_uncounted(const struct pt_sock *tagged)
{
	return tagged && tagged->http == PT_SOCK_TLS && tagged->read_ns;
}

/* The current process closes a socket. */
static __always_inline void close_tls(struct pt_sock *tagged)
{
	const struct pt_tls_probes *probes = is_uncounted(tagged) ? all_probes() : NULL;

	if (probes)
		count_connection(tagged, unseen_here(probes, tagged->pod_id));
}

/* A socket has ended, by whatever. Returns whether its process, which may call a probed library
 * yet, has to close it before it can be counted. */
static __always_inline int end_tls(struct pt_sock *tagged)
{
	const struct pt_tls_probes *probes = is_uncounted(tagged) ? all_probes() : NULL;

	if (!probes)
		return 0;
	if (socket_tag && probes->unseen == PT_UNSEEN_NO_PROBE)
		return 1;
	count_connection(tagged, probes->unseen);
	return 0;
}

#endif
