// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Write metrics as Prometheus text 0.0.4 or OpenMetrics 1.0.0 straight into an evbuffer. */
#include "agent/exposition.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT 0xfffd

#define NUMBER_MAX 32 /* seconds: 11 digits, a point, 9 digits */

/* What follows le=" in a bucket's line.
 *
 * A whole number is 1.0 in both formats. OpenMetrics demands it, Prometheus 3 makes 1.0 of 1 when
 * it reads either format, Prometheus 2 asks for OpenMetrics, and Python's client library writes it
 * in the older text as well; Go's writes 1 there. So a query finds le="1.0" whatever was scraped.
 */
static const struct {
	const char *text;
	size_t len;
} bounds[PT_BUCKET_COUNT] = {
#define X(ns, le) { le "\"} ", sizeof(le "\"} ") - 1 },
	PT_BUCKETS(X)
#undef X
		{ "+Inf\"} ", sizeof("+Inf\"} ") - 1 },
};

static void flush(struct pt_page *page)
{
	evbuffer_add(page->out, page->text, page->len);
	page->len = 0;
}

/* At most PT_LABELS_MAX of them, which is less than text holds. */
static void put_bytes(struct pt_page *page, const char *bytes, size_t len)
{
	if (page->len + len > sizeof(page->text))
		flush(page);
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
	static const char *const types[] = {
		[PT_COUNTER] = "counter\n",
		[PT_GAUGE] = "gauge\n",
		[PT_HISTOGRAM] = "histogram\n",
	};

	page->family = family;
	pt_page_drop_labels(page);

	put_meta(page, "# HELP ");
	put_help(page, family->help);
	put(page, "\n");
	put_meta(page, "# TYPE ");
	put(page, types[family->type]);
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

static bool is_plain(unsigned char byte)
{
	return byte < 0x80 && byte != '\n' && byte != '\\' && byte != '"';
}

/* Takes at most three times the room. Returns where it ends. */
static char *escape(char *to, const char *value, const char *end)
{
	const char *start;
	uint32_t point;

	while (value < end) {
		if (is_plain(*value)) {
			*to++ = *value++;
			continue;
		}
		start = value;
		point = pt_utf8_next(&value, end);
		if (point == '\n')
			to = stpcpy(to, "\\n");
		else if (point == '\\')
			to = stpcpy(to, "\\\\");
		else if (point == '"')
			to = stpcpy(to, "\\\"");
		else if (point == REPLACEMENT)
			to = stpcpy(to, "\xef\xbf\xbd");
		else
			to = mempcpy(to, start, value - start);
	}
	return to;
}

void pt_page_label(struct pt_page *page, const char *name, const char *value, size_t size)
{
	char *to = page->labels + page->labels_len;

	size = strnlen(value, size);
	if (strlen(name) + 3 * size + sizeof(",=\"\"") > sizeof(page->labels) - page->labels_len)
		return;

	if (page->labels_len)
		*to++ = ',';
	to = stpcpy(stpcpy(to, name), "=\"");
	to = escape(to, value, value + size);
	*to++ = '"';
	page->labels_len = to - page->labels;
}

void pt_page_keep_labels(struct pt_page *page)
{
	page->kept = page->labels_len;
}

void pt_page_drop_labels(struct pt_page *page)
{
	page->kept = page->labels_len = 0;
}

/* Return where the number ends. */
static char *write_count(char *to, uint64_t value)
{
	char digits[20], *first = digits + sizeof(digits);

	do {
		*--first = '0' + value % 10;
		value /= 10;
	} while (value);
	return mempcpy(to, first, digits + sizeof(digits) - first);
}

/* Integers only, so that no nanosecond is rounded away. */
static char *write_seconds(char *to, uint64_t ns)
{
	uint32_t fraction = ns % 1000000000;

	to = write_count(to, ns / 1000000000);
	if (!fraction)
		return to;
	*to++ = '.';
	for (uint32_t digit = 100000000; fraction; digit /= 10) {
		*to++ = '0' + fraction / digit;
		fraction %= digit;
	}
	return to;
}

/* The name and the labels, up to the value. */
static void begin_sample(struct pt_page *page, const char *suffix)
{
	put_name(page);
	put(page, suffix);
	if (page->labels_len) {
		put(page, "{");
		put_bytes(page, page->labels, page->labels_len);
		put(page, "}");
	}
	put(page, " ");
}

static void end_line(struct pt_page *page, char *number, char *end)
{
	*end++ = '\n';
	put_bytes(page, number, end - number);
}

void pt_page_count(struct pt_page *page, uint64_t value)
{
	char number[NUMBER_MAX];

	begin_sample(page, "");
	end_line(page, number, write_count(number, value));
	page->labels_len = page->kept;
}

void pt_page_seconds(struct pt_page *page, uint64_t ns)
{
	char number[NUMBER_MAX];

	begin_sample(page, "");
	end_line(page, number, write_seconds(number, ns));
	page->labels_len = page->kept;
}

/* All that the lines of a histogram's buckets begin with. Returns its length. */
static size_t write_prefix(const struct pt_page *page, char *prefix)
{
	char *to = stpcpy(stpcpy(prefix, page->family->name), "_bucket{");

	if (page->labels_len) {
		to = mempcpy(to, page->labels, page->labels_len);
		*to++ = ',';
	}
	return stpcpy(to, "le=\"") - prefix;
}

/* These lines are nearly all of a page. */
static uint64_t put_buckets(struct pt_page *page, const struct pt_histogram *histogram)
{
	char prefix[PT_NAME_MAX + PT_LABELS_MAX + sizeof("_bucket{,le=\"")];
	const size_t len = write_prefix(page, prefix);
	uint64_t count = 0;
	char *to;

	for (int i = 0; i < PT_BUCKET_COUNT; i++) {
		if (page->len + len + 2 * NUMBER_MAX > sizeof(page->text))
			flush(page);
		to = mempcpy(page->text + page->len, prefix, len);
		to = mempcpy(to, bounds[i].text, bounds[i].len);
		count += histogram->bucket[i];
		to = write_count(to, count);
		*to++ = '\n';
		page->len = to - page->text;
	}
	return count;
}

void pt_page_histogram(struct pt_page *page, const struct pt_histogram *histogram)
{
	const uint64_t count = put_buckets(page, histogram);
	char number[NUMBER_MAX];

	begin_sample(page, "_sum");
	end_line(page, number, write_seconds(number, histogram->sum_ns));
	begin_sample(page, "_count");
	end_line(page, number, write_count(number, count));
	page->labels_len = page->kept;
}

void pt_page_end(struct pt_page *page)
{
	if (page->format == PT_OPENMETRICS)
		put(page, "# EOF\n");
	flush(page);
}
