/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A segment that is one whole message, as most requests and many responses are.
 *
 * All that feed() does for one comes to this, in fewer instructions: a head of plain lines that
 * ends in the window, and a body of known length that ends with the segment. Whatever else is there
 * is left for a step, which begins with the message anew.
 */
#ifndef PT_HTTP_WHOLE_H
#define PT_HTTP_WHOLE_H

#include "bpf/http/connection.h"

/* The bytes of a head of plain lines, of which count are in the window, or 0. Content-Length's
 * value is left in line[0], the end of the first line in tail: each is looked at once, and not by
 * the verifier at each turn of this loop. */
static __always_inline __u32 plain_head(struct pt_http_half *half, const __u64 *window, __u32 count)
{
	const __u64 *at = window;

	NO_UNROLL
	for (__u32 i = 0; i < PT_HTTP_WORDS; i++, at++) {
		__u64 marks, name;
		__u32 byte;

		if (8 * i >= count)
			return 0;
		asm volatile("" : "+r"(at)); /* as in scan_lines() */
		marks = newlines(at[0]);
		if (!marks)
			continue;

		byte = lowest(marks);
		name = behind(at[0], at[1], byte);
		if (READ(half->rest) == PT_REST_VERSION) {
			half->tail = join(at[-1], at[0], byte);
			half->rest = PT_REST_ANY;
		}
		if ((name & 0xffff) == 0x0a0d || (name & 0xff) == '\n')
			return 8 * i + byte + 1 + empty_length(name);
		if ((name & 0xff) == '\r' || marks & (marks - 1))
			return 0;
		name |= PT_LOWER;
		if (name == PT_TEXT('t', 'r', 'a', 'n', 's', 'f', 'e', 'r'))
			return 0;
		if (name != PT_TEXT('c', 'o', 'n', 't', 'e', 'n', 't', '-'))
			continue;
		name = behind(at[1], at[2], byte) | PT_LOWER;
		if ((name & PT_FIRST(7)) != PT_TEXT('l', 'e', 'n', 'g', 't', 'h', ':', 0))
			continue;
		if (READ(half->framing) != PT_BODY_NONE)
			return 0;
		half->framing = PT_BODY_LENGTH;
		half->line[0] = join(at[2], at[3], byte);
	}
	return 0;
}

/* Whether such a head and the body that it tells of are length bytes. */
static __always_inline int is_whole(struct pt_http_half *half, enum pt_http_side side,
				    const __u64 *window, __u32 count, __u32 length)
{
	__u32 head;

	half->framing = PT_BODY_NONE;
	half->length = 0;
	half->rest = PT_REST_VERSION;
	head = plain_head(half, window, count);
	forget();
	if (!head || (side == PT_SIDE_REQUESTS && !ends_with_version(half->tail)))
		return 0;
	if (half->framing == PT_BODY_LENGTH) {
		if (!short_length(half, half->line[0]))
			return 0;
	} else if (side == PT_SIDE_RESPONSES) {
		return 0;
	}
	return head + half->length == length;
}

/* Whether a response that begins so has a body that only its head frames, and answers the oldest
 * request. */
static __always_inline int is_plain_response(const struct pt_http_conn *conn, int status, __u64 now)
{
	__u8 method = method_asked(conn);

	return status >= 200 && status != 204 && status != 304 && method != PT_METHOD_HEAD &&
	       method != PT_METHOD_CONNECT && is_asked_for(conn, now);
}

/* Whether a message begins where the segment does, and nothing of what follows has been seen. */
static __always_inline int is_at_message(const struct pt_http_half *half,
					 const struct pt_http_segment *segment)
{
	return half->state == PT_HTTP_FIRST && !half->gathered && half->next == segment->seq &&
	       half->seen == segment->seq && segment->length >= PT_HTTP_START;
}

/* Takes a segment of which window has the first count bytes. Returns 0, and nothing of the message
 * has been taken, when it is not one whole message. */
static __always_inline int take_whole(struct pt_http_conn *conn, enum pt_http_direction direction,
				      const struct pt_http_segment *segment, const __u64 *window,
				      __u32 count, struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[direction];
	enum pt_http_side side = side_of(conn, direction);
	int status;

	if (!is_at_message(half, segment))
		return 0;
	if (side == PT_SIDE_REQUESTS) {
		if (!may_be_request(window[0]))
			return 0;
		half->code = method_of(window[0]);
	} else {
		status = status_of(window[0], window[1]);
		if (!is_plain_response(conn, status, segment->now_ns))
			return 0;
		half->code = status;
	}
	if (!is_whole(half, side, window, count, segment->length))
		return 0;

	half->begin = segment->seq;
	half->start_ns = segment->now_ns;
	half->next = half->seen = half->run = segment->seq + segment->length;
	half->has_holes = 0;
	if (side == PT_SIDE_REQUESTS) {
		ask(conn, half, done);
	} else {
		conn->status = half->code;
		conn->first_ns = conn->last_ns = segment->now_ns;
		conn->is_running = 1;
		answer(conn, segment->now_ns, done);
	}
	return 1;
}

#endif
