/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where the parts of an HTTP/1 message end and what comes behind each (RFC 9112, 6.3). */
#ifndef PT_HTTP_FRAMING_H
#define PT_HTTP_FRAMING_H

#include "bpf/http/state.h"
#include "bpf/http/text.h"

/* Read anew; what the verifier once knew of it would be a path of its own. */
#define READ(field) (*(volatile __typeof__(field) *)&(field))

/* Makes the compiler read memory again instead of keeping it on the stack, which is full. */
static __always_inline void forget(void)
{
	asm volatile("" : : : "memory");
}

static __always_inline void message_end(struct pt_http_half *half, struct pt_http_found *found)
{
	half->gathered = 0;
	if (half->has_holes && (__s32)(half->run - half->hole) > 0) {
		half->state = PT_HTTP_FILL;
	} else {
		half->has_holes = 0;
		half->state = PT_HTTP_FIRST;
		found->ended = 1;
	}
}

static __always_inline void chunk_begin(struct pt_http_half *half)
{
	half->state = PT_HTTP_SIZE;
	half->length = 0;
	half->digits = 0;
	half->head = 0; /* each line between chunks may be as long as a head */
}

static __always_inline void line_begin(struct pt_http_half *half)
{
	half->state = PT_HTTP_LINE;
	half->gathered = 0;
	half->line[0] = 0;
	half->line[1] = 0;
}

/* The line goes on to its newline; before is its last 8 bytes so far. */
static __always_inline void line_rest(struct pt_http_half *half, enum pt_http_rest rest,
				      __u64 before)
{
	half->state = PT_HTTP_REST;
	half->rest = rest;
	half->tail = before;
}

/* Whether jump() is all there is to do. */
static __always_inline int is_jumping(const struct pt_http_half *half)
{
	return half->state >= PT_HTTP_BODY;
}

/* Goes over bytes of a body, of which avail are there. Returns how many those were. */
static __always_inline __u32 jump(struct pt_http_half *half, __u32 avail,
				  struct pt_http_found *found)
{
	__u32 count = avail;

	if (half->state == PT_HTTP_BODY) {
		if (half->length < avail)
			count = half->length;
		half->length -= count;
	}
	half->next += count;
	if (half->state != PT_HTTP_BODY || half->length)
		return count;

	if (half->framing == PT_BODY_CHUNKED)
		chunk_begin(half);
	else
		message_end(half, found);

	return count;
}

/* RFC 9112, 6.3. */
static __always_inline void head_end(struct pt_http_half *half, struct pt_http_found *found)
{
	__u8 side = found->side, method = found->method;
	__u16 status = half->code;

	if (half->framing == PT_BODY_TRAILERS) {
		message_end(half, found);
	} else if (side == PT_SIDE_RESPONSES &&
		   ((status >= 100 && status < 200) || status == 204 || status == 304 ||
		    method == PT_METHOD_HEAD ||
		    (method == PT_METHOD_CONNECT && status >= 200 && status < 300))) {
		message_end(half, found);
	} else if (half->framing == PT_BODY_CHUNKED) {
		chunk_begin(half);
	} else if (half->framing == PT_BODY_LENGTH) {
		half->state = PT_HTTP_BODY;
		jump(half, 0, found);
	} else if (side == PT_SIDE_RESPONSES) {
		half->state = PT_HTTP_CLOSE;
	} else if (half->framing == PT_BODY_CODED) {
		found->broken = 1;
	} else {
		message_end(half, found);
	}
}

/* The end of a line of which before are the last 8 bytes. */
static __always_inline void line_end(struct pt_http_half *half, __u64 before,
				     struct pt_http_found *found)
{
	__u8 rest = half->rest;

	if (rest == PT_REST_VERSION && !ends_with_version(before)) {
		found->broken = 1;
	} else if (rest == PT_REST_CODING) {
		half->framing = ends_with_chunked(before) ? PT_BODY_CHUNKED : PT_BODY_CODED;
	}
	half->rest = PT_REST_ANY;
}

#endif
