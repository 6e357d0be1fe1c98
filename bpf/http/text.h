/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The words of HTTP/1 (RFC 9112), eight bytes at a time. Text is a little-endian __u64 with the
 * first byte lowest; nothing here reads memory. */
#ifndef PT_HTTP_TEXT_H
#define PT_HTTP_TEXT_H

#include "bpf/types.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "text is compared as little-endian words"
#endif

#define PT_TEXT(a, b, c, d, e, f, g, h)                                                            \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define PT_FIRST(bytes) (~0ull >> (64 - 8 * (bytes)))
#define PT_LOWER        0x2020202020202020ull

/* 0x80 in each byte that is a newline. */
static __always_inline __u64 newlines(__u64 text)
{
	__u64 x = text ^ 0x0a0a0a0a0a0a0a0aull, low = 0x7f7f7f7f7f7f7f7full;

	return ~(((x & low) + low) | x | low);
}

/* Index of the lowest byte that is marked in what newlines() returned, which is not 0. */
static __always_inline __u32 lowest(__u64 marks)
{
	return ((((marks & -marks) - 1) >> 7 & 0x0101010101010101ull) * 0x0101010101010101ull) >>
	       56;
}

/* Eight bytes from byte at of low on, the rest of them from high. */
static __always_inline __u64 join(__u64 low, __u64 high, __u32 at)
{
	__u32 bits = 8 * (at & 7);

	return low >> bits | high << 1 << (63 - bits);
}

/* Eight bytes from behind byte at of low on. */
static __always_inline __u64 behind(__u64 low, __u64 high, __u32 at)
{
	__u32 bits = 8 * (at & 7);

	return low >> 8 >> bits | high << (56 - bits);
}

/* 0x80 in each byte that is no digit. */
static __always_inline __u64 non_digits(__u64 text)
{
	__u64 x = text ^ 0x3030303030303030ull;

	return (((x & 0x7f7f7f7f7f7f7f7full) + 0x7676767676767676ull) | x) & 0x8080808080808080ull;
}

/* The number that the first digits bytes are, 1 to 7. */
static __always_inline __u32 short_number(__u64 text, __u32 digits)
{
	__u64 x = (text & 0x0f0f0f0f0f0f0f0full) << 8 * (8 - digits);

	x = x * 10 + (x >> 8); /* pairs, then fours, then all eight */
	x = ((x & 0x000000ff000000ffull) * 0x000f424000000064ull +
	     (x >> 16 & 0x000000ff000000ffull) * 0x0000271000000001ull) >>
	    32;
	return x;
}

static __always_inline int is_digit(__u32 c)
{
	return c - '0' < 10;
}

static __always_inline __u8 method_of(__u64 text)
{
	if ((text & PT_FIRST(4)) == PT_TEXT('G', 'E', 'T', ' ', 0, 0, 0, 0))
		return PT_METHOD_GET;
	if ((text & PT_FIRST(5)) == PT_TEXT('P', 'O', 'S', 'T', ' ', 0, 0, 0))
		return PT_METHOD_POST;
	if ((text & PT_FIRST(4)) == PT_TEXT('P', 'U', 'T', ' ', 0, 0, 0, 0))
		return PT_METHOD_PUT;
	if ((text & PT_FIRST(5)) == PT_TEXT('H', 'E', 'A', 'D', ' ', 0, 0, 0))
		return PT_METHOD_HEAD;
	if ((text & PT_FIRST(7)) == PT_TEXT('D', 'E', 'L', 'E', 'T', 'E', ' ', 0))
		return PT_METHOD_DELETE;
	if ((text & PT_FIRST(6)) == PT_TEXT('P', 'A', 'T', 'C', 'H', ' ', 0, 0))
		return PT_METHOD_PATCH;
	if (text == PT_TEXT('O', 'P', 'T', 'I', 'O', 'N', 'S', ' '))
		return PT_METHOD_OPTIONS;
	if (text == PT_TEXT('C', 'O', 'N', 'N', 'E', 'C', 'T', ' '))
		return PT_METHOD_CONNECT;
	if ((text & PT_FIRST(6)) == PT_TEXT('T', 'R', 'A', 'C', 'E', ' ', 0, 0))
		return PT_METHOD_TRACE;

	return PT_METHOD_OTHER;
}

static __always_inline int may_be_response(__u64 text)
{
	return (text & PT_FIRST(7)) == PT_TEXT('H', 'T', 'T', 'P', '/', '1', '.', 0);
}

/* Methods begin with a capital letter; whether this is one tells the end of its line. */
static __always_inline int may_be_request(__u64 text)
{
	__u8 first = text;

	return first >= 'A' && first <= 'Z' && !may_be_response(text);
}

/* The status in the first 13 bytes of a message, "HTTP/1.1 200 "; 0 when it is out of range, -1
 * when this is no status line. */
static __always_inline int status_of(__u64 text, __u64 more)
{
	__u32 hundreds = (more >> 8 & 0xff) - '0', tens = (more >> 16 & 0xff) - '0';
	__u32 ones = (more >> 24 & 0xff) - '0', behind = more >> 32 & 0xff, status;

	if (!may_be_response(text) || !is_digit(text >> 56) || (more & 0xff) != ' ' ||
	    hundreds > 9 || tens > 9 || ones > 9)
		return -1;
	if (behind != ' ' && behind != '\r' && behind != '\n')
		return -1;

	status = hundreds * 100 + tens * 10 + ones;
	return status >= 100 && status <= 599 ? status : 0;
}

/* The 7 bytes of text before its line's end; before is the 8 bytes in front of the newline. */
static __always_inline __u64 line_tail(__u64 before)
{
	return before >> 56 == '\r' ? before & PT_FIRST(7) : before >> 8;
}

/* Whether a line ends as a request line does: HTTP/1. and a digit. */
static __always_inline int ends_with_version(__u64 before)
{
	__u64 tail = line_tail(before);

	return (tail & PT_FIRST(6)) == PT_TEXT('T', 'T', 'P', '/', '1', '.', 0, 0) &&
	       is_digit(tail >> 48);
}

/* Whether the last transfer coding of a line is the one that frames the body. */
static __always_inline int ends_with_chunked(__u64 before)
{
	return ((line_tail(before) | PT_LOWER) & PT_FIRST(7)) ==
	       PT_TEXT('c', 'h', 'u', 'n', 'k', 'e', 'd', 0);
}

enum line_kind { LINE_CUT, LINE_EMPTY, LINE_LENGTH, LINE_CODING, LINE_OTHER };

#define LINE_NAME 15 /* bytes that tell them apart: all of "content-length:" */

/* What a line is that begins with these bytes, of which left are there. LINE_CUT: more are needed.
 */
static __always_inline enum line_kind line_kind(__u64 text, __u64 more, __u32 left)
{
	__u8 first = text, second = text >> 8;

	if (left && first == '\n')
		return LINE_EMPTY;
	if (left > 1 && first == '\r' && second == '\n')
		return LINE_EMPTY;
	if (left > 1 && first == '\r')
		return LINE_OTHER;
	if (!left || first == '\r')
		return LINE_CUT;

	first |= 0x20;
	if (first != 'c' && first != 't')
		return LINE_OTHER;
	if (left < LINE_NAME)
		return LINE_CUT;

	text |= PT_LOWER;
	more = (more | PT_LOWER) & PT_FIRST(7);
	if (text == PT_TEXT('c', 'o', 'n', 't', 'e', 'n', 't', '-') &&
	    more == PT_TEXT('l', 'e', 'n', 'g', 't', 'h', ':', 0))
		return LINE_LENGTH;
	if (text == PT_TEXT('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') &&
	    more == PT_TEXT('-', 'e', 'n', 'c', 'o', 'd', 'i', 0))
		return LINE_CODING;

	return LINE_OTHER;
}

/* Bytes of an empty line. */
static __always_inline __u32 empty_length(__u64 text)
{
	return (__u8)text == '\r' ? 2 : 1;
}

#endif
