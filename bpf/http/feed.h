/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A segment of a connection, step by step.
 *
 * Who includes this has defined
 *   pt_http_load(source, offset, to, count)  copies bytes of the segment, 0 when that went well
 *   pt_http_lock(conn), pt_http_unlock(conn)
 *
 * All work on a connection is done in its memory and with its lock held, so nothing is called in
 * between. Bytes are loaded before, from where they will be looked for if no other CPU is faster.
 */
#ifndef PT_HTTP_FEED_H
#define PT_HTTP_FEED_H

#include "bpf/http/connection.h"

/* The window and what is live around it do not fit in one frame of the stack. */
#define PT_HTTP_NOINLINE __attribute__((noinline))

/* Parses on in a segment, of which window has the count bytes from offset on. Returns whether it
 * ends before the segment does. With the lock held. */
static __always_inline int parse(struct pt_http_conn *conn, const struct pt_http_segment *segment,
				 const __u64 *window, __u32 offset, __u32 count)
{
	struct pt_http_half *half = &conn->half[segment->direction & 1];
	__u32 at = place(half, conn, segment, &conn->found);
	__u32 end = segment->seq + segment->length;

	if (at >= segment->length)
		return conn->found.ended;
	if (!is_jumping(half)) {
		if (at != offset || !count)
			return 1; /* not what was loaded */
		step(half, window, count, segment->now_ns, &conn->found);
	}
	if (is_jumping(half) && end != half->next)
		jump(half, end - half->next, &conn->found);
	forget();
	skip_seen(half, &conn->found);
	return (__s32)(end - half->next) > 0;
}

/* Takes one step in a segment, and says in done, which is zeroed, what there is to count. Returns
 * whether there is more to do. */
static PT_HTTP_NOINLINE int feed(struct pt_http_conn *conn, const struct pt_http_segment *segment,
				 struct pt_http_done *done)
{
	const struct pt_http_half *half = &conn->half[segment->direction & 1];
	__u64 window[PT_HTTP_WORDS + PT_HTTP_MARGIN] = {};
	__u32 offset = half->next - segment->seq, count = 0;
	int more;

	if (half->state == PT_HTTP_SYNC || (__s32)offset < 0)
		offset = 0;
	if (!is_jumping(half) && offset < segment->length) {
		count = segment->length - offset;
		if (count > PT_HTTP_WINDOW)
			count = PT_HTTP_WINDOW;
		if (pt_http_load(segment->source, segment->offset + offset, window, count))
			return 0;
	}

	pt_http_lock(conn);
	fill(conn, segment->received, done);
	conn->found.begun = conn->found.ended = conn->found.broken = 0;
	conn->found.in_sync = half->state != PT_HTTP_SYNC;
	conn->found.side = side_of(conn, segment->direction);
	conn->found.method = method_asked(conn);
	forget();
	more = parse(conn, segment, window, offset, count);
	if (conn->found.broken)
		more = 0;
	forget();
	happen(conn, segment->direction, segment->now_ns, done);
	if (conn->is_opaque)
		more = 0;
	pt_http_unlock(conn);
	return more;
}

#endif
