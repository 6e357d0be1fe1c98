/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One direction of an HTTP/1 connection: its messages, from a window of their text (RFC 9112).
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

#include "bpf/http/framing.h"

#define PT_HTTP_WORDS  32                  /* of a window, and */
#define PT_HTTP_LEAD   1                   /* words in front of it, for its own use */
#define PT_HTTP_MARGIN 3                   /* words behind it, always 0 */
#define PT_HTTP_WINDOW (8 * PT_HTTP_WORDS) /* bytes */

#define PT_HTTP_START    13 /* bytes that tell what a message is: "HTTP/1.1 200 " */
#define PT_HTTP_HEAD_MAX (256 * 1024)

/* Unrolled, a loop is too much for the verifier. */
#ifdef __clang__
#define NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define NO_UNROLL
#endif

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

/* Content-Length's value, if it and its newline are in these 8 bytes, written as usual. */
static __always_inline int short_length(struct pt_http_half *half, __u64 text)
{
	__u64 digits = (text & 0xff) == ' ' ? text >> 8 : text;
	__u32 count = lowest(non_digits(digits) | 1ull << 63);

	if (!count || (digits >> 8 * count & 0xffff) != 0x0a0d || half->framing > PT_BODY_LENGTH)
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
