/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From a segment of a stream, wherever its bytes are, to what is counted of it.
 *
 * Who includes this has defined
 *   pt_http_copy(source, offset, to, count)  count bytes of the segment, 0 when that went well
 *   pt_http_lock(lock), pt_http_unlock(lock)
 */
#ifndef PT_HTTP_STEPS_BPF_H
#define PT_HTTP_STEPS_BPF_H

#include "bpf/http/count.bpf.h"
#include "bpf/http/feed.h"
#include "bpf/socket.bpf.h"

/* include/net/tcp.h */
#define FIN 0x01
#define RST 0x04

/* Conversations that may begin without HTTP before a stream is left alone. */
#define TURNS_MAX 4

/* The stream is HTTP. */
static __always_inline struct pt_sock *begin(struct pt_sock *tagged,
					     enum pt_http_direction requests)
{
	__builtin_memset(&tagged->conn, 0, sizeof(tagged->conn));
	tagged->conn.lock = socket_tag ? 0 : bpf_get_prandom_u32();
	tagged->conn.requests = requests;
	tagged->conn.closed_by = PT_BY_COUNT;
	tagged->http = PT_SOCK_HTTP;
	return tagged;
}

/* What the first text of a turn makes a stream that is nothing yet. Returns it if that is HTTP. */
static __always_inline struct pt_sock *recognize(__u64 text, enum pt_http_direction direction,
						 struct pt_sock *tagged)
{
	if (may_be_request(text))
		return begin(tagged, direction);
	if (may_be_response(text))
		return begin(tagged, !direction);
	if ((text & 0xffff) == 0x0316)
		tagged->http = PT_SOCK_TLS;
	else if (++tagged->turns >= TURNS_MAX)
		tagged->http = PT_SOCK_OPAQUE;
	else
		tagged->http = direction == PT_IN ? PT_SOCK_IN : PT_SOCK_OUT;
	return NULL;
}

/* Takes a segment and counts what was in it, if all of it can be taken in one go. */
static __always_inline int take_on(void *source, enum pt_http_direction direction,
				   struct pt_sock *tagged, const struct pt_http_segment *segment,
				   void *lock)
{
	struct pt_http_done done = {};
	int is_taken = feed_whole(&tagged->conn, direction, segment, source, lock, &done);

	count(&done, tagged);
	return is_taken;
}

/* Takes a step, counts what it has found, and returns whether there is another one to take. */
static __always_inline int step_on(void *source, enum pt_http_direction direction,
				   struct pt_sock *tagged, const struct pt_http_segment *segment,
				   void *lock)
{
	struct pt_http_done done = {};
	int more = feed(&tagged->conn, direction, segment, source, lock, &done);

	count(&done, tagged);
	return more;
}

/* Behind the last step, which more could have followed, or at the end of the stream. */
static __always_inline void finish(struct pt_sock *tagged, enum pt_http_direction direction,
				   const struct pt_http_segment *segment, void *lock, int more)
{
	struct pt_http_done over = {}, closed = {};

	pt_http_lock(lock);
	if (more)
		overrun(&tagged->conn, direction, segment, &over);
	if (segment->flags & (FIN | RST))
		close_half(&tagged->conn, direction, segment, segment->flags & RST, &closed);
	pt_http_unlock(lock);
	count(&over, tagged);
	count(&closed, tagged);
}

#endif
