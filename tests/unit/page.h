/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the tests of the agent's page share: pods to put on it, and the page as a string. */
#ifndef TESTS_UNIT_PAGE_H
#define TESTS_UNIT_PAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/metrics.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static struct pt_gave_up page_gave_up[PT_REASON_COUNT];
static struct pt_cni_operations page_operations[PT_COMMAND_COUNT];
static struct pt_datapath_info page_info = { .version = "0.1.0",
					     .socket_tag = "yes",
					     .http = "no" };
static const struct pt_datapath page_loaded = { .info = &page_info,
						.gave_up = page_gave_up,
						.operations = page_operations };

/* Takes what is in out as a string, for the caller to free. */
static inline char *take(struct evbuffer *out)
{
	size_t len = evbuffer_get_length(out);
	char *text = malloc(len + 1);

	assert_non_null(text);
	evbuffer_remove(out, text, len);
	text[len] = '\0';
	evbuffer_free(out);
	return text;
}

static inline char *page_of(enum pt_format format, const struct pt_metrics *metrics)
{
	struct evbuffer *out = evbuffer_new();

	assert_int_equal(pt_metrics_write(out, format, metrics), 0);
	return take(out);
}

static inline char *page_of_pods(struct pt_pod_record *pods, size_t count)
{
	const struct pt_snapshot snapshot = { pods, count };
	const struct pt_metrics metrics = { .dp = &page_loaded, .pods = &snapshot };

	return page_of(PT_TEXT, &metrics);
}

static inline struct pt_pod_record pod(__u64 id, const char *namespace, const char *name)
{
	struct pt_pod_record record = { .id = id, .attached = true };

	snprintf(record.pod.namespace, sizeof(record.pod.namespace), "%s", namespace);
	snprintf(record.pod.name, sizeof(record.pod.name), "%s", name);
	return record;
}

static inline int count(const char *text, const char *needle)
{
	int n = 0;

	while ((text = strstr(text, needle))) {
		text += strlen(needle);
		n++;
	}
	return n;
}

#define assert_has(page, line) assert_int_equal(count(page, line "\n"), 1)

#endif
