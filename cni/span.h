/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a value stands in a JSON text, so that it can be passed on byte for byte. */
#ifndef PT_SPAN_H
#define PT_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct pt_span {
	const char *text;
	size_t size;
};

/* Finds the value of a top-level key; of duplicates the last one, as jansson and Go take it. The
 * text must have been accepted by a JSON parser: here it is only walked. With any other text the
 * answer is meaningless, but lies inside it. */
bool pt_span_find(const char *text, size_t size, const char *key, struct pt_span *ret);

/* Finds an element of the array that the text is, under the same condition. */
bool pt_span_element(const char *text, size_t size, size_t index, struct pt_span *ret);

#endif
