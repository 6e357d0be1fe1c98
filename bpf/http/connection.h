/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A connection's requests and the responses to them, in order (RFC 9112, 9.3.2).
 *
 * Everything here runs with the connection's lock held and calls nothing: the two directions of a
 * socket, and even two segments of one direction, are handled on several CPUs at once.
 */
#ifndef PT_HTTP_CONNECTION_H
#define PT_HTTP_CONNECTION_H

#include "bpf/http/message.h"

#define PT_HTTP_DEPTH 8 /* requests that may wait for their responses; a power of 2 */

/* Times that a connection may be out of step before it is left alone. */
#define PT_HTTP_FAULTS_MAX 4

struct pt_http_request {
	__u64 start_ns; /* when its first byte came, or went */
	__u32 position; /* stream position of that byte */
	__u32 index;    /* of the connection's requests */
	__u8 method;
	__u8 pad[7];
};

/* Map sock_http, socket storage. */
struct pt_http_conn {
	struct bpf_spin_lock lock;
	__u32 asked;     /* requests that were seen: the next one's index */
	__u32 answered;  /* those whose responses have ended */
	__u32 fetched;   /* those that the application has begun to read */
	__u64 first_ns;  /* first byte of the response that is running */
	__u64 last_ns;   /* last segment in the direction of the responses */
	__u16 status;    /* of the running response */
	__u8 requests;   /* enum pt_http_direction that they take */
	__u8 is_running; /* a response has begun and not ended */
	__u8 is_opaque;  /* nothing more to be understood here */
	__u8 faults;
	__u8 closed_by; /* enum pt_http_by of who closed first, PT_BY_COUNT while nobody has */
	__u8 pad;
	struct pt_http_found found; /* of the step that is being taken */
	struct pt_http_half half[2];
	struct pt_http_request waiting[PT_HTTP_DEPTH];
};

enum pt_http_direction { PT_IN, PT_OUT };

/* What there is to count. */
struct pt_http_done {
	__u64 start_ns;
	__u64 first_ns;
	__u64 end_ns;
	__u16 status;
	__u8 method;
	__u8 is_done;    /* the above is a response that has ended */
	__u8 aborted_by; /* enum pt_http_by, of so many */
	__u8 lost_by;    /* enum pt_http_lost, of so many */
	__u8 pad[2];
	__u32 aborted;
	__u32 lost;
};

static __always_inline enum pt_http_side side_of(const struct pt_http_conn *conn,
						 enum pt_http_direction direction)
{
	return conn->requests == direction ? PT_SIDE_REQUESTS : PT_SIDE_RESPONSES;
}

static __always_inline __u32 outstanding(const struct pt_http_conn *conn)
{
	return conn->asked - conn->answered;
}

/* The oldest request without a response, or NULL when there is none, or no memory of it. */
static __always_inline const struct pt_http_request *oldest(const struct pt_http_conn *conn)
{
	const struct pt_http_request *request = &conn->waiting[conn->answered % PT_HTTP_DEPTH];

	return outstanding(conn) && request->index == conn->answered ? request : NULL;
}

static __always_inline __u8 method_asked(const struct pt_http_conn *conn)
{
	const struct pt_http_request *request = oldest(conn);

	return request ? request->method : PT_METHOD_UNKNOWN;
}

/* Requests whose responses nobody will recognize. */
static __always_inline void lose(struct pt_http_conn *conn, enum pt_http_lost reason,
				 struct pt_http_done *done)
{
	done->lost = outstanding(conn);
	done->lost_by = reason;
	conn->answered = conn->asked;
	conn->is_running = 0;
}

/* The oldest request's response ended at end_ns. */
static __always_inline void answer(struct pt_http_conn *conn, __u64 end_ns,
				   struct pt_http_done *done)
{
	const struct pt_http_request *request = oldest(conn);

	conn->is_running = 0;
	if (!request) {
		if (outstanding(conn))
			conn->answered++; /* counted as lost when it was asked */
		return;
	}
	done->is_done = 1;
	done->method = request->method;
	done->status = conn->status;
	done->start_ns = request->start_ns;
	done->first_ns = conn->first_ns;
	done->end_ns = end_ns;
	if (conn->status == 101 ||
	    (request->method == PT_METHOD_CONNECT && conn->status / 100 == 2))
		conn->is_opaque = 1;
	conn->answered++;
}

/* Later text was seen than that which is waited for. */
static __always_inline int is_stuck(const struct pt_http_half *half)
{
	return half->state != PT_HTTP_SYNC && (__s32)(half->seen - half->next) > 0;
}

/* Ends a response whose end could only be told by what came after it. */
static __always_inline void answer_late(struct pt_http_conn *conn, struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[!conn->requests];

	if (!conn->is_running || (half->state < PT_HTTP_FILL && !is_stuck(half)))
		return;
	half->state = half->state == PT_HTTP_FILL ? PT_HTTP_FIRST : PT_HTTP_SYNC;
	answer(conn, conn->last_ns, done);
}

/* A request has begun. */
static __always_inline void ask(struct pt_http_conn *conn, const struct pt_http_half *half,
				struct pt_http_done *done)
{
	struct pt_http_request *request = &conn->waiting[conn->asked % PT_HTTP_DEPTH];

	if (outstanding(conn) == 1)
		answer_late(conn, done);

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
				  struct pt_http_done *done)
{
	if (!conn->answered)
		conn->is_opaque = 1;
	else if (outstanding(conn))
		lose(conn, PT_LOST_DESYNC, done);
	if (++conn->faults >= PT_HTTP_FAULTS_MAX)
		conn->is_opaque = 1;
	half->state = PT_HTTP_SYNC;
	conn->asked = conn->fetched = conn->answered;
}

/* What conn->found says has happened in a direction. */
static __always_inline void happen(struct pt_http_conn *conn, enum pt_http_direction direction,
				   __u64 now, struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[direction & 1];

	if (conn->found.broken && !conn->found.in_sync && !conn->found.begun) {
		half->state = PT_HTTP_SYNC; /* no message begins here */
		if (!conn->answered && ++conn->faults >= PT_HTTP_FAULTS_MAX)
			conn->is_opaque = 1;
		return;
	}
	if (conn->found.broken) {
		fault(conn, half, done);
		return;
	}
	if (conn->requests == direction) {
		if (conn->found.begun)
			ask(conn, half, done);
		return;
	}
	conn->last_ns = now;
	if (conn->found.begun) {
		conn->status = half->code;
		conn->first_ns = half->start_ns;
		conn->is_running = 1;
		if (!outstanding(conn)) {
			done->lost = 1;
			done->lost_by = PT_LOST_REQUEST;
		}
	}
	if (conn->found.ended && conn->status / 100 == 1 && conn->status != 101)
		conn->is_running = 0; /* an interim response; the answer is still to come */
	else if (conn->found.ended)
		answer(conn, now, done);
}

/* A segment of the stream. */
struct pt_http_segment {
	void *source;   /* of its bytes, for pt_http_load() */
	__u64 now_ns;   /* when it came, or goes */
	__u32 offset;   /* of its first byte in source */
	__u32 seq;      /* stream position of that byte */
	__u32 length;   /* bytes */
	__u32 received; /* on ingress: what the kernel had received in order before it */
	enum pt_http_direction direction;
	__u32 pad;
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

/* A segment that begins behind what is looked for. Returns whether the half can go on in it. */
static __always_inline int skip_gap(struct pt_http_half *half,
				    const struct pt_http_segment *segment,
				    struct pt_http_found *found)
{
	__u32 gap = segment->seq - half->next;

	if (half->state == PT_HTTP_BODY && gap <= half->length) {
		half->length -= gap;
		half->has_holes = found->side == PT_SIDE_RESPONSES && segment->direction == PT_IN;
	} else if (half->state != PT_HTTP_CLOSE && half->state != PT_HTTP_LOST) {
		/* a segment that is missing comes again, one that was out of order does not */
		if (segment->direction == PT_IN && (__s32)(segment->received - half->next) <= 0)
			return 0;
		lose_framing(half, found);
		if (half->state < PT_HTTP_FILL)
			return 0;
	}
	half->next = segment->seq;
	return 1;
}

/* Brings a copy of a half to the segment. Returns how many of its bytes are before those that are
 * looked for, or segment->length when there is nothing in it to look at. */
static __always_inline __u32 place(struct pt_http_half *half, const struct pt_http_conn *conn,
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
			half->seen = segment->seq;
		half->state = PT_HTTP_FIRST;
		half->gathered = 0;
	}
	if (half->state == PT_HTTP_FILL && (__s32)(end - half->next) > 0) {
		/* more than the response: it has all come, or this is a pipeline */
		half->has_holes = 0;
		message_end(half, found);
		return segment->length;
	}
	if ((__s32)(end - half->seen) > 0)
		half->seen = end;
	if ((__s32)(segment->seq - half->next) > 0 && !skip_gap(half, segment, found))
		return segment->length;

	return half->next - segment->seq;
}

/* Parts of this body came before it. */
static __always_inline void skip_seen(struct pt_http_half *half, struct pt_http_found *found)
{
	__u32 gap = half->seen - half->next;

	if (half->state == PT_HTTP_BODY && (__s32)gap > 0 && gap <= half->length) {
		half->has_holes = found->side == PT_SIDE_RESPONSES;
		jump(half, gap, found);
	}
}

/* The holes of a response are filled, as far as the kernel has received. */
static __always_inline void fill(struct pt_http_conn *conn, __u32 received,
				 struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[PT_IN];

	if (half->state == PT_HTTP_FILL && conn->requests == PT_OUT &&
	    (__s32)(received - half->next) >= 0) {
		half->state = PT_HTTP_FIRST;
		answer(conn, conn->last_ns, done);
	}
}

/* Requests that get no response, because the side that closed first has gone. */
static __always_inline void abort_requests(struct pt_http_conn *conn, struct pt_http_done *done)
{
	answer_late(conn, done);
	done->aborted = outstanding(conn);
	done->aborted_by = conn->closed_by;
	conn->answered = conn->asked;
	conn->is_running = 0;
}

/* Nothing more comes in this direction: FIN, or with is_reset RST. */
static __always_inline void close_half(struct pt_http_conn *conn, enum pt_http_direction direction,
				       int is_reset, __u64 now, struct pt_http_done *done)
{
	struct pt_http_half *half = &conn->half[direction & 1];
	int is_request = conn->requests == direction;

	if (conn->closed_by == PT_BY_COUNT)
		conn->closed_by = is_request ? PT_BY_CLIENT : PT_BY_SERVER;
	if (is_request && !is_reset)
		return; /* who has no more requests may wait for the response */

	if (!is_request && !is_reset && half->state == PT_HTTP_CLOSE && conn->is_running)
		answer(conn, now, done);
	else
		abort_requests(conn, done);
}

/* The socket is gone; when nobody has closed it, the other end has vanished. */
static __always_inline void close_socket(struct pt_http_conn *conn, struct pt_http_done *done)
{
	if (conn->closed_by == PT_BY_COUNT)
		conn->closed_by = conn->requests == PT_IN ? PT_BY_CLIENT : PT_BY_SERVER;
	abort_requests(conn, done);
}

/* The oldest request that the application had not begun to read, if by now it has: read_to is the
 * position that it has read up to. Returns when that request came, 0 when there is none. */
static __always_inline __u64 fetch(struct pt_http_conn *conn, __u32 read_to)
{
	const struct pt_http_request *request = &conn->waiting[conn->fetched % PT_HTTP_DEPTH];

	if (conn->fetched == conn->asked || (__s32)(read_to - request->position) <= 0)
		return 0;
	if (request->index != conn->fetched++)
		return 0; /* one of too deep a pipeline */
	return request->start_ns;
}

#endif
