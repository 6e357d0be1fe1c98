// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The metrics of pods' HTTP. Their HELP says which instants are measured. */
#include <stddef.h>

#include "agent/families.h"

/* One of the histograms that each series has, by its offset in the latency. */
static void write_series(struct pt_page *page, const struct pt_family *family,
			 const struct pt_shown *shown, size_t offset)
{
	char status[PT_HTTP_STATUS_MAX];

	pt_page_family(page, family);
	for (size_t i = 0; i < shown->count; i++) {
		const struct pt_pod_record *record = shown->pods[i];

		if (record->series_count)
			pt_label_pod(page, &record->pod);
		for (size_t k = 0; k < record->series_count; k++) {
			const struct pt_http_series *series = &record->series[k];
			const char *latency = (const char *)&series->latency;

			pt_http_status(series->key.status, status);
			WORD(page, "role", pt_http_roles[series->key.role]);
			WORD(page, "method", pt_http_methods[series->key.method]);
			WORD(page, "status", status);
			WORD(page, "tls", series->key.tls ? "true" : "false");
			pt_page_histogram(page, (const struct pt_histogram *)(latency + offset));
		}
	}
}

static void write_latency(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family duration = {
		"http_request_duration_seconds", PT_HISTOGRAM, "seconds",
		"Time from an HTTP request's first byte to its response's last byte, both at the "
		"pod's TCP socket. Role server: from the byte's arrival, so that waiting in the "
		"accept queue and in the receive buffer is in it, until the last byte is sent for "
		"the first time. Role client: from the byte's being sent until the last byte "
		"arrives. With tls both are at the calls of the TLS library. Status 2xx and its "
		"like: the pod had too many series for each status to "
		"have its own."
	};
	static const struct pt_family start = {
		"http_response_start_seconds", PT_HISTOGRAM, "seconds",
		"Time from an HTTP request's first byte to its final response's first byte, of the "
		"requests and from the instants of http_request_duration_seconds. A server's ends "
		"when the byte is sent for the first time, a client's when it arrives."
	};

	write_series(page, &duration, shown, offsetof(struct pt_http_latency, duration));
	write_series(page, &start, shown, offsetof(struct pt_http_latency, start));
}

static void write_queue(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"http_request_queue_seconds", PT_HISTOGRAM, "seconds",
		"Time from the arrival of an HTTP request's first byte at the pod's server socket "
		"until the application first read of the request: its waiting in the accept queue "
		"and in the receive buffer. It is a part of http_request_duration_seconds."
	};

	pt_page_family(page, &family);
	for (size_t i = 0; i < shown->count; i++) {
		pt_label_pod(page, &shown->pods[i]->pod);
		pt_page_histogram(page, &shown->pods[i]->http.queue);
	}
}

static void write_aborted(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"http_requests_aborted", PT_COUNTER, NULL,
		"HTTP requests whose response never ended, by the side that closed or reset the "
		"connection. They are in no histogram of latency."
	};

	pt_page_family(page, &family);
	for (size_t i = 0; i < shown->count; i++) {
		pt_label_pod(page, &shown->pods[i]->pod);
		for (int role = 0; role < PT_ROLE_COUNT; role++) {
			for (int by = 0; by < PT_BY_COUNT; by++) {
				WORD(page, "role", pt_http_roles[role]);
				WORD(page, "by", pt_http_sides[by]);
				pt_page_count(page, shown->pods[i]->http.aborted[role][by]);
			}
		}
	}
}

static void write_overflow(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"http_responses_overflow", PT_COUNTER, NULL,
		"HTTP responses that are counted by class of status, as 2xx, because the pod has "
		"used up its " PT_STRINGIFY(PT_HTTP_BUDGET) " series of role, method and status."
	};

	pt_write_counter(page, &family, shown, offsetof(struct pt_pod_record, http.overflow));
}

static void write_lost(struct pt_page *page, const __u64 *lost)
{
	static const struct pt_family family = {
		"podtag_http_lost", PT_COUNTER, NULL,
		"HTTP requests that are in no histogram because what became of them cannot be "
		"known for certain, by reason."
	};

	pt_page_family(page, &family);
	for (int reason = 0; reason < PT_LOST_COUNT; reason++) {
		WORD(page, "reason", pt_http_lost_reasons[reason]);
		pt_page_count(page, lost[reason]);
	}
}

void pt_write_http(struct pt_page *page, const struct pt_shown *shown, const __u64 *lost)
{
	write_latency(page, shown);
	write_queue(page, shown);
	write_aborted(page, shown);
	write_overflow(page, shown);
	write_lost(page, lost);
}
