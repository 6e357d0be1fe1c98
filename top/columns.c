// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The numbers that are shown of a pod: what they are called, how they are written, their order. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cni/text.h"
#include "top/columns.h"

void pt_top_write_number(double value, char text[PT_TOP_CELL_MAX])
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	if (isnan(value)) {
		strcpy(text, "-");
		return;
	}
	if (value > 0 && value < 0.05) {
		strcpy(text, "<0.1");
		return;
	}
	while (value >= (unit ? 999.5 : 99999.5) && unit < sizeof(units) - 2) {
		value /= 1000;
		unit++;
	}
	snprintf(text, PT_TOP_CELL_MAX, "%.*f%.*s", value > 0 && value < 99.95 ? 1 : 0, value,
		 unit ? 1 : 0, &units[unit]);
}

void pt_top_write_time(double seconds, char text[PT_TOP_CELL_MAX])
{
	const double ms = seconds * 1000;

	if (isnan(seconds))
		strcpy(text, "-");
	else if (seconds >= pt_top_bounds[PT_BUCKET_COUNT - 2])
		snprintf(text, PT_TOP_CELL_MAX, ">=%.0fs", pt_top_bounds[PT_BUCKET_COUNT - 2]);
	else if (ms >= 999.5)
		snprintf(text, PT_TOP_CELL_MAX, "%.2fs", seconds);
	else
		snprintf(text, PT_TOP_CELL_MAX, "%.*fms", ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
}

void pt_top_write_percent(double share, char text[PT_TOP_CELL_MAX])
{
	const double percent = share * 100;

	if (isnan(share))
		strcpy(text, "-");
	else if (percent > 0 && percent < 0.005)
		strcpy(text, "<0.01");
	else if (percent > 99.9 && percent < 100)
		strcpy(text, ">99.9");
	else
		snprintf(text, PT_TOP_CELL_MAX, "%.*f",
			 !percent || percent >= 100 ? 0
			 : percent < 9.995          ? 2
						    : 1,
			 percent);
}

double pt_top_rate(const struct pt_top_row *row, __u64 grown)
{
	return row->seconds ? (double)grown / row->seconds : NAN;
}

static double share(__u64 part, __u64 all)
{
	return all ? (double)part / (double)all : NAN;
}

static double requests(const struct pt_top_row *row)
{
	return pt_top_rate(row, pt_top_requests(&row->grown, PT_SERVER));
}

static double errors(const struct pt_top_row *row)
{
	return share(pt_top_errors(&row->grown, PT_SERVER),
		     pt_top_requests(&row->grown, PT_SERVER));
}

static double p50(const struct pt_top_row *row)
{
	return pt_top_quantile(&row->grown.duration[PT_SERVER], 0.5);
}

static double p99(const struct pt_top_row *row)
{
	return pt_top_quantile(&row->grown.duration[PT_SERVER], 0.99);
}

static double queue(const struct pt_top_row *row)
{
	return pt_top_quantile(&row->grown.queue, 0.99);
}

static double retransmits(const struct pt_top_row *row)
{
	return pt_top_rate(row, pt_top_retransmits(&row->grown.retransmits));
}

static double receive(const struct pt_top_row *row)
{
	return pt_top_rate(row, row->grown.receive_bytes);
}

static double transmit(const struct pt_top_row *row)
{
	return pt_top_rate(row, row->grown.transmit_bytes);
}

static double calls(const struct pt_top_row *row)
{
	return pt_top_rate(row, pt_top_requests(&row->grown, PT_CLIENT));
}

static double call_errors(const struct pt_top_row *row)
{
	return share(pt_top_errors(&row->grown, PT_CLIENT),
		     pt_top_requests(&row->grown, PT_CLIENT));
}

static double call_p50(const struct pt_top_row *row)
{
	return pt_top_quantile(&row->grown.duration[PT_CLIENT], 0.5);
}

static double call_p99(const struct pt_top_row *row)
{
	return pt_top_quantile(&row->grown.duration[PT_CLIENT], 0.99);
}

const struct pt_top_column pt_top_columns[] = {
	{ "requests", "requests_per_second", "REQ/S", "requests a second that it answers", requests,
	  pt_top_write_number, 6 },
	{ "errors", "error_ratio", "ERR%", "of these, answered 5xx or not to the end", errors,
	  pt_top_write_percent, 5 },
	{ "p50", "p50_seconds", "P50", "half of the answers are complete in this time", p50,
	  pt_top_write_time, 6 },
	{ "p99", "p99_seconds", "P99", "99 of 100 answers are", p99, pt_top_write_time, 6 },
	{ "queue", "queue_p99_seconds", "QUEUE", "99 of 100 requests are read by then", queue,
	  pt_top_write_time, 6 },
	{ "retransmits", "retransmits_per_second", "RETR/S",
	  "TCP segments a second that it sent again", retransmits, pt_top_write_number, 6 },
	{ "rx", "receive_bytes_per_second", "RX B/S", "bytes a second that it receives", receive,
	  pt_top_write_number, 6 },
	{ "tx", "transmit_bytes_per_second", "TX B/S", "bytes a second that it sends", transmit,
	  pt_top_write_number, 6 },
	{ "calls", "calls_per_second", "OUT/S", "requests a second that it makes", calls,
	  pt_top_write_number, 6 },
	{ "call-errors", "call_error_ratio", "OERR%", "of these, answered 5xx or not to the end",
	  call_errors, pt_top_write_percent, 5 },
	{ "call-p50", "call_p50_seconds", "OP50", "half of their answers are complete by then",
	  call_p50, pt_top_write_time, 6 },
	{ "call-p99", "call_p99_seconds", "OP99", "99 of 100 of their answers are", call_p99,
	  pt_top_write_time, 6 },
};

const int pt_top_column_count = sizeof(pt_top_columns) / sizeof(*pt_top_columns);

int pt_top_column_find(const char *name)
{
	if (!strcmp(name, "pod"))
		return PT_TOP_BY_NAME;
	for (int i = 0; i < pt_top_column_count; i++)
		if (!strcmp(name, pt_top_columns[i].name))
			return i;
	return -EINVAL;
}

void pt_top_name(const struct pt_pod *pod, char text[PT_TOP_NAME_MAX])
{
	char raw[PT_TOP_NAME_MAX];

	snprintf(raw, sizeof(raw), "%s/%s", pod->namespace, pod->name);
	pt_text_clean(text, PT_TOP_NAME_MAX, raw);
}

bool pt_top_matches(const struct pt_pod *pod, const char *filter)
{
	char name[PT_TOP_NAME_MAX];

	pt_top_name(pod, name);
	return strcasestr(name, filter);
}

void pt_top_rows_filter(struct pt_top_rows *rows, const char *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (pt_top_matches(&rows->rows[i].record->pod, filter))
			rows->rows[kept++] = rows->rows[i];
	rows->count = kept;
}

struct order {
	int column;
	bool reverse;
};

static int by_name(const struct pt_top_row *a, const struct pt_top_row *b)
{
	const struct pt_pod *x = &a->record->pod, *y = &b->record->pod;
	int order = strcmp(x->namespace, y->namespace);

	if (!order)
		order = strcmp(x->name, y->name);
	return order ? order : (a->record->id > b->record->id) - (a->record->id < b->record->id);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	double x, y;

	if (order->column == PT_TOP_BY_NAME)
		return order->reverse ? by_name(b, a) : by_name(a, b);
	x = pt_top_columns[order->column].value(a);
	y = pt_top_columns[order->column].value(b);
	if (isnan(x) || isnan(y))
		return isnan(x) != isnan(y) ? isnan(x) - isnan(y) : by_name(a, b);
	if (x == y)
		return by_name(a, b);
	return (x < y) != order->reverse ? 1 : -1;
}

void pt_top_rows_sort(struct pt_top_rows *rows, int column, bool reverse)
{
	struct order order = { column, reverse };

	qsort_r(rows->rows, rows->count, sizeof(*rows->rows), compare, &order);
}
