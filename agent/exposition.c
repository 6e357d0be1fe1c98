// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Write metrics as Prometheus text 0.0.4 or OpenMetrics 1.0.0 straight into an evbuffer. */
#include "agent/exposition.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT 0xfffd

static void flush(struct pt_page *page)
{
	evbuffer_add(page->out, page->text, page->len);
	page->len = 0;
}

static void put_bytes(struct pt_page *page, const char *bytes, size_t len)
{
	if (page->len + len > sizeof(page->text))
		flush(page);
	if (len > sizeof(page->text)) {
		evbuffer_add(page->out, bytes, len);
		return;
	}

	memcpy(page->text + page->len, bytes, len);
	page->len += len;
}

static void put(struct pt_page *page, const char *text)
{
	put_bytes(page, text, strlen(text));
}

/* OpenMetrics escapes quotes in HELP too; in the older text a backslash there would be shown. */
static void put_help(struct pt_page *page, const char *help)
{
	for (; *help; help++) {
		if (*help == '\n')
			put(page, "\\n");
		else if (*help == '\\')
			put(page, "\\\\");
		else if (*help == '"' && page->format == PT_OPENMETRICS)
			put(page, "\\\"");
		else
			put_bytes(page, help, 1);
	}
}

static void put_name(struct pt_page *page)
{
	put(page, page->family->name);
	if (page->family->type == PT_COUNTER)
		put(page, "_total");
}

/* `# HELP name `: OpenMetrics names the family, the older text names the samples. */
static void put_meta(struct pt_page *page, const char *keyword)
{
	put(page, keyword);
	if (page->format == PT_OPENMETRICS)
		put(page, page->family->name);
	else
		put_name(page);
	put(page, " ");
}

void pt_page_family(struct pt_page *page, const struct pt_family *family)
{
	page->family = family;
	page->labels = 0;

	put_meta(page, "# HELP ");
	put_help(page, family->help);
	put(page, "\n");
	put_meta(page, "# TYPE ");
	put(page, family->type == PT_COUNTER ? "counter\n" : "gauge\n");
	if (family->unit && page->format == PT_OPENMETRICS) {
		put_meta(page, "# UNIT ");
		put(page, family->unit);
		put(page, "\n");
	}
}

/* How many continuation bytes follow this first byte, and the least code point that needs them:
 * anything less is an overlong form, which other readers may refuse. */
static int utf8_more(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
	if (first < 0x80) {
		*ret_bits = first;
		*ret_least = 0;
		return 0;
	}
	if ((first & 0xe0) == 0xc0) {
		*ret_bits = first & 0x1f;
		*ret_least = 0x80;
		return 1;
	}
	if ((first & 0xf0) == 0xe0) {
		*ret_bits = first & 0x0f;
		*ret_least = 0x800;
		return 2;
	}
	if ((first & 0xf8) == 0xf0) {
		*ret_bits = first & 0x07;
		*ret_least = 0x10000;
		return 3;
	}
	return -1;
}

uint32_t pt_utf8_next(const char **text, const char *end)
{
	uint32_t point = 0, least = 0;
	const char *p = *text;
	int more;

	more = utf8_more(*p++, &point, &least);
	*text = p; /* past one byte only, unless what follows is good */
	if (more < 0 || end - p < more)
		return REPLACEMENT;

	for (int i = 0; i < more; i++, p++) {
		if ((*p & 0xc0) != 0x80)
			return REPLACEMENT;
		point = point << 6 | (*p & 0x3f);
	}
	if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return REPLACEMENT;

	*text = p;
	return point;
}

static void put_value(struct pt_page *page, const char *value, size_t size)
{
	const char *end = value + size, *start;
	uint32_t point;

	while (value < end) {
		start = value;
		point = pt_utf8_next(&value, end);
		if (point == '\n')
			put(page, "\\n");
		else if (point == '\\')
			put(page, "\\\\");
		else if (point == '"')
			put(page, "\\\"");
		else if (point == REPLACEMENT)
			put(page, "\xef\xbf\xbd");
		else
			put_bytes(page, start, value - start);
	}
}

void pt_page_label(struct pt_page *page, const char *name, const char *value, size_t size)
{
	if (!page->labels)
		put_name(page);
	put(page, page->labels++ ? "," : "{");
	put(page, name);
	put(page, "=\"");
	put_value(page, value, strnlen(value, size));
	put(page, "\"");
}

static void end_sample(struct pt_page *page, const char *value)
{
	if (page->labels)
		put(page, "} ");
	else {
		put_name(page);
		put(page, " ");
	}
	put(page, value);
	put(page, "\n");
	page->labels = 0;
}

void pt_page_count(struct pt_page *page, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	end_sample(page, text);
}

void pt_page_seconds(struct pt_page *page, uint64_t ns)
{
	char text[32];
	int len;

	/* integers only, so that no nanosecond is rounded away */
	len = snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, ns / 1000000000,
		       ns % 1000000000);
	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	text[len] = '\0';
	end_sample(page, text);
}

void pt_page_end(struct pt_page *page)
{
	if (page->format == PT_OPENMETRICS)
		put(page, "# EOF\n");
	flush(page);
}
