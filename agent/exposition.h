/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Write metrics as Prometheus text 0.0.4 or OpenMetrics 1.0.0 straight into an evbuffer.
 *
 *	struct pt_page page = { .out = out, .format = PT_OPENMETRICS };
 *	pt_page_family(&page, &pods_seen);
 *	pt_page_label(&page, "namespace", "shop", 4);
 *	pt_page_count(&page, 17);
 *	pt_page_end(&page);
 *
 * All samples of a family follow its pt_page_family(), and labels come before their value. Nothing
 * is allocated but by the evbuffer.
 */
#ifndef PT_AGENT_EXPOSITION_H
#define PT_AGENT_EXPOSITION_H

#include <event2/buffer.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/types.h"

enum pt_format { PT_TEXT, PT_OPENMETRICS };

#define PT_NAME_MAX 64

struct pt_family {
	const char *name; /* of a counter: without _total; shorter than PT_NAME_MAX */
	enum { PT_COUNTER, PT_GAUGE, PT_HISTOGRAM } type;
	const char *unit; /* the name's ending, or NULL */
	const char *help;
};

/* What a sample's labels may take as they are shown, each byte of a value counted three times: no
 * escape is longer. A label that might not fit is left out. */
#define PT_LABELS_MAX 2048

struct pt_page {
	struct evbuffer *out;
	enum pt_format format;
	const struct pt_family *family;
	size_t kept;       /* of labels: what the next samples begin with */
	size_t labels_len; /* of labels: what the sample has so far */
	size_t len;        /* of text, which is what out has not got yet */
	char labels[PT_LABELS_MAX];
	char text[8192];
};

void pt_page_family(struct pt_page *page, const struct pt_family *family);

/* One label of the next sample. The value is escaped, and what is not UTF-8 in it becomes U+FFFD.
 * It ends at size bytes or at a NUL. */
void pt_page_label(struct pt_page *page, const char *name, const char *value, size_t size);

/* The labels so far are those of all samples that follow, until they are dropped or another family
 * begins. So they are escaped once. */
void pt_page_keep_labels(struct pt_page *page);
void pt_page_drop_labels(struct pt_page *page);

/* The sample's value, which ends it. */
void pt_page_count(struct pt_page *page, uint64_t value);
void pt_page_seconds(struct pt_page *page, uint64_t ns);

/* The same of a PT_HISTOGRAM: a sample for each bucket, the sum in seconds, and the count, which is
 * the buckets' own sum. */
void pt_page_histogram(struct pt_page *page, const struct pt_histogram *histogram);

/* Ends the page and hands the rest to out. */
void pt_page_end(struct pt_page *page);

/* Reads one code point, U+FFFD for a byte that begins none, and moves *text past it. text < end. */
uint32_t pt_utf8_next(const char **text, const char *end);

#endif
