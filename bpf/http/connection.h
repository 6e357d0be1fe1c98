/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A connection's requests and the responses to them, in order (RFC 9112, 9.3.2).
 *
 * The two directions of a socket are handled on several CPUs at once, or one in the midst of the
 * other. So each has its own half, the one with the requests writes asked and waiting, the one with
 * the responses all that is about a response, and who moves answered on counts what it moves over.
 * Segments of one direction are handled one at a time, which is for the caller to see to.
 *
 * Who includes this may have defined
 *   pt_http_claim(conn, from, to)  moves answered, if it still is from; whether it was
 * or else has the connection to itself.
 */
#ifndef PT_HTTP_CONNECTION_H
#define PT_HTTP_CONNECTION_H

#include <stddef.h>

#include "bpf/http/message.h"

#ifndef pt_http_claim
#define pt_http_claim(conn, from, to) ((void)(from), (conn)->answered = (to), 1)
#endif

/* Times that a connection may be out of step before it is left alone. */
#define PT_HTTP_FAULTS_MAX 4

/* What there is to count. */
struct pt_http_done {
	__u64 start_ns;    /* from the request's first byte to the response's first, and */
	__u64 duration_ns; /* to its last one */
	__u16 status;
	__u8 method;
	__u8 is_done; /* the above is a response that has ended */
	__u16 aborted;
	__u16 lost;
	__u8 aborted_by; /* enum pt_http_by, of so many */
	__u8 lost_by;    /* enum pt_http_lost, of so many */
	__u8 pad[6];
};

static __always_inline enum pt_http_side side_of(const struct pt_http_conn *conn,
						 enum pt_http_direction direction)
{
	return conn->requests == direction ? PT_SIDE_REQUESTS : PT_SIDE_RESPONSES;
}

static __always_inline __u32 outstanding(const struct pt_http_conn *conn)
{
	__s32 count = conn->asked - conn->answered;

	return count > 0 ? count : 0;
}

/* The request of that index, if it is remembered. */
static __always_inline const struct pt_http_request *waiting(const struct pt_http_conn *conn,
							     __u32 index)
{
	const struct pt_http_request *request = &conn->waiting[index % PT_HTTP_DEPTH];

	return (__s32)(conn->asked - index) > 0 && request->index == (__u16)index ? request : NULL;
}

/* Of the request that a response answers now. */
static __always_inline __u8 method_asked(const struct pt_http_conn *conn)
{
	const struct pt_http_request *request = waiting(conn, conn->answered);

	return request ? request->method : PT_METHOD_UNKNOWN;
}

/* Requests whose responses nobody will recognize. */
static __always_inline void lose(struct pt_http_conn *conn, enum pt_http_lost reason,
				 struct pt_http_done *done)
{
	__u32 answered = conn->answered, count = outstanding(conn);

	conn->is_running = 0;
	if (count && pt_http_claim(conn, answered, answered + count)) {
		done->lost = count;
		done->lost_by = reason;
	}
}

/* The oldest request's response ended at end_ns. */
static __always_inline void answer(struct pt_http_conn *conn, __u64 end_ns,
				   struct pt_http_done *done)
{
	__u32 answered = conn->answered;
	const struct pt_http_request *request = waiting(conn, answered);
	int has_answered = conn->is_running == 1;

	conn->is_running = 0;
	if (!has_answered)
		return; /* its request was not seen, or given up */
	if (request) {
		done->method = request->method;
		done->status = conn->status;
		done->start_ns = conn->first_ns - request->start_ns;
		done->duration_ns = end_ns - request->start_ns;
		if (conn->status == 101 ||
		    (request->method == PT_METHOD_CONNECT && conn->status / 100 == 2))
			conn->is_opaque = 1;
	}
	/* one that is not remembered was counted as lost when it was asked */
	if (outstanding(conn) && pt_http_claim(conn, answered, answered + 1))
		done->is_done = !!request;
}

/* Later text was seen than that which is waited for. */
static __always_inline int is_stuck(const struct pt_http_half *half)
{
	return half->state != PT_HTTP_SYNC && (__s32)(half->seen - half->next) > 0;
}

/* Ends a response whose end can only be told by what comes after it. Returns whether it was one. */
static __always_inline int answer_late(struct pt_http_conn *conn, struct pt_http_half *half,
				       struct pt_http_done *done)
{
	if (!conn->is_running || (half->state < PT_HTTP_FILL && !is_stuck(half)))
		return 0;
	half->state = half->state == PT_HTTP_FILL ? PT_HTTP_FIRST : PT_HTTP_SYNC;
	answer(conn, conn->last_ns, done);
	return 1;
}

/* A request has begun. */
static __always_inline void ask(struct pt_http_conn *conn, const struct pt_http_half *half,
				struct pt_http_done *done)
{
	struct pt_http_request *request = &conn->waiting[conn->asked % PT_HTTP_DEPTH];

	if (outstanding(conn) >= PT_HTTP_DEPTH) {
		done->lost = 1;
		done->lost_by = PT_LOST_DEPTH;
	} else {
		request->start_ns = half->start_ns;
		request->position = half->begin;
		request->index = conn->asked;
		request->method = half->code;
	}
	conn->asked++;
}

/* This is not what it looked like. Before the first response the socket is not HTTP's at all. */
static __always_inline void fault(struct pt_http_conn *conn, struct pt_http_half *half,
				  enum pt_http_lost reason, struct pt_http_done *done)
{
	if (!conn->answered)
		conn->is_opaque = 1;
	else
		lose(conn, reason, done);
	if (++conn->faults >= PT_HTTP_FAULTS_MAX)
		conn->is_opaque = 1;
	half->state = PT_HTTP_SYNC;
	conn->fetched = conn->asked;
}

/* Whether a response that began then may be one to a request that was seen. */
static __always_inline int is_asked_for(const struct pt_http_conn *conn, __u64 first_ns)
{
	const struct pt_http_request *request = waiting(conn, conn->answered);

	return outstanding(conn) && !(request && request->start_ns > first_ns);
}

/* What was found has happened in a direction. */
static __always_inline void happen(struct pt_http_conn *conn, enum pt_http_direction direction,
				   __u64 now, struct pt_http_done *done)
{
	const struct pt_http_found *found = &conn->found[direction];
	struct pt_http_half *half = &conn->half[direction];

	if (found->broken && !found->in_sync && !found->begun) {
		half->state = PT_HTTP_SYNC; /* no message begins here */
		if (!conn->answered && ++conn->faults >= PT_HTTP_FAULTS_MAX)
			conn->is_opaque = 1;
		return;
	}
	if (found->broken) {
		fault(conn, half, PT_LOST_DESYNC, done);
		return;
	}
	if (conn->requests == direction) {
		if (found->begun)
			ask(conn, half, done);
		return;
	}
	conn->last_ns = now;
	if (found->begun) {
		conn->status = half->code;
		conn->first_ns = half->start_ns;
		conn->is_running = 1;
		if (!is_asked_for(conn, half->start_ns)) {
			conn->is_running = 2;
			done->lost = 1;
			done->lost_by = PT_LOST_REQUEST;
		}
	}
	if (found->ended && conn->status / 100 == 1 && conn->status != 101)
		conn->is_running = 0; /* an interim response; the answer is still to come */
	else if (found->ended)
		answer(conn, now, done);
}

/* A segment of the stream. */
struct pt_http_segment {
	__u64 now_ns;   /* when it came, or goes */
	__u32 seq;      /* stream position of its first byte */
	__u32 length;   /* bytes */
	__u32 received; /* on ingress: what the kernel had received in order before it */
	__u16 offset;   /* of its first byte in the packet */
	__u8 flags;     /* of the TCP header */
	__u8 pad;
};

/* Bytes that were looked for are gone: they came out of order, or were never seen. */
static __always_inline void lose_framing(struct pt_http_half *half, struct pt_http_found *found)
{
	if (found->side == PT_SIDE_RESPONSES && half->state != PT_HTTP_FIRST)
		half->state = PT_HTTP_LOST;
	else if (found->side == PT_SIDE_RESPONSES)
		found->broken = 1;
	else
		half->state = PT_HTTP_SYNC;
}

/* There is more in a segment than can be looked at: its rest is as if it had been missing. */
static __always_inline void overrun(struct pt_http_conn *conn, enum pt_http_direction direction,
				    const struct pt_http_segment *segment,
				    struct pt_http_done *done)
{
	struct pt_http_found *found = &conn->found[direction];
	struct pt_http_half *half = &conn->half[direction];
	__u32 end = segment->seq + segment->length;

	if ((__s32)(end - half->next) <= 0)
		return; /* the last step was just enough */
	found->side = side_of(conn, direction);
	found->broken = 0;
	lose_framing(half, found);
	half->next = end;
	if (found->broken)
		fault(conn, half, PT_LOST_BUDGET, done);
}

/* From this position on, something is missing in a body. */
static __always_inline void hole_at(struct pt_http_half *half, __u32 position)
{
	if (!half->has_holes)
		half->hole = position;
	half->has_holes = 1;
}

/* A segment that begins behind what is looked for. Returns whether the half can go on in it. */
static __always_inline int skip_gap(struct pt_http_half *half, enum pt_http_direction direction,
				    const struct pt_http_segment *segment,
				    struct pt_http_found *found)
{
	__u32 gap = segment->seq - half->next;

	if (half->state == PT_HTTP_BODY && gap <= half->length) {
		half->length -= gap;
		if (found->side == PT_SIDE_RESPONSES && direction == PT_IN)
			hole_at(half, half->next);
	} else if (half->state != PT_HTTP_CLOSE && half->state != PT_HTTP_LOST) {
		/* a segment that is missing comes again, one that was out of order does not */
		if (direction == PT_IN && (__s32)(segment->received - half->next) <= 0)
			return 0;
		lose_framing(half, found);
		if (half->state < PT_HTTP_FILL)
			return 0;
	}
	half->next = segment->seq;
	return 1;
}

/* These bytes are there. */
static __always_inline void see(struct pt_http_half *half, __u32 seq, __u32 end)
{
	__s32 before = seq - half->run, behind_end = end - half->seen;

	if (!half->has_holes && (__s32)(half->next - half->run) > 0)
		half->run = half->next; /* what is parsed can be forgotten */
	if ((__s32)(seq - half->seen) > 0)
		half->run = seq;
	else if (before < 0 && (__s32)(end - half->run) >= 0)
		half->run = seq;
	if (behind_end > 0)
		half->seen = end;
}

/* Brings a copy of a half to the segment. Returns how many of its bytes are before those that are
 * looked for, or segment->length when there is nothing in it to look at. */
static __always_inline __u32 place(struct pt_http_half *half, const struct pt_http_conn *conn,
				   enum pt_http_direction direction,
				   const struct pt_http_segment *segment,
				   struct pt_http_found *found)
{
	__u32 end = segment->seq + segment->length;

	if (half->state == PT_HTTP_SYNC) {
		/* what is in a request's body is no request */
		if (found->side == PT_SIDE_REQUESTS && outstanding(conn))
			return segment->length;
		half->next = segment->seq;
		if (!half->seen || (__s32)(half->seen - segment->seq) < 0)
			half->seen = half->run = segment->seq;
		half->state = PT_HTTP_FIRST;
		half->gathered = 0;
	}
	see(half, segment->seq, end);
	if (half->state == PT_HTTP_FILL) {
		/* more than the response: it has all come, or this is a pipeline */
		if ((__s32)(end - half->next) > 0)
			half->has_holes = 0;
		message_end(half, found);
		return segment->length;
	}
	if ((__s32)(segment->seq - half->next) > 0 && !skip_gap(half, direction, segment, found))
		return segment->length;

	return half->next - segment->seq;
}

/* Parts of this body came before it. */
static __always_inline void skip_seen(struct pt_http_half *half, struct pt_http_found *found)
{
	__u32 gap = half->seen - half->next;

	if (half->state == PT_HTTP_BODY && (__s32)gap > 0 && gap <= half->length) {
		if (found->side == PT_SIDE_RESPONSES && (__s32)(half->run - half->next) > 0)
			hole_at(half, half->next);
		jump(half, gap, found);
	}
}

/* Ends a response that ended before this segment: its holes are filled, as the kernel has received
 * all of it, or a request has followed it. Returns whether there was one. */
static __always_inline int catch_up(struct pt_http_conn *conn, enum pt_http_direction direction,
				    const struct pt_http_segment *segment,
				    struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[direction];
	__s32 is_new = segment->seq + segment->length - half->seen;

	if (conn->requests == direction || !conn->is_running)
		return 0;
	if (half->state == PT_HTTP_FILL && direction == PT_IN &&
	    (__s32)(segment->received - half->next) >= 0)
		return answer_late(conn, half, done);
	return is_new > 0 && outstanding(conn) > 1 && answer_late(conn, half, done);
}

/* Requests that get no response, because the side that closed first has gone. */
static __always_inline void abort_requests(struct pt_http_conn *conn, struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[conn->requests == PT_IN ? PT_OUT : PT_IN];
	__u32 answered, count;

	if (half->state != PT_HTTP_CLOSE || conn->closed_by == PT_BY_SERVER)
		answer_late(conn, half, done);
	answered = conn->answered;
	count = outstanding(conn);
	conn->is_running = 0;
	if (count && pt_http_claim(conn, answered, answered + count)) {
		done->aborted = count;
		done->aborted_by = conn->closed_by;
	}
}

static __always_inline void closed_first(struct pt_http_conn *conn, int is_request)
{
	if (conn->closed_by == PT_BY_COUNT)
		conn->closed_by = is_request ? PT_BY_CLIENT : PT_BY_SERVER;
}

/* Nothing more comes in this direction: FIN, or with is_reset RST. */
static __always_inline void close_half(struct pt_http_conn *conn, enum pt_http_direction direction,
				       const struct pt_http_segment *segment, int is_reset,
				       struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[direction];
	int is_request = conn->requests == direction;
	__s32 gap = segment->seq - segment->received;

	if (is_reset && direction == PT_IN && gap)
		return; /* the kernel heeds none but in its place */
	closed_first(conn, is_request);
	if (is_request && !is_reset)
		return; /* who has no more requests may wait for the response */
	if (!is_reset && direction == PT_IN && gap > 0)
		return; /* what is missing before it will come */

	if (!is_request && !is_reset && half->state == PT_HTTP_CLOSE && conn->is_running)
		answer(conn, segment->now_ns, done);
	else
		abort_requests(conn, done);
}

/* The socket is gone. When nobody has closed it, has_vanished tells whether the other end has gone
 * without a word, or else this one has. */
static __always_inline void close_socket(struct pt_http_conn *conn, int has_vanished,
					 struct pt_http_done *done)
{
	int is_server = conn->requests == PT_IN;

	if (conn->is_opaque)
		return;
	closed_first(conn, has_vanished ? is_server : !is_server);
	abort_requests(conn, done);
}

/* The oldest request that the application had not begun to read, if by now it has: read_to is the
 * position that it has read up to. Returns when that request came, 0 when there is none. */
static __always_inline __u64 fetch(struct pt_http_conn *conn, __u32 read_to)
{
	const struct pt_http_request *request = waiting(conn, conn->fetched);

	if (conn->fetched == conn->asked)
		return 0;
	if (!request) { /* one of too deep a pipeline */
		conn->fetched++;
		return 0;
	}
	if ((__s32)(read_to - request->position) <= 0)
		return 0;
	conn->fetched++;
	return request->start_ns;
}

#endif
