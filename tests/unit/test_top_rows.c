// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What podtag top makes of two readings of the maps, with numbers computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "top/columns.h"

#define SECOND 1000000000ull

/* A quantile's place in its bucket is exact here: all bounds and shares are. */
static void quantiles_are_interpolated_inside_a_bucket(void **state)
{
	struct pt_histogram h = {};
	(void)state;

	assert_true(isnan(pt_top_quantile(&h, 0.5)));

	h.bucket[4] = 4; /* 5 to 10 ms: the second of four is at its middle, 3.96 at 99 % of it */
	assert_float_equal(pt_top_quantile(&h, 0.5), 0.0075, 1e-15);
	assert_float_equal(pt_top_quantile(&h, 0.99), 0.00995, 1e-15);

	h.bucket[0] = 4; /* up to 0.5 ms, from 0 on: of 8, rank 4 is the end of these */
	assert_float_equal(pt_top_quantile(&h, 0.5), 0.0005, 1e-15);
	assert_float_equal(pt_top_quantile(&h, 0.25), 0.00025, 1e-15);
	assert_float_equal(pt_top_quantile(&h, 0.75), 0.0075, 1e-15);

	h.bucket[PT_BUCKET_COUNT - 1] = 92; /* beyond all bounds */
	assert_float_equal(pt_top_quantile(&h, 0.5), 10, 0);
	assert_float_equal(pt_top_quantile(&h, 0.08), 0.01, 1e-15);
}

/* Two readings, two seconds apart, of the same few pods. */
struct node {
	struct pt_pod_record before[4];
	struct pt_pod_record after[4];
	struct pt_http_series series_before[3];
	struct pt_http_series series_after[3];
	struct pt_top_sample older;
	struct pt_top_sample newer;
};

static void name(struct pt_pod_record *record, __u64 id, const char *pod)
{
	record->id = id;
	record->attached = true;
	record->pod.created_ns = 100 + id;
	record->pod.netns = 4000 + id;
	strcpy(record->pod.namespace, "shop");
	strcpy(record->pod.name, pod);
}

static void fill(struct node *node)
{
	*node = (struct node){};
	for (__u64 id = 1; id <= 4; id++) {
		static const char *const names[] = { "web", "cli", "db", "cache" };

		name(&node->before[id - 1], id, names[id - 1]);
		name(&node->after[id - 1], id, names[id - 1]);
	}
	node->older = (struct pt_top_sample){ { node->before, 4 }, 10 * SECOND };
	node->newer = (struct pt_top_sample){ { node->after, 4 }, 12 * SECOND };
}

static struct pt_http_series series_of(enum pt_http_role role, __u16 status, int bucket,
				       __u64 count)
{
	struct pt_http_series series = {
		.key = { .role = role, .method = PT_METHOD_GET, .status = status },
	};

	series.latency.duration.bucket[bucket] = count;
	return series;
}

static struct pt_top_rows make(const struct node *node, __u64 keep)
{
	struct pt_top_rows rows;

	assert_int_equal(pt_top_rows_make(&node->older, &node->newer, keep, &rows), 0);
	return rows;
}

static double value(const char *column, const struct pt_top_row *row)
{
	return pt_top_columns[pt_top_column_find(column)].value(row);
}

static void rates_are_what_has_grown_by_the_time_it_took(void **state)
{
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	node.before[0].traffic = (struct pt_traffic){ .receive_bytes = 1000, .transmit_bytes = 7 };
	node.after[0].traffic = (struct pt_traffic){ .receive_bytes = 4000, .transmit_bytes = 7 };
	node.before[0].retransmits = (struct pt_retransmits){ 1, 1, 1, 1, 1, 1 };
	node.after[0].retransmits = (struct pt_retransmits){ 2, 3, 4, 5, 6, 7 };
	node.before[0].http.aborted[PT_SERVER][PT_BY_SERVER] = 10;
	node.after[0].http.aborted[PT_SERVER][PT_BY_SERVER] = 12;
	node.after[0].http.aborted[PT_SERVER][PT_BY_CLIENT] = 50; /* no fault of the pod's */
	node.before[0].series = node.series_before;
	node.after[0].series = node.series_after;
	node.before[0].series_count = 1;
	node.after[0].series_count = 3;
	node.series_before[0] = series_of(PT_SERVER, 200, 4, 100);
	node.series_after[0] = series_of(PT_SERVER, 200, 4, 110);
	node.series_after[1] = series_of(PT_SERVER, 5, 4, 2); /* 5xx, past the budget */
	node.series_after[2] = series_of(PT_CLIENT, 503, 0, 3);
	node.before[0].http.queue.bucket[0] = 5;
	node.after[0].http.queue.bucket[0] = 9;

	rows = make(&node, 0);
	assert_int_equal(rows.count, 4);
	assert_float_equal(rows.node.seconds, 2, 0);
	assert_float_equal(value("rx", &rows.rows[0]), 1500, 0);
	assert_float_equal(value("tx", &rows.rows[0]), 0, 0);
	assert_float_equal(value("retransmits", &rows.rows[0]), 21 / 2.0, 0);
	assert_float_equal(value("requests", &rows.rows[0]), (10 + 2 + 2) / 2.0, 0);
	assert_float_equal(value("errors", &rows.rows[0]), (2 + 2) / 14.0, 0);
	assert_float_equal(value("p50", &rows.rows[0]), 0.0075, 1e-15);
	assert_float_equal(value("queue", &rows.rows[0]), 0.000495, 1e-15);
	assert_float_equal(value("calls", &rows.rows[0]), 1.5, 0);
	assert_float_equal(value("call-errors", &rows.rows[0]), 1, 0);
	assert_int_equal(pt_top_requests(&rows.rows[0].total, PT_SERVER), 110 + 2 + 12);
	assert_true(isnan(value("errors", &rows.rows[1])));
	assert_true(isnan(value("p99", &rows.rows[1])));
	assert_float_equal(value("rx", &rows.node), 1500, 0);
	free(rows.rows);
}

static void series_grow_each_on_its_own(void **state)
{
	struct pt_histogram grown;
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	node.before[0].series = node.series_before;
	node.after[0].series = node.series_after;
	node.before[0].series_count = 1;
	node.after[0].series_count = 2;
	node.series_before[0] = series_of(PT_SERVER, 404, 2, 7);
	node.series_after[0] = series_of(PT_SERVER, 200, 2, 5);
	node.series_after[1] = series_of(PT_SERVER, 404, 2, 9);
	rows = make(&node, 0);
	pt_top_series_grown(&rows.rows[0], &node.series_after[0], &grown);
	assert_int_equal(pt_histogram_count(&grown), 5);
	pt_top_series_grown(&rows.rows[0], &node.series_after[1], &grown);
	assert_int_equal(pt_histogram_count(&grown), 2);
	free(rows.rows);
}

/* Also of those that have the id of another one, as after a load anew. */
static void counts_that_begin_anew_are_never_negative(void **state)
{
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	for (int i = 0; i < 3; i++)
		node.before[i].traffic.receive_bytes = 1000;
	node.after[0].traffic.receive_bytes = 40;
	node.after[1].traffic.receive_bytes = 1400;
	node.after[1].pod.created_ns++;
	node.after[2].traffic.receive_bytes = 1400;
	node.after[2].pod.netns++;
	rows = make(&node, 0);
	assert_int_equal(rows.rows[0].grown.receive_bytes, 40);
	assert_int_equal(rows.rows[0].state, PT_TOP_RUNNING);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(rows.rows[i].grown.receive_bytes, 1400);
		assert_int_equal(rows.rows[i].state, PT_TOP_NEW);
	}
	free(rows.rows);
}

static void pods_that_ended_are_shown_once(void **state)
{
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	node.after[0].pod.deleted_ns = 11 * SECOND; /* in the interval */
	node.after[1].pod.deleted_ns = node.before[1].pod.deleted_ns = 9 * SECOND;
	node.after[2].pod.deleted_ns = 11 * SECOND; /* began and ended in it */
	node.before[2].id = 9;
	node.after[3].traffic.receive_bytes = 5;
	node.newer.snapshot.count = 4;
	node.older.snapshot.count = 2;
	rows = make(&node, 0);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.rows[0].state, PT_TOP_ENDED);
	assert_int_equal(rows.rows[1].record->id, 3);
	assert_int_equal(rows.rows[1].state, PT_TOP_ENDED);
	assert_int_equal(rows.rows[2].state, PT_TOP_NEW);
	free(rows.rows);

	rows = make(&node, 2); /* but for one that somebody looks at */
	assert_int_equal(rows.count, 4);
	assert_int_equal(rows.rows[1].record->id, 2);
	free(rows.rows);
}

static void nothing_has_grown_before_there_is_an_interval(void **state)
{
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	node.older = (struct pt_top_sample){};
	node.after[0].traffic.receive_bytes = 5;
	node.after[1].pod.deleted_ns = 1;
	rows = make(&node, 0);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.rows[0].state, PT_TOP_RUNNING);
	assert_int_equal(rows.rows[0].grown.receive_bytes, 0);
	assert_true(isnan(value("rx", &rows.rows[0])));
	free(rows.rows);

	node.newer.snapshot.count = 0;
	rows = make(&node, 0);
	assert_int_equal(rows.count, 0);
	free(rows.rows);
}

static void assert_order(struct pt_top_rows *rows, const char *column, bool reverse,
			 const char *order)
{
	char got[64] = "";

	pt_top_rows_sort(rows, pt_top_column_find(column), reverse);
	for (size_t i = 0; i < rows->count; i++)
		strcat(strcat(got, rows->rows[i].record->pod.name), " ");
	assert_string_equal(got, order);
}

static void rows_are_sorted_and_filtered(void **state)
{
	struct pt_top_rows rows;
	struct node node;
	(void)state;

	fill(&node);
	node.after[0].traffic.receive_bytes = 5;
	node.after[3].traffic.receive_bytes = 9;
	for (int i = 0; i < 2; i++) {
		node.after[1 + i].series = &node.series_after[i];
		node.after[1 + i].series_count = 1;
		node.series_after[i] = series_of(PT_SERVER, 200, 1 + i, 1);
	}
	rows = make(&node, 0);
	assert_order(&rows, "pod", false, "cache cli db web ");
	assert_order(&rows, "pod", true, "web db cli cache ");
	assert_order(&rows, "rx", false, "cache web cli db "); /* equal ones by name */
	assert_order(&rows, "rx", true, "cli db web cache ");
	assert_order(&rows, "p99", false, "db cli cache web "); /* without one: last */
	assert_order(&rows, "p99", true, "cli db cache web ");

	pt_top_rows_filter(&rows, "P/C"); /* in both words of the name */
	assert_order(&rows, "pod", false, "cache cli ");
	assert_int_equal(rows.all, 4);
	pt_top_rows_filter(&rows, "");
	assert_int_equal(rows.count, 2);
	free(rows.rows);
	assert_int_equal(pt_top_column_find("size"), -22);
}

static void numbers_are_short(void **state)
{
	static const struct {
		void (*write)(double, char[PT_TOP_CELL_MAX]);
		double value;
		const char *text;
	} cases[] = {
		{ pt_top_write_number, NAN, "-" },
		{ pt_top_write_number, 0, "0" },
		{ pt_top_write_number, 0.04, "<0.1" },
		{ pt_top_write_number, 0.05, "0.1" },
		{ pt_top_write_number, 99.94, "99.9" },
		{ pt_top_write_number, 99.96, "100" },
		{ pt_top_write_number, 99999, "99999" },
		{ pt_top_write_number, 99999.6, "100k" },
		{ pt_top_write_number, 999499, "999k" },
		{ pt_top_write_number, 999501, "1.0M" },
		{ pt_top_write_number, 1.25e9, "1.2G" },
		{ pt_top_write_number, 1.8e19, "18.0E" },
		{ pt_top_write_time, NAN, "-" },
		{ pt_top_write_time, 0.0005, "0.50ms" },
		{ pt_top_write_time, 0.009994, "9.99ms" },
		{ pt_top_write_time, 0.009996, "10.0ms" },
		{ pt_top_write_time, 0.09996, "100ms" },
		{ pt_top_write_time, 0.9994, "999ms" },
		{ pt_top_write_time, 0.9996, "1.00s" },
		{ pt_top_write_time, 9.99, "9.99s" },
		{ pt_top_write_time, 10, ">=10s" },
		{ pt_top_write_percent, NAN, "-" },
		{ pt_top_write_percent, 0, "0" },
		{ pt_top_write_percent, 0.00001, "<0.01" },
		{ pt_top_write_percent, 0.0123, "1.23" },
		{ pt_top_write_percent, 0.12345, "12.3" },
		{ pt_top_write_percent, 0.9999, ">99.9" },
		{ pt_top_write_percent, 1, "100" },
	};
	char text[PT_TOP_CELL_MAX];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cases[i].write(cases[i].value, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_interpolated_inside_a_bucket),
		cmocka_unit_test(rates_are_what_has_grown_by_the_time_it_took),
		cmocka_unit_test(series_grow_each_on_its_own),
		cmocka_unit_test(counts_that_begin_anew_are_never_negative),
		cmocka_unit_test(pods_that_ended_are_shown_once),
		cmocka_unit_test(nothing_has_grown_before_there_is_an_interval),
		cmocka_unit_test(rows_are_sorted_and_filtered),
		cmocka_unit_test(numbers_are_short),
	};

	return cmocka_run_group_tests_name("top_rows", tests, NULL, NULL);
}
