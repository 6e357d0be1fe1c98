/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One direction of an HTTP/1 connection: where its messages begin and end (RFC 9112).
 *
 * A pull parser without a buffer. It is given a window of the bytes at half->next, keeps what a cut
 * in the stream needs in struct pt_http_half, and jumps over bodies. Nothing here calls the kernel:
 * the same source is compiled for userspace, where every cut is tried.
 *
 * Written for the verifier of 5.10. The window lies on the stack and is read at constant offsets
 * only, so text moves through registers, and all loops have constant bounds. All is inlined, since
 * on some kernels a program that makes tail calls cannot call functions.
 */
#ifndef PT_HTTP_MESSAGE_H
#define PT_HTTP_MESSAGE_H

#include "bpf/http/text.h"

#define PT_HTTP_WORDS  32                  /* of a window, and */
#define PT_HTTP_LEAD   1                   /* words in front of it, for its own use */
#define PT_HTTP_MARGIN 3                   /* words behind it, always 0 */
#define PT_HTTP_WINDOW (8 * PT_HTTP_WORDS) /* bytes */

#define PT_HTTP_START    13 /* bytes that tell what a message is: "HTTP/1.1 200 " */
#define PT_HTTP_HEAD_MAX (256 * 1024)

enum pt_http_state {
	PT_HTTP_SYNC,   /* unknown: only the first byte of a segment may begin a message */
	PT_HTTP_FIRST,  /* at a message's first byte, or in those that tell what it is */
	PT_HTTP_LINE,   /* the same of a line of the head or of the trailers */
	PT_HTTP_REST,   /* in the rest of a line */
	PT_HTTP_LENGTH, /* in the value of Content-Length */
	PT_HTTP_SIZE,   /* in the size of a chunk */
	PT_HTTP_BODY,   /* length more bytes are no text */
	PT_HTTP_FILL,  /* all of a body was seen but not in order: ends when the holes are filled */
	PT_HTTP_CLOSE, /* in a body that ends with the connection */
	PT_HTTP_LOST,  /* in a body whose end cannot be told: it ends before the next message */
};

/* What the end of a line is looked at for. */
enum pt_http_rest { PT_REST_ANY, PT_REST_VERSION, PT_REST_CODING, PT_REST_SIZE };

/* How the body is framed, as far as the head has told. */
enum pt_http_framing {
	PT_BODY_NONE,
	PT_BODY_LENGTH,
	PT_BODY_CODED, /* by a transfer coding that is not chunked */
	PT_BODY_CHUNKED,
	PT_BODY_TRAILERS, /* behind the last chunk */
};

struct pt_http_half {
	__u32 next;     /* stream position of the first byte that is not parsed */
	__u32 seen;     /* the highest position at which a segment has ended */
	__u32 run;      /* from here to seen nothing is missing */
	__u32 hole;     /* the first byte that is, if has_holes */
	__u64 start_ns; /* when the first byte of the message came */
	__u64 length;   /* the number so far, then what is left of body or chunk */
	__u64 line[2];  /* the beginning of a line that is cut */
	__u64 tail;     /* the last 8 bytes of a line that is cut further on */
	__u32 head;     /* bytes of the head */
	__u32 begin;    /* stream position of the message */
	__u16 code;     /* enum pt_http_method or status of the message */
	__u8 state;     /* enum pt_http_state */
	__u8 rest;      /* enum pt_http_rest */
	__u8 framing;   /* enum pt_http_framing */
	__u8 gathered;  /* bytes in line */
	__u8 digits;    /* of a number: 0 before, 1 in, 2 behind them */
	__u8 has_holes; /* later bytes of this body came before earlier ones */
};

/* A newline in the window, and the text around it. */
struct pt_http_newline {
	__u64 before;     /* the 8 bytes in front of it */
	__u64 name;       /* the 8 behind it */
	__u64 more;       /* the next 8 */
	__u64 value;      /* the 8 behind LINE_NAME bytes */
	__u32 used;       /* bytes of the window up to and with it */
	__u32 count;      /* bytes in the window */
	__u32 is_crowded; /* there is another one in its word */
	__u32 pad;
};

/* What a step came upon, in this order. It is kept in the connection, because the verifier follows
 * all that is on the stack through every path, but nothing that is in a map. */
struct pt_http_found {
	struct pt_http_newline newline;
	__u8 side;    /* enum pt_http_side, given */
	__u8 method;  /* of the request that a response answers, given */
	__u8 begun;   /* the first bytes of a message; half->code tells which */
	__u8 ended;   /* its last byte */
	__u8 broken;  /* no HTTP/1, or none that can be followed */
	__u8 in_sync; /* it was known where messages begin */
	__u8 pad[2];
};

/* Which messages a direction has. */
enum pt_http_side { PT_SIDE_REQUESTS, PT_SIDE_RESPONSES };

/* Unrolled, a loop is too much for the verifier. */
#ifdef __clang__
#define NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define NO_UNROLL
#endif

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

/* One more character of a number in base 10 or 16. Returns 0 when it cannot be in one. */
static __always_inline int number(struct pt_http_half *half, __u32 c, __u32 base)
{
	__u32 digit = c - '0';

	if (base == 16 && (c | 0x20) - 'a' < 6)
		digit = (c | 0x20) - 'a' + 10;
	else if (digit > 9)
		digit = base;

	if (digit < base) {
		half->length = half->length * base + digit;
		if (half->digits == 2 || half->length >> 56)
			return 0;
		half->digits = 1;
		return 1;
	}
	if (c == ' ' || c == '\t' || c == '\r') {
		half->digits = half->digits ? 2 : 0;
		return 1;
	}
	return 0;
}

/* The newline of a chunk's size. */
static __always_inline void size_end(struct pt_http_half *half)
{
	half->rest = PT_REST_ANY;
	if (half->length) {
		half->length += 2; /* and the newline behind the chunk */
		half->state = PT_HTTP_BODY;
	} else {
		half->framing = PT_BODY_TRAILERS;
		line_begin(half);
	}
}

/* The first byte of the 16 in *text and *more, which move on by it. */
static __always_inline __u32 next_byte(__u64 *text, __u64 *more)
{
	__u32 c = *text & 0xff;

	*text = *text >> 8 | *more << 56;
	*more >>= 8;
	return c;
}

/* In a number's line: Content-Length's value, or the size of a chunk. Returns what was used. */
static __always_inline __u32 scan_number(struct pt_http_half *half, const __u64 *window,
					 struct pt_http_found *found)
{
	__u32 base = half->state == PT_HTTP_SIZE ? 16 : 10, c = 0, i;
	__u64 text = window[0], more = window[1];

	NO_UNROLL
	for (i = 0; i < 16 && i < READ(found->newline.count); i++) {
		forget();
		c = next_byte(&text, &more);
		if (c == '\n' || (c == ';' && base == 16))
			break;
		if (!number(half, c, base)) {
			found->broken = 1;
			return i;
		}
	}
	if (i == 16 || i >= READ(found->newline.count))
		return i;

	if (!half->digits) {
		found->broken = 1;
	} else if (c == ';') { /* extensions follow */
		line_rest(half, PT_REST_SIZE, 0);
	} else if (base == 16) {
		size_end(half);
	} else {
		if (half->framing != PT_BODY_CHUNKED)
			half->framing = PT_BODY_LENGTH;
		line_begin(half);
	}
	return i + 1;
}

/* Content-Length's value, if it is all in these 8 bytes and written as usual. */
static __always_inline int short_length(struct pt_http_half *half, __u64 text)
{
	__u64 digits = (text & 0xff) == ' ' ? text >> 8 : text;
	__u32 count = lowest(non_digits(digits) | 1ull << 63);

	if (!count || (digits >> 8 * count & 0xff) != '\r' || half->framing > PT_BODY_LENGTH)
		return 0;
	half->length = short_number(digits, count);
	half->framing = PT_BODY_LENGTH;
	return 1;
}

/* Goes on in a line that is no plain one, behind LINE_NAME bytes of it. */
static __always_inline void begin_line(struct pt_http_half *half, enum line_kind kind, __u64 before)
{
	line_rest(half, PT_REST_ANY, before);
	if (half->framing == PT_BODY_TRAILERS)
		return;
	if (kind == LINE_CODING) {
		half->rest = PT_REST_CODING;
	} else if (kind == LINE_LENGTH && half->framing < PT_BODY_CODED) {
		half->state = PT_HTTP_LENGTH;
		half->length = 0;
		half->digits = 0;
	}
}

/* Whether a line that begins so has to be looked at. */
static __always_inline int is_special(__u64 name)
{
	__u8 first = name;

	if (first == '\n' || first == '\r')
		return 1;
	name |= PT_LOWER;
	return name == PT_TEXT('c', 'o', 'n', 't', 'e', 'n', 't', '-') ||
	       name == PT_TEXT('t', 'r', 'a', 'n', 's', 'f', 'e', 'r');
}

/* At a newline that has to be looked at: because of the line that it ends, of the line behind it,
 * or because another one is near. Returns whether the step ends there. */
static __always_inline int turn(struct pt_http_half *half, struct pt_http_found *found)
{
	struct pt_http_newline *newline = &found->newline;
	enum line_kind kind;

	if (half->rest == PT_REST_SIZE) {
		size_end(half);
		return 1;
	}
	line_end(half, newline->before, found);
	forget();
	kind = line_kind(newline->name, newline->more, newline->count - newline->used);
	if (kind == LINE_EMPTY) {
		head_end(half, found);
		newline->used += empty_length(newline->name);
		return 1;
	}
	if (kind == LINE_CUT || newline->is_crowded) {
		line_begin(half);
		return 1;
	}
	if (kind == LINE_CODING && half->framing != PT_BODY_TRAILERS) {
		half->rest = PT_REST_CODING;
	} else if (kind == LINE_LENGTH && half->framing < PT_BODY_CODED &&
		   !short_length(half, newline->value)) {
		begin_line(half, kind, 0);
		newline->used += LINE_NAME;
		return 1;
	}
	return 0;
}

/* The last 8 bytes of text of which byte are in high, 0 for all. */
static __always_inline __u64 tail_of(__u64 low, __u64 high, __u32 byte)
{
	return byte ? join(low, high, byte) : high;
}

/* In the rest of a line: on from line to line, to the end of the head or of the window. Returns how
 * many bytes were used. */
static __always_inline __u32 scan_lines(struct pt_http_half *half, __u64 *window,
					struct pt_http_found *found)
{
	struct pt_http_newline *newline = &found->newline;
	const __u64 *at = window;
	__u32 byte, i;

	window[-1] = half->tail;
	NO_UNROLL
	for (i = 0; i < PT_HTTP_WORDS; i += 2, at += 2) {
		__u64 marks, second, name;
		__u32 used, is_crowded;
		const __u64 *word;

		/* read anew each time: for the verifier what it once knew of it makes a path */
		if (8 * i >= READ(newline->count))
			break;
		/* a stack pointer that moves by constants; older verifiers know no other, and that
		 * of 6.18 takes an index added to one for a pointer to the caller's stack */
		asm volatile("" : "+r"(at));
		marks = newlines(at[0]);
		second = newlines(at[1]);
		if (!(marks | second))
			continue;

		used = 8 * i + 1;
		is_crowded = marks && second;
		word = at;
		if (!marks) {
			marks = second;
			used += 8;
			word = at + 1;
		}
		asm volatile("" : "+r"(word));
		byte = lowest(marks);
		used += byte;
		is_crowded |= !!(marks & (marks - 1));
		name = behind(word[0], word[1], byte);
		if (!is_special(name) && !READ(half->rest) && !is_crowded &&
		    used + LINE_NAME <= READ(newline->count))
			continue;

		newline->used = used;
		newline->is_crowded = is_crowded;
		newline->before = join(word[-1], word[0], byte);
		newline->name = name;
		newline->more = behind(word[1], word[2], byte);
		newline->value = join(word[2], word[3], byte);
		forget();
		if (turn(half, found))
			return newline->used;
		forget();
	}
	if (!i)
		return 0;
	byte = READ(newline->count) % 16;
	if (byte && byte <= 8)
		half->tail = tail_of(at[-3], at[-2], byte % 8);
	else
		half->tail = tail_of(at[-2], at[-1], byte % 8);
	return newline->count;
}

/* Adds bytes to the beginning of a line until there are want of them, or it ends. Returns how many
 * were used. */
static __always_inline __u32 gather(struct pt_http_half *half, const __u64 *window, __u32 count,
				    __u32 want, int *ended)
{
	__u64 text = window[0], more = window[1], marks = newlines(text), behind = newlines(more);
	__u32 at = half->gathered & 15, used = want > at ? want - at : 0, length = 17;

	if (marks)
		length = lowest(marks) + 1;
	else if (behind)
		length = lowest(behind) + 9;
	if (used > count)
		used = count;
	*ended = length <= used;
	if (*ended)
		used = length;

	text &= used < 8 ? ~(~0ull << 8 * (used & 7)) : ~0ull;
	more &= used > 8 ? ~(~0ull << 8 * (used & 7)) : 0;
	if (at < 8) {
		half->line[0] |= text << 8 * at;
		half->line[1] |= at ? join(text, more, 8 - at) : more;
	} else {
		half->line[1] |= text << 8 * (at & 7);
	}
	half->gathered = at + used;
	return used;
}

/* The last 8 bytes of those that were gathered. */
static __always_inline __u64 gathered_tail(const struct pt_http_half *half)
{
	if (half->gathered < 8)
		return half->line[0] << 1 << (63 - 8 * (half->gathered & 7));
	return join(half->line[0], half->line[1], half->gathered);
}

/* A message whose first bytes are text. Returns 0 when it is none. */
static __always_inline int message_begin(struct pt_http_half *half, __u64 text, __u64 more,
					 struct pt_http_found *found)
{
	int status;

	half->framing = PT_BODY_NONE;
	half->has_holes = 0;
	half->length = 0;
	half->head = 0;
	if (found->side == PT_SIDE_REQUESTS) {
		if (!may_be_request(text))
			return 0;
		half->code = method_of(text);
		line_rest(half, PT_REST_VERSION, 0);
	} else {
		status = status_of(text, more);
		if (status < 0)
			return 0;
		half->code = status;
		line_rest(half, PT_REST_ANY, 0);
	}
	found->begun = 1;
	return 1;
}

/* The first bytes of a message came in pieces, or are fewer than needed. */
static __always_inline __u32 gather_first(struct pt_http_half *half, const __u64 *window,
					  __u32 count, struct pt_http_found *found)
{
	__u8 first = window[0];
	__u32 used;
	int ended = 0;

	/* RFC 9112, 2.2: an empty line before a request is nothing */
	if (!half->gathered && (first == '\r' || first == '\n'))
		return 1;

	used = gather(half, window, count, PT_HTTP_START, &ended);
	forget();
	if (half->gathered < PT_HTTP_START && !ended)
		return used;
	if (half->gathered < PT_HTTP_START || (ended && found->side == PT_SIDE_REQUESTS) ||
	    !message_begin(half, half->line[0], half->line[1], found)) {
		found->broken = 1;
		return used;
	}
	if (ended)
		line_begin(half);
	else
		half->tail = gathered_tail(half);
	return used;
}

/* The same of a line of the head. */
static __always_inline __u32 gather_line(struct pt_http_half *half, const __u64 *window,
					 __u32 count, struct pt_http_found *found)
{
	enum line_kind kind;
	int ended = 0;
	__u32 used = gather(half, window, count, LINE_NAME, &ended);

	forget();
	kind = line_kind(half->line[0], half->line[1], half->gathered);
	if (kind == LINE_EMPTY) {
		head_end(half, found);
	} else if (ended) {
		line_begin(half);
	} else if (kind != LINE_CUT) {
		begin_line(half, kind, gathered_tail(half));
	}
	return used;
}

/* Takes a step: window has the count bytes at half->next, at least one and at most
 * PT_HTTP_WINDOW, and behind them zeros. */
static __always_inline void step(struct pt_http_half *half, __u64 *window, __u32 count, __u64 now,
				 struct pt_http_found *found)
{
	__u32 used;

	if (half->state == PT_HTTP_FIRST && !half->gathered) {
		half->start_ns = now;
		half->begin = half->next;
		half->line[0] = 0;
		half->line[1] = 0;
	}
	if (half->state == PT_HTTP_FIRST && !half->gathered && count >= PT_HTTP_START)
		message_begin(half, window[0], window[1], found);

	found->newline.count = count;
	forget();
	if (half->state == PT_HTTP_REST)
		used = scan_lines(half, window, found);
	else if (half->state == PT_HTTP_FIRST)
		used = gather_first(half, window, count, found);
	else if (half->state == PT_HTTP_LINE)
		used = gather_line(half, window, count, found);
	else
		used = scan_number(half, window, found);

	forget();
	half->next += used;
	half->head += used;
	if (half->head > PT_HTTP_HEAD_MAX && !is_jumping(half))
		found->broken = 1;
}

#endif
