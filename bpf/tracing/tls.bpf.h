/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is known of TLS sessions, and of the calls of their libraries that have not returned. */
#ifndef PT_TLS_BPF_H
#define PT_TLS_BPF_H

#include "bpf/kernel.bpf.h"
#include <bpf/bpf_helpers.h>

/* An application does not use a session's direction on two threads at once, as its library forbids
 * that. One that does so nevertheless spoils its own pod's counts and nothing else. */
#define pt_http_lock(lock)   ((void)(lock))
#define pt_http_unlock(lock) ((void)(lock))

#define pt_http_copy(buffer, offset, to, count)                                                    \
	bpf_probe_read_user(to, count, (const char *)(buffer) + (offset))

#include "bpf/http/steps.bpf.h"
#include "bpf/registers.bpf.h"
#include "bpf/tracing/unseen.bpf.h"

/* A call that says it moved more than this did not. */
#define PT_TLS_SIZE_MAX (1u << 30)

/* What goes on with a call's bytes, by enum pt_http_direction. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} on_tls SEC(".maps") __weak;

static __always_inline __u32 this_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* 0 when the task is in no pod, or in one that does not want to be looked at. */
static __always_inline __u64 this_pod(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	enum pt_tls_mode *wanted;
	struct pt_pod_ref *ref;

	if (netns == host_netns)
		return 0;
	ref = bpf_map_lookup_elem(&pod_by_netns, &netns);
	if (!ref)
		return 0;
	wanted = bpf_map_lookup_elem(&tls_wanted, &ref->pod_id);
	return wanted && *wanted == PT_TLS_OFF ? 0 : ref->pod_id;
}

/* A process calls a probed library, and has so many sessions more. */
static __always_inline void count_session(__u32 tgid, __s32 change)
{
	const struct pt_tls_probes *probes = all_probes();
	struct pt_tls_process *process = bpf_map_lookup_elem(&tls_processes, &tgid), none = {};

	if (!process) {
		bpf_map_update_elem(&tls_processes, &tgid, &none, BPF_NOEXIST);
		process = bpf_map_lookup_elem(&tls_processes, &tgid);
	}
	if (!process)
		return;
	__sync_fetch_and_add(&process->sessions, change);
	if (probes)
		process->generation = probes->generation;
}

/* A process that may go on reading a session that it has closed: a session begins with its first
 * bytes then, and what is left of the process is looked for when it ends. */
static __always_inline void know_process(__u32 tgid)
{
	struct pt_tls_process *process = bpf_map_lookup_elem(&tls_processes, &tgid);
	int is_known = process && process->sessions & PT_TLS_MORE;

	count_session(tgid, is_known ? 0 : PT_TLS_MORE);
}

/* What a session begins with. */
static const struct pt_tls_session new_session = { .sock.is_tls = 1 };

/* Returns NULL, which is counted, when there is no memory. */
static __always_inline struct pt_tls_session *begin_session(const struct pt_tls_key *key,
							    __u64 pod_id)
{
	struct pt_tls_session *session;

	bpf_map_update_elem(&tls_sessions, key, &new_session, BPF_NOEXIST);
	session = bpf_map_lookup_elem(&tls_sessions, key);
	if (!session) {
		give_up(PT_TLS_SESSION);
		return NULL;
	}
	session->sock.pod_id = pod_id;
	count_session(key->tgid, 1);
	return session;
}

/* There was text, and no HTTP/1 in it. */
static __always_inline int is_other(const struct pt_sock *session)
{
	if (session->http == PT_SOCK_HTTP && !session->conn.is_opaque)
		return 0;
	return session->http != PT_SOCK_NEW && !session->conn.answered;
}

/* Requests that are still waiting now wait for nothing. */
static __always_inline void hang_up(struct pt_sock *session)
{
	struct pt_http_done done = {};

	if (is_other(session))
		count_other(session->pod_id);
	if (session->http != PT_SOCK_HTTP)
		return;
	close_socket(&session->conn, 0, &done);
	count(&done, session);
}

/* A signal handler, or an exception, may have jumped out of the session's last call. */
static __always_inline void end_session(const struct pt_tls_key *key)
{
	struct pt_tls_session *session = bpf_map_lookup_elem(&tls_sessions, key);
	struct pt_tls_call_key last = { .tgid = key->tgid };
	struct pt_tls_call *call;

	if (!session) {
		if (this_pod())
			count_session(key->tgid, 0);
		return;
	}
	last.place = session->last_place;
	call = bpf_map_lookup_elem(&tls_calls, &last);
	if (call && call->session == key->session)
		bpf_map_delete_elem(&tls_calls, &last);
	hang_up(&session->sock);
	bpf_map_delete_elem(&tls_sessions, key);
	count_session(key->tgid, -1);
}

/* One end has said that it sends no more, which is how some responses end. */
static __always_inline void end_of_half(const struct pt_tls_key *key,
					enum pt_http_direction direction)
{
	struct pt_tls_session *session = bpf_map_lookup_elem(&tls_sessions, key);
	struct pt_http_done done = {};
	struct pt_http_conn *conn;

	if (!session || session->sock.http != PT_SOCK_HTTP)
		return;
	conn = &session->sock.conn;
	closed_first(conn, conn->requests == direction);
	if (conn->requests == direction || conn->half[direction].state != PT_HTTP_CLOSE)
		return;
	answer(conn, bpf_ktime_get_ns(), &done);
	count(&done, &session->sock);
}

/* Whoever calls: a probe on a file costs all of them. */
static __always_inline void count_call(void *ctx)
{
	__u32 slot = bpf_get_attach_cookie(ctx);
	struct pt_tls_file *file = bpf_map_lookup_elem(&tls_files, &slot);

	if (file)
		__sync_fetch_and_add(&file->calls, 1);
}

/* A call of a session that begins now. */
static __always_inline void begin_call(struct pt_tls_call *call, const struct pt_sock *session)
{
	if (session && session->http == PT_SOCK_HTTP) {
		call->before[PT_IN] = session->conn.half[PT_IN].seen;
		call->before[PT_OUT] = session->conn.half[PT_OUT].seen;
	}
	call->start_ns = bpf_ktime_get_ns();
}

/* The call of a C library that is at its entry or just back from there, by where its frame is. */
static __always_inline struct pt_tls_call_key frame_key(__u64 stack)
{
	return (struct pt_tls_call_key){ .place = stack, .tgid = this_tgid() };
}

/* A goroutine's stack moves as it grows, so a call of Go's is known by its goroutine; and by how
 * deep it is, as there is TLS inside of TLS. */
static __always_inline struct pt_tls_call *go_call(void *ctx, struct pt_tls_call_key *key)
{
	struct pt_tls_call *call;

	*key = (struct pt_tls_call_key){ .place = GO_ROUTINE(ctx), .tgid = this_tgid() };
	call = bpf_map_lookup_elem(&tls_calls, key);
	if (!call || !call->has_inner)
		return call;
	key->depth = 1;
	return bpf_map_lookup_elem(&tls_calls, key);
}

static __always_inline void end_call(struct pt_tls_call_key *key)
{
	struct pt_tls_call *outer;

	bpf_map_delete_elem(&tls_calls, key);
	if (!key->depth)
		return;
	key->depth = 0;
	outer = bpf_map_lookup_elem(&tls_calls, key);
	if (outer)
		outer->has_inner = 0;
}

#endif
