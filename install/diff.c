// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What an edit would change, for people to read. */
#include <stdio.h>
#include <string.h>

#include "install/diff.h"

#define CONTEXT 3

static const char *line_end(const char *text)
{
	const char *newline = strchr(text, '\n');

	return newline ? newline + 1 : text + strlen(text);
}

static size_t count_lines(const char *text, const char *end)
{
	size_t count = 0;

	for (; text < end; text = line_end(text))
		count++;
	return count;
}

static const char *skip_lines(const char *text, size_t count)
{
	while (count--)
		text = line_end(text);
	return text;
}

static void print_lines(char mark, const char *text, size_t count)
{
	for (; count; count--) {
		const char *end = line_end(text);

		printf("%c%.*s", mark, (int)(end - text), text);
		if (end[-1] != '\n')
			printf("\n\\ No newline at end of file\n");
		text = end;
	}
}

static void print_range(const char *mark, size_t first, size_t count)
{
	printf(" %s%zu,%zu", mark, count ? first + 1 : first, count);
}

/* How many lines the two have in common at their beginning. */
static size_t same_head(const char *a, const char *b)
{
	size_t same = 0;

	while (*a && *b) {
		const char *a_end = line_end(a), *b_end = line_end(b);

		if (a_end - a != b_end - b || memcmp(a, b, a_end - a))
			break;
		a = a_end;
		b = b_end;
		same++;
	}
	return same;
}

/* The same at their end, of what is left behind the head. */
static size_t same_tail(const char *a, size_t a_lines, const char *b, size_t b_lines, size_t head)
{
	size_t most = (a_lines < b_lines ? a_lines : b_lines) - head, same;

	for (same = most; same; same--)
		if (!strcmp(skip_lines(a, a_lines - same), skip_lines(b, b_lines - same)))
			break;
	return same;
}

void pt_diff_print(const char *path, const char *before, const char *after)
{
	const char *a = before ? before : "", *b = after ? after : "";
	size_t a_lines = count_lines(a, a + strlen(a)), b_lines = count_lines(b, b + strlen(b));
	size_t head = same_head(a, b), tail = same_tail(a, a_lines, b, b_lines, head);
	size_t above = head < CONTEXT ? head : CONTEXT, below = tail < CONTEXT ? tail : CONTEXT;
	size_t removed = a_lines - head - tail, added = b_lines - head - tail;

	printf("--- %s\n+++ %s\n@@", before ? path : "/dev/null", after ? path : "/dev/null");
	print_range("-", head - above, above + removed + below);
	print_range("+", head - above, above + added + below);
	printf(" @@\n");
	print_lines(' ', skip_lines(a, head - above), above);
	print_lines('-', skip_lines(a, head), removed);
	print_lines('+', skip_lines(b, head), added);
	print_lines(' ', skip_lines(a, a_lines - tail), below);
}
