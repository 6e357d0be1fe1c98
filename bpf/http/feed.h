/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A segment of a connection, step by step.
 *
 * Who includes this has defined
 *   pt_http_copy(source, offset, to, count)  bytes of the segment, 0 when that went well
 *   pt_http_lock(lock), pt_http_unlock(lock)
 *
 * All work on a connection is done in its memory. With a lock held nothing can be called, so bytes
 * are loaded before, from where they will be looked for if no other CPU is faster.
 */
#ifndef PT_HTTP_FEED_H
#define PT_HTTP_FEED_H

#include "bpf/http/whole.h"

/* count is 1 to PT_HTTP_WINDOW, a power of 2; said so that the verifier of 5.10 understands it. */
static __always_inline int copy(void *source, __u32 offset, void *to, __u32 count)
{
	count--;
	asm volatile("" : "+r"(count)); /* or clang takes the mask away */
	count &= PT_HTTP_WINDOW - 1;
	return pt_http_copy(source, offset, to, count + 1);
}

/* Parses on in a segment, of which window has the count bytes from offset on. Returns whether it
 * ends before the segment does. */
static __always_inline int parse(struct pt_http_conn *conn, enum pt_http_direction direction,
				 const struct pt_http_segment *segment, __u64 *window, __u32 offset,
				 __u32 count)
{
	struct pt_http_found *found = &conn->found[direction];
	struct pt_http_half *half = &conn->half[direction];
	__u32 at = place(half, conn, direction, segment, found);
	__u32 end = segment->seq + segment->length;

	if (at >= segment->length)
		return found->ended;
	if (!is_jumping(half)) {
		if (at != offset || !count)
			return 1; /* not what was loaded */
		step(half, window, count, segment->now_ns, found);
	}
	if (is_jumping(half) && end != half->next)
		jump(half, end - half->next, found);
	forget();
	skip_seen(half, found);
	return (__s32)(end - half->next) > 0;
}

/* The same with what it means. Only one segment of a direction is here at a time. */
static __always_inline int take(struct pt_http_conn *conn, enum pt_http_direction direction,
				const struct pt_http_segment *segment, __u64 *window, __u32 offset,
				__u32 count, struct pt_http_done *done)
{
	struct pt_http_found *found = &conn->found[direction];
	int more;

	if (catch_up(conn, direction, segment, done))
		return 1;
	found->begun = found->ended = found->broken = 0;
	found->in_sync = conn->half[direction].state != PT_HTTP_SYNC;
	found->side = side_of(conn, direction);
	found->method = method_asked(conn);
	forget();
	more = parse(conn, direction, segment, window, offset, count);
	if (found->broken)
		more = 0;
	forget();
	happen(conn, direction, segment->now_ns, done);
	return more && !conn->is_opaque;
}

/* Takes a segment that is_at_message(), in one go. Returns 0 when that cannot be done, and it is to
 * be taken in steps. */
static __always_inline int feed_whole(struct pt_http_conn *conn, enum pt_http_direction direction,
				      const struct pt_http_segment *segment, void *source,
				      void *lock, struct pt_http_done *done)
{
	__u64 room[PT_HTTP_LEAD + PT_HTTP_WORDS + PT_HTTP_MARGIN] = {};
	__u64 *window = room + PT_HTTP_LEAD;
	__u32 count = segment->length;
	int is_taken;

	if (count > PT_HTTP_WINDOW)
		count = PT_HTTP_WINDOW;
	if (copy(source, segment->offset, window, count))
		return 0;
	pt_http_lock(lock);
	is_taken = take_whole(conn, direction, segment, window, count, done);
	pt_http_unlock(lock);
	return is_taken;
}

/* Takes one step in a segment of which source has the bytes, and says in done, which is zeroed,
 * what there is to count. Returns whether there is more to do. */
static __always_inline int feed(struct pt_http_conn *conn, enum pt_http_direction direction,
				const struct pt_http_segment *segment, void *source, void *lock,
				struct pt_http_done *done)
{
	const struct pt_http_half *half = &conn->half[direction];
	__u64 room[PT_HTTP_LEAD + PT_HTTP_WORDS + PT_HTTP_MARGIN] = {};
	__u64 *window = room + PT_HTTP_LEAD;
	__u32 offset = half->next - segment->seq, count = 0;
	int more;

	if (half->state == PT_HTTP_SYNC || (__s32)offset < 0)
		offset = 0;
	if (!is_jumping(half) && offset < segment->length) {
		count = segment->length - offset;
		if (count > PT_HTTP_WINDOW)
			count = PT_HTTP_WINDOW;
		if (copy(source, segment->offset + offset, window, count))
			return 0;
	}
	pt_http_lock(lock);
	more = take(conn, direction, segment, window, offset, count, done);
	pt_http_unlock(lock);
	return more;
}

#endif
