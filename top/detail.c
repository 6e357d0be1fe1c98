// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One pod: who it is, its histograms drawn in text, its statuses, retransmits and packets. */
#include <string.h>

#include "cni/text.h"
#include "top/view.h"

/* The lines of a page, of which a part is on the screen. */
struct lines {
	struct pt_screen *screen;
	int count;
	int first;
	int top;
	int bottom;
};

/* The screen's row of the next line; outside when the line is not on it. */
static int next(struct lines *lines)
{
	const int row = lines->top + lines->count++ - lines->first;

	return row >= lines->top && row < lines->bottom ? row : -1;
}

static void who(struct lines *lines, const struct pt_top_row *row)
{
	const struct pt_pod *pod = &row->record->pod;
	char name[PT_TOP_NAME_MAX], reason[sizeof(row->record->reason)];
	struct pt_screen *screen = lines->screen;
	int line = next(lines), at;

	pt_top_name(pod, name);
	pt_text_clean(reason, sizeof(reason), row->record->reason);
	at = pt_screen_put(screen, line, 0, PT_TOP_NAME_MAX, PT_BOLD, name);
	if (pod->deleted_ns)
		pt_screen_put(screen, line, at, 80, PT_YELLOW, "  ended");
	else if (!row->record->attached)
		pt_screen_print(screen, line, at, PT_YELLOW, "  traffic is not counted: %s",
				*reason ? reason : "no interface");
	line = next(lines);
	at = pt_screen_print(screen, line, 0, PT_PLAIN, "%s", pod->ipv4);
	if (*pod->ipv6)
		at = pt_screen_print(screen, line, at, PT_PLAIN, "%s%s", at ? "  " : "", pod->ipv6);
	if (*pod->node_interface)
		at = pt_screen_print(screen, line, at, PT_PLAIN, "  %s", pod->node_interface);
	if (*pod->uid)
		pt_screen_print(screen, line, at, PT_PLAIN, "  %s", pod->uid);
}

/* The numbers that its row has on the page of all pods, as many in a line as fit. */
static void numbers(struct lines *lines, const struct pt_top_row *row)
{
	int line = next(lines), at = 0;

	for (int i = 0; i < pt_top_column_count; i++) {
		const struct pt_top_column *column = &pt_top_columns[i];
		const int size = (int)strlen(column->heading) + 1 + column->width;
		char text[PT_TOP_CELL_MAX];

		if (at && at + size > lines->screen->columns) {
			line = next(lines);
			at = 0;
		}
		column->write(column->value(row), text);
		pt_screen_put(lines->screen, line, at, size, PT_PLAIN, column->heading);
		pt_screen_put(lines->screen, line, at + (int)strlen(column->heading) + 1,
			      column->width, PT_BOLD, text);
		at += size + 1;
	}
}

/* Two halves of the screen for the interval and for all time, each a number and a bar. */
#define LABEL_SIZE  9
#define NUMBER_SIZE 8

static int half(const struct lines *lines)
{
	const int size = (lines->screen->columns - LABEL_SIZE) / 2;

	return size > NUMBER_SIZE + 3 ? size : NUMBER_SIZE + 3;
}

static void write_count(__u64 value, char text[PT_TOP_CELL_MAX])
{
	if (value < 100000)
		snprintf(text, PT_TOP_CELL_MAX, "%llu", value);
	else
		pt_top_write_number((double)value, text);
}

static void draw_bar(const struct lines *lines, int line, int column, __u64 value, __u64 largest)
{
	const int room = half(lines) - NUMBER_SIZE - 3;
	double share = largest ? (double)value / (double)largest : 0;
	int size = (int)(share * room + 0.5);
	char text[PT_TOP_CELL_MAX];

	write_count(value, text);
	pt_screen_print(lines->screen, line, column, PT_PLAIN, "%*s", NUMBER_SIZE, text);
	if (value && !size)
		size = 1; /* seen, however few among many */
	for (int i = 0; i < size; i++)
		pt_screen_put(lines->screen, line, column + NUMBER_SIZE + 1 + i, 1, PT_GREEN, "#");
}

static __u64 largest_of(const struct pt_histogram *histogram)
{
	__u64 largest = 0;

	for (int i = 0; i < PT_BUCKET_COUNT; i++)
		if (largest < histogram->bucket[i])
			largest = histogram->bucket[i];
	return largest;
}

static void write_bound(int bucket, char text[PT_TOP_CELL_MAX])
{
	const double bound = pt_top_bounds[bucket];

	if (bucket == PT_BUCKET_COUNT - 1)
		snprintf(text, PT_TOP_CELL_MAX, ">%g s", pt_top_bounds[bucket - 1]);
	else if (bound < 1)
		snprintf(text, PT_TOP_CELL_MAX, "<=%g ms", bound * 1000);
	else
		snprintf(text, PT_TOP_CELL_MAX, "<=%g s", bound);
}

/* "p50 1.2ms p99 3.4ms", at a half's bars. */
static void quantiles(const struct lines *lines, int line, int column, const char *when,
		      const struct pt_histogram *histogram)
{
	char p50[PT_TOP_CELL_MAX], p99[PT_TOP_CELL_MAX];

	pt_top_write_time(pt_top_quantile(histogram, 0.5), p50);
	pt_top_write_time(pt_top_quantile(histogram, 0.99), p99);
	pt_screen_print(lines->screen, line, column, PT_UNDERLINE, "%s p50 %s p99 %s", when, p50,
			p99);
}

/* From the first bucket in use to the last; nothing where there is none. */
static void histogram(struct lines *lines, const char *title, const struct pt_histogram *grown,
		      const struct pt_histogram *total)
{
	int first = 0, last = PT_BUCKET_COUNT - 1, line;
	char bound[PT_TOP_CELL_MAX];

	if (!pt_histogram_count(total))
		return;
	while (!total->bucket[first])
		first++;
	while (!total->bucket[last])
		last--;
	next(lines);
	line = next(lines);
	pt_screen_put(lines->screen, line, 0, LABEL_SIZE, PT_BOLD, title);
	quantiles(lines, line, LABEL_SIZE + 1, "now:", grown);
	quantiles(lines, line, LABEL_SIZE + 1 + half(lines), "all:", total);
	for (int i = first; i <= last; i++) {
		line = next(lines);
		write_bound(i, bound);
		pt_screen_print(lines->screen, line, 0, PT_PLAIN, "%*s", LABEL_SIZE - 1, bound);
		draw_bar(lines, line, LABEL_SIZE, grown->bucket[i], largest_of(grown));
		draw_bar(lines, line, LABEL_SIZE + half(lines), total->bucket[i],
			 largest_of(total));
	}
}

static void series(struct lines *lines, const struct pt_top_row *row)
{
	char status[PT_HTTP_STATUS_MAX], p50[PT_TOP_CELL_MAX], p99[PT_TOP_CELL_MAX];
	char per_second[PT_TOP_CELL_MAX];
	struct pt_histogram grown;

	if (!row->record->series_count)
		return;
	next(lines);
	pt_screen_print(lines->screen, next(lines), 0, PT_UNDERLINE,
			"%-7s %-8s %-8s %8s %8s %8s %16s", "role", "method", "status", "now/s",
			"p50", "p99", "all");
	for (size_t i = 0; i < row->record->series_count; i++) {
		const struct pt_http_series *each = &row->record->series[i];
		bool is_error = each->key.status == 5 || each->key.status / 100 == 5;

		pt_top_series_grown(row, each, &grown);
		pt_http_status(each->key.status, status);
		pt_top_write_number(pt_top_rate(row, pt_histogram_count(&grown)), per_second);
		pt_top_write_time(pt_top_quantile(&grown, 0.5), p50);
		pt_top_write_time(pt_top_quantile(&grown, 0.99), p99);
		pt_screen_print(lines->screen, next(lines), 0,
				is_error ? PT_BOLD | PT_RED : PT_PLAIN,
				"%-7s %-8s %-8s %8s %8s %8s %16llu", pt_http_roles[each->key.role],
				pt_http_methods[each->key.method], status, per_second, p50, p99,
				pt_histogram_count(&each->latency.duration));
	}
}

static void counter(struct lines *lines, const struct pt_top_row *row, const char *name,
		    __u64 grown, __u64 total)
{
	char text[PT_TOP_CELL_MAX];

	pt_top_write_number(pt_top_rate(row, grown), text);
	pt_screen_print(lines->screen, next(lines), 0, PT_PLAIN, "%-34s %8s %8s %8s %8llu", name,
			text, "", "", total);
}

static void counters(struct lines *lines, const struct pt_top_row *row)
{
	const struct pt_top_counts *now = &row->grown, *all = &row->total;

#define COUNTER(name, field) counter(lines, row, name, now->field, all->field)
	next(lines);
	COUNTER("received, bytes", receive_bytes);
	COUNTER("received, packets", receive_packets);
	COUNTER("sent, bytes", transmit_bytes);
	COUNTER("sent, packets", transmit_packets);
	next(lines);
	COUNTER("sent again: SYN", retransmits.syn);
	COUNTER("sent again: SYN-ACK", retransmits.synack);
	COUNTER("sent again: timeout", retransmits.rto);
	COUNTER("sent again: fast", retransmits.fast);
	COUNTER("sent again: tail loss probe", retransmits.tlp);
	COUNTER("sent again: other", retransmits.other);
	next(lines);
	COUNTER("aborted by its clients", aborted[PT_SERVER][PT_BY_CLIENT]);
	COUNTER("aborted by itself as server", aborted[PT_SERVER][PT_BY_SERVER]);
	COUNTER("aborted by itself as client", aborted[PT_CLIENT][PT_BY_CLIENT]);
	COUNTER("aborted by its servers", aborted[PT_CLIENT][PT_BY_SERVER]);
#undef COUNTER
}

int pt_top_draw_detail(const struct pt_top_row *row, int first, int top, int bottom,
		       struct pt_screen *screen)
{
	struct lines lines = { screen, 0, first, top, bottom };
	const struct pt_top_counts *now = &row->grown, *all = &row->total;

	who(&lines, row);
	numbers(&lines, row);
	histogram(&lines, "answers", &now->duration[PT_SERVER], &all->duration[PT_SERVER]);
	histogram(&lines, "in queue", &now->queue, &all->queue);
	histogram(&lines, "calls", &now->duration[PT_CLIENT], &all->duration[PT_CLIENT]);
	series(&lines, row);
	counters(&lines, row);
	return lines.count;
}
