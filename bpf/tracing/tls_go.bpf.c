// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The calls of Go's crypto/tls: its (*Conn).Read, Write and Close.
 *
 * On uprobes at each function's entry and at each of its return instructions. Not on uretprobes,
 * which leave an address on the stack that Go's runtime would stumble over. One goroutine of a
 * program reads a connection while another one writes.
 */
#include "bpf/tracing/tls.bpf.h"

/* A program has called: of this connection, on this goroutine. Returns the call as it is in the
 * map, or NULL when it is of no pod, or has been here before: a function that finds its stack too
 * small begins again on a larger one. */
static __always_inline struct pt_tls_call *go_begin(void *ctx, const struct pt_tls_session *session,
						    const struct pt_tls_key *of,
						    struct pt_tls_call_key *key)
{
	struct pt_tls_call call = { .session = of->session, .buffer = GO_2(ctx) }, *before;

	if (!session) {
		call.pod_id = this_pod();
		if (!call.pod_id)
			return NULL;
		know_process(of->tgid);
	}
	*key = (struct pt_tls_call_key){ .place = GO_ROUTINE(ctx), .tgid = of->tgid };
	before = bpf_map_lookup_elem(&tls_calls, key);
	if (before && before->session != of->session) {
		before->has_inner = 1;
		key->depth = 1;
		before = bpf_map_lookup_elem(&tls_calls, key);
	}
	if (before && before->is_done && before->session == of->session)
		return NULL;
	begin_call(&call, session ? &session->sock : NULL);
	if (bpf_map_update_elem(&tls_calls, key, &call, BPF_ANY)) {
		give_up(PT_TLS_CALL);
		return NULL;
	}
	return bpf_map_lookup_elem(&tls_calls, key);
}

SEC("uprobe")
int podtag_go_read(void *ctx)
{
	struct pt_tls_key of = { .session = GO_1(ctx), .tgid = this_tgid() };
	struct pt_tls_call_key key;

	count_call(ctx);
	go_begin(ctx, bpf_map_lookup_elem(&tls_sessions, &of), &of, &key);
	return 0;
}

/* Whether a write carries requests. */
static __always_inline int is_request(const struct pt_tls_session *session, __u64 buffer)
{
	__u64 text = 0;

	if (session && session->sock.http == PT_SOCK_HTTP)
		return session->sock.conn.requests == PT_OUT;
	if (session && session->sock.http >= PT_SOCK_OPAQUE)
		return 0;
	bpf_probe_read_user(&text, sizeof(text), (void *)buffer);
	return may_be_request(text);
}

/* A request is taken before it is written: another goroutine may have read its response before this
 * one returns. */
SEC("uprobe")
int podtag_go_write(void *ctx)
{
	struct pt_tls_key of = { .session = GO_1(ctx), .tgid = this_tgid() };
	struct pt_tls_session *session = bpf_map_lookup_elem(&tls_sessions, &of);
	__u64 size = GO_3(ctx);
	struct pt_tls_call_key key;
	struct pt_tls_call *call;

	count_call(ctx);
	call = go_begin(ctx, session, &of, &key);

	if (!call || !size || size > PT_TLS_SIZE_MAX || !is_request(session, call->buffer))
		return 0;
	call->size = size;
	call->is_done = 1;
	bpf_tail_call(ctx, &on_tls, PT_OUT);
	return 0;
}

/* At a return instruction: so many bytes went through. */
static __always_inline void go_end(void *ctx, enum pt_http_direction direction)
{
	struct pt_tls_call_key key;
	struct pt_tls_call *call = go_call(ctx, &key);
	__s64 size = GO_1(ctx);

	if (!call)
		return;
	if (size > 0 && size <= PT_TLS_SIZE_MAX && !call->is_done) {
		call->size = size;
		bpf_tail_call(ctx, &on_tls, direction);
	}
	end_call(&key);
}

/* An error that is an errors.errorString, which is its text and nothing else: io.EOF is, and of
 * those that Read() returns the only one of three letters. */
static __always_inline int is_eof(__u64 error)
{
	struct {
		__u64 text, length;
	} string = {};
	char text[3] = {};

	if (!error || bpf_probe_read_user(&string, sizeof(string), (void *)error) ||
	    string.length != sizeof(text))
		return 0;
	bpf_probe_read_user(text, sizeof(text), (void *)string.text);
	return text[0] == 'E' && text[1] == 'O' && text[2] == 'F';
}

SEC("uprobe")
int podtag_go_rd(void *ctx)
{
	struct pt_tls_call_key key;
	struct pt_tls_call *call = go_call(ctx, &key);
	struct pt_tls_key of = { .tgid = key.tgid };

	if (!call)
		return 0;
	if (is_eof(GO_3(ctx))) {
		of.session = call->session;
		end_of_half(&of, PT_IN);
	}
	go_end(ctx, PT_IN);
	return 0;
}

SEC("uprobe")
int podtag_go_wr(void *ctx)
{
	go_end(ctx, PT_OUT);
	return 0;
}

SEC("uprobe")
int podtag_go_close(void *ctx)
{
	struct pt_tls_key key = { .session = GO_1(ctx), .tgid = this_tgid() };

	end_session(&key);
	return 0;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
