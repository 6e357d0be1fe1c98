// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* HTTP/1 latency of what goes through a TLS library, from the arguments and results of its public
 * functions.
 *
 * On uprobes and uretprobes of each library that pods use. A session is known by its address and
 * its process, its pod by the network namespace of the task that calls, so nothing is read of any
 * struct of a library's. Bytes count when a call says that they went through; of these only what
 * the parser looks at is read, and forgotten before the call returns.
 */
#include "bpf/tracing/jump.bpf.h"
#include "bpf/tracing/tls.bpf.h"

/* Steps in a call's bytes, as in a segment. */
#define STEPS_MAX 2048

/* gnutls/gnutls.h */
#define GNUTLS_E_AGAIN       (-28)
#define GNUTLS_E_INTERRUPTED (-52)

/* All calls begin alike: the session, a buffer, its size, and maybe where to say how much. */
SEC("uprobe")
int podtag_tls_call(void *ctx)
{
	struct pt_tls_key of = { .session = ARGUMENT_1(ctx), .tgid = this_tgid() };
	struct pt_tls_call_key key = frame_key(STACK_AT_ENTRY(ctx));
	struct pt_tls_session *session = bpf_map_lookup_elem(&tls_sessions, &of);
	struct pt_tls_call call = {};
	__u64 pod_id;

	count_call(ctx);
	if (!session) {
		pod_id = this_pod();
		session = pod_id ? begin_session(&of, pod_id) : NULL;
	}
	if (!session)
		return 0;
	call.session = of.session;
	call.buffer = ARGUMENT_2(ctx);
	call.size_at = ARGUMENT_4(ctx);
	begin_call(&call, &session->sock);
	session->last_place = key.place;
	if (bpf_map_update_elem(&tls_calls, &key, &call, BPF_ANY))
		give_up(PT_TLS_CALL);
	return 0;
}

/* A call has returned, with so many bytes gone through. */
static __always_inline void has_returned(void *ctx, enum pt_http_direction direction, __u64 size)
{
	struct pt_tls_call_key key = frame_key(STACK_BEFORE(ctx));
	struct pt_tls_call *call = bpf_map_lookup_elem(&tls_calls, &key);

	if (!call)
		return;
	if (size && size <= PT_TLS_SIZE_MAX) {
		call->size = size;
		bpf_tail_call(ctx, &on_tls, direction);
	}
	end_call(&key);
}

/* What a function with a fourth argument has left there, if it says that it went well. */
static __always_inline __u64 size_left(void *ctx)
{
	struct pt_tls_call_key key = frame_key(STACK_BEFORE(ctx));
	struct pt_tls_call *call = bpf_map_lookup_elem(&tls_calls, &key);
	__u64 size = 0;

	if (call && (__s32)RETURNED(ctx) == 1)
		bpf_probe_read_user(&size, sizeof(size), (void *)call->size_at);
	return size;
}

static __always_inline __u64 size_returned(void *ctx)
{
	__s32 size = RETURNED(ctx);

	return size > 0 ? size : 0;
}

static __always_inline void has_ended(void *ctx)
{
	struct pt_tls_call_key key = frame_key(STACK_BEFORE(ctx));
	struct pt_tls_call *call = bpf_map_lookup_elem(&tls_calls, &key);
	struct pt_tls_key of = { .tgid = key.tgid };

	if (!call)
		return;
	of.session = call->session;
	end_of_half(&of, PT_IN);
}

/* SSL_read(), gnutls_record_recv(). With 0 a stream has ended; a reader that was given no room gets
 * one too, and reads no response. */
SEC("uretprobe")
int podtag_ssl_rd(void *ctx)
{
	if (!(__s32)RETURNED(ctx))
		has_ended(ctx);
	has_returned(ctx, PT_IN, size_returned(ctx));
	return 0;
}

/* SSL_write() */
SEC("uretprobe")
int podtag_ssl_wr(void *ctx)
{
	has_returned(ctx, PT_OUT, size_returned(ctx));
	return 0;
}

/* SSL_read_ex() */
SEC("uretprobe")
int podtag_ssl_rdx(void *ctx)
{
	has_returned(ctx, PT_IN, size_left(ctx));
	return 0;
}

/* SSL_write_ex() */
SEC("uretprobe")
int podtag_ssl_wrx(void *ctx)
{
	has_returned(ctx, PT_OUT, size_left(ctx));
	return 0;
}

/* gnutls_record_send(). After one of these errors the library has the text, and the call that is
 * made again, which says how much of it that was, may come without a buffer. */
SEC("uretprobe")
int podtag_gnu_wr(void *ctx)
{
	struct pt_tls_call_key key = frame_key(STACK_BEFORE(ctx));
	struct pt_tls_call *call = bpf_map_lookup_elem(&tls_calls, &key);
	struct pt_tls_key of = { .tgid = key.tgid };
	struct pt_tls_session *session;
	__s64 result = RETURNED(ctx);

	if (!call)
		return 0;
	of.session = call->session;
	session = bpf_map_lookup_elem(&tls_sessions, &of);
	if (session && !call->buffer)
		call->buffer = session->pending;
	if (session && (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED))
		session->pending = call->buffer;
	has_returned(ctx, PT_OUT, result > 0 ? result : 0);
	return 0;
}

/* The session of a call that has returned, if it speaks HTTP and this call's bytes are to be looked
 * at: some libraries' functions call each other, and the innermost has done it then. */
static __noinline struct pt_sock *prepare(void *ctx, enum pt_http_direction direction,
					  struct pt_http_segment *segment, void **buffer)
{
	struct pt_tls_call_key key = frame_key(STACK_BEFORE(ctx));
	struct pt_tls_call *call = bpf_map_lookup_elem(&tls_calls, &key);
	struct pt_tls_key of = { .tgid = key.tgid };
	struct pt_tls_session *found;
	struct pt_sock *session;
	__u64 text = 0;

	if (!call)
		call = go_call(ctx, &key);
	if (!call)
		return NULL;
	of.session = call->session;
	found = bpf_map_lookup_elem(&tls_sessions, &of);
	*buffer = (void *)call->buffer;
	segment->length = call->size;
	segment->now_ns = direction == PT_IN ? bpf_ktime_get_ns() : call->start_ns;
	segment->seq = call->before[direction];
	if (!found && call->pod_id)
		found = begin_session(&of, call->pod_id);
	if (!call->is_done)
		end_call(&key);
	if (!found)
		return NULL;
	session = &found->sock;
	if (session->http >= PT_SOCK_OPAQUE)
		return NULL;

	if (session->http != PT_SOCK_HTTP) {
		if (session->http == (direction == PT_IN ? PT_SOCK_IN : PT_SOCK_OUT))
			return NULL;
		bpf_probe_read_user(&text, segment->length >= 8 ? 8 : 1, *buffer);
		if (!recognize(text, direction, session))
			return NULL;
		segment->seq = 0;
	}
	if (session->conn.is_opaque) {
		session->http = PT_SOCK_OPAQUE;
		return NULL;
	}
	if (session->conn.half[direction].seen != segment->seq)
		return NULL;
	segment->received = segment->seq;
	return session;
}

/* Nothing of the text stays but what the next call needs: the beginning of a line that is cut. */
static __always_inline void forget_text(struct pt_sock *session, enum pt_http_direction direction)
{
	struct pt_http_half *half = &session->conn.half[direction];

	__builtin_memset(&session->conn.found[direction].newline, 0,
			 sizeof(session->conn.found[direction].newline));
	if (!half->gathered && half->state != PT_HTTP_REST && half->state != PT_HTTP_LENGTH)
		half->line[0] = half->line[1] = half->tail = 0;
}

struct loop {
	void *buffer;
	struct pt_sock *session;
	struct pt_http_segment segment;
};

/* What the verifier is to go through once is a function with external linkage. */
__noinline int podtag_tls_whole_in(__u64 buffer, struct pt_sock *session,
				   const struct pt_http_segment *segment)
{
	return session && segment ? take_on((void *)buffer, PT_IN, session, segment, NULL) : 0;
}

__noinline int podtag_tls_whole_out(__u64 buffer, struct pt_sock *session,
				    const struct pt_http_segment *segment)
{
	return session && segment ? take_on((void *)buffer, PT_OUT, session, segment, NULL) : 0;
}

__noinline int podtag_tls_step_in(__u64 buffer, struct pt_sock *session,
				  const struct pt_http_segment *segment)
{
	return session && segment ? step_on((void *)buffer, PT_IN, session, segment, NULL) : 0;
}

__noinline int podtag_tls_step_out(__u64 buffer, struct pt_sock *session,
				   const struct pt_http_segment *segment)
{
	return session && segment ? step_on((void *)buffer, PT_OUT, session, segment, NULL) : 0;
}

__noinline int podtag_tls_finish_in(struct pt_sock *session, const struct pt_http_segment *segment)
{
	if (session && segment)
		finish(session, PT_IN, segment, NULL, 1);
	return 0;
}

__noinline int podtag_tls_finish_out(struct pt_sock *session, const struct pt_http_segment *segment)
{
	if (session && segment)
		finish(session, PT_OUT, segment, NULL, 1);
	return 0;
}

static long loop_in(__u32 i, struct loop *loop)
{
	return !podtag_tls_step_in((__u64)loop->buffer, loop->session, &loop->segment);
}

static long loop_out(__u32 i, struct loop *loop)
{
	return !podtag_tls_step_out((__u64)loop->buffer, loop->session, &loop->segment);
}

SEC("uretprobe")
int podtag_tls_in(void *ctx)
{
	struct loop loop = {};
	int is_left = 1;

	loop.session = prepare(ctx, PT_IN, &loop.segment, &loop.buffer);
	if (!loop.session)
		return 0;
	if (is_at_message(&loop.session->conn.half[PT_IN], &loop.segment))
		is_left = !podtag_tls_whole_in((__u64)loop.buffer, loop.session, &loop.segment);
	if (is_left && podtag_tls_step_in((__u64)loop.buffer, loop.session, &loop.segment) &&
	    bpf_loop(STEPS_MAX, loop_in, &loop, 0) == STEPS_MAX)
		podtag_tls_finish_in(loop.session, &loop.segment);
	forget_text(loop.session, PT_IN);
	return 0;
}

SEC("uretprobe")
int podtag_tls_out(void *ctx)
{
	struct loop loop = {};
	int is_left = 1;

	loop.session = prepare(ctx, PT_OUT, &loop.segment, &loop.buffer);
	if (!loop.session)
		return 0;
	if (is_at_message(&loop.session->conn.half[PT_OUT], &loop.segment))
		is_left = !podtag_tls_whole_out((__u64)loop.buffer, loop.session, &loop.segment);
	if (is_left && podtag_tls_step_out((__u64)loop.buffer, loop.session, &loop.segment) &&
	    bpf_loop(STEPS_MAX, loop_out, &loop, 0) == STEPS_MAX)
		podtag_tls_finish_out(loop.session, &loop.segment);
	forget_text(loop.session, PT_OUT);
	return 0;
}

/* SSL_shutdown(), gnutls_bye() */
SEC("uprobe")
int podtag_tls_bye(void *ctx)
{
	struct pt_tls_key key = { .session = ARGUMENT_1(ctx), .tgid = this_tgid() };

	end_of_half(&key, PT_OUT);
	return 0;
}

/* SSL_free(), gnutls_deinit(). What fails in its handshake is never read, but freed. */
SEC("uprobe")
int podtag_tls_free(void *ctx)
{
	struct pt_tls_key key = { .session = ARGUMENT_1(ctx), .tgid = this_tgid() };

	end_session(&key);
	return 0;
}

JUMP(podtag_on_exit, "sched_process_exit", on_exit)
JUMP(podtag_on_exec, "sched_process_exec", on_exec)

static long end_each_session(void *map, const struct pt_tls_key *key,
			     struct pt_tls_session *session, __u32 *tgid)
{
	if (key->tgid == *tgid) {
		hang_up(&session->sock);
		bpf_map_delete_elem(map, key);
	}
	return 0;
}

static long end_each_call(void *map, const struct pt_tls_call_key *key, void *call, __u32 *tgid)
{
	if (key->tgid == *tgid)
		bpf_map_delete_elem(map, key);
	return 0;
}

/* Nobody can go on with what this process has begun. */
static __always_inline void forget_process(__u32 tgid)
{
	struct pt_tls_process *process = bpf_map_lookup_elem(&tls_processes, &tgid);

	if (!process)
		return;
	if (process->sessions) {
		bpf_for_each_map_elem(&tls_sessions, end_each_session, &tgid, 0);
		bpf_for_each_map_elem(&tls_calls, end_each_call, &tgid, 0);
	}
	bpf_map_delete_elem(&tls_processes, &tgid);
}

/* A process ends with its last thread, and with it all that it has not freed. ctx: struct
 * task_struct *p */
SEC("tp_btf/sched_process_exit")
int podtag_tls_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (!task->signal->live.counter)
		forget_process(task->tgid);
	return 0;
}

/* What runs another program has it at the same addresses, maybe. ctx: struct task_struct *p, ... */
SEC("tp_btf/sched_process_exec")
int podtag_tls_exec(__u64 *ctx)
{
	forget_process(((struct task_struct *)ctx[0])->tgid);
	return 0;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
