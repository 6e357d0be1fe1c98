// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Histograms as both formats want them, and the page's HTTP families. */
#include "tests/unit/page.h"

/* As a query names them. */
static const char *const les[PT_BUCKET_COUNT] = {
	"0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.075", "0.1",
	"0.25",   "0.5",   "0.75",   "1.0",   "2.5",  "5.0",   "7.5",  "10.0",  "+Inf",
};

static const struct pt_family family = { "wait_seconds", PT_HISTOGRAM, "seconds", "Wait." };

/* Some number in each bucket, and what must be written of it; labels end with a comma. */
static struct pt_histogram histogram_from(__u64 seed)
{
	struct pt_histogram histogram = { .sum_ns = 1500000001 * seed };

	for (int i = 0; i < PT_BUCKET_COUNT; i++)
		histogram.bucket[i] = seed * (i + 1);
	return histogram;
}

static char *write_wanted(char *to, const char *name, const char *labels, __u64 seed)
{
	const int len = strlen(labels);
	unsigned long long sum = 0;

	for (int i = 0; i < PT_BUCKET_COUNT; i++) {
		sum += seed * (i + 1);
		to += sprintf(to, "%s_bucket{%sle=\"%s\"} %llu\n", name, labels, les[i], sum);
	}
	to += sprintf(to, "%s_sum", name);
	if (len)
		to += sprintf(to, "{%.*s}", len - 1, labels);
	to += sprintf(to, " %.9f", 1.500000001 * seed);
	while (to[-1] == '0')
		to--;
	to -= to[-1] == '.';
	to += sprintf(to, "\n%s_count", name);
	if (len)
		to += sprintf(to, "{%.*s}", len - 1, labels);
	return to + sprintf(to, " %llu\n", sum);
}

static void a_histogram_is_cumulative_and_its_count_is_its_buckets(void **state)
{
	static const char *const heads[] = {
		[PT_TEXT] = "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n",
		[PT_OPENMETRICS] = "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n"
				   "# UNIT wait_seconds seconds\n",
	};
	char wanted[8192], *to, *text;

	(void)state;
	for (int format = PT_TEXT; format <= PT_OPENMETRICS; format++) {
		struct pt_page page = { .out = evbuffer_new(), .format = format };
		struct pt_histogram one = histogram_from(1), seven = histogram_from(7);

		pt_page_family(&page, &family);
		pt_page_histogram(&page, &one);
		pt_page_label(&page, "a", "x\"", 2);
		pt_page_label(&page, "b", "", 0);
		pt_page_histogram(&page, &seven);
		pt_page_end(&page);
		text = take(page.out);
		to = stpcpy(wanted, heads[format]);
		to = write_wanted(to, "wait_seconds", "", 1);
		to = write_wanted(to, "wait_seconds", "a=\"x\\\"\",b=\"\",", 7);
		strcpy(to, format == PT_OPENMETRICS ? "# EOF\n" : "");
		assert_string_equal(text, wanted);
		free(text);
	}
}

/* Lines of every length meet the end of the page's own buffer at every byte. */
static void no_line_is_cut_where_the_buffer_ends(void **state)
{
	struct pt_page page = { .out = evbuffer_new() };
	char value[700], labels[720], *wanted, *to, *text;

	(void)state;
	wanted = to = malloc(sizeof(value) * 20 * (sizeof(labels) + 64));
	assert_non_null(wanted);
	to = stpcpy(to, "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n");
	memset(value, 'v', sizeof(value));
	pt_page_family(&page, &family);
	for (size_t len = 0; len < 600; len++) {
		struct pt_histogram histogram = histogram_from(len);

		pt_page_label(&page, "v", value, len);
		pt_page_histogram(&page, &histogram);
		snprintf(labels, sizeof(labels), "v=\"%.*s\",", (int)len, value);
		to = write_wanted(to, "wait_seconds", labels, len);
	}
	pt_page_end(&page);
	text = take(page.out);
	assert_true(!strcmp(text, wanted)); /* megabytes: nobody wants to read them */
	free(wanted);
	free(text);
}

static void the_largest_labels_fit(void **state)
{
	struct pt_page page = { .out = evbuffer_new() };
	const struct pt_histogram histogram = {};
	char value[PT_LABELS_MAX / 3 - 8], *text;

	(void)state;
	memset(value, '\xff', sizeof(value));
	pt_page_family(&page, &family);
	pt_page_label(&page, "v", value, sizeof(value));
	pt_page_histogram(&page, &histogram);
	pt_page_end(&page);
	text = take(page.out);
	assert_int_equal(count(text, "\xef\xbf\xbd"), 20 * sizeof(value));
	assert_int_equal(count(text, "\n"), 22);
	free(text);
}

static void a_series_has_the_words_of_its_key(void **state)
{
	static const struct {
		struct pt_http_key key;
		const char *labels;
	} cases[] = {
		{ { .method = PT_METHOD_GET, .status = 200 },
		  "role=\"server\",method=\"GET\",status=\"200\",tls=\"false\"," },
		{ { .role = PT_CLIENT, .method = PT_METHOD_HEAD, .status = 100, .tls = 1 },
		  "role=\"client\",method=\"HEAD\",status=\"100\",tls=\"true\"," },
		{ { .method = PT_METHOD_POST, .status = 599 },
		  "role=\"server\",method=\"POST\",status=\"599\",tls=\"false\"," },
		{ { .method = PT_METHOD_PUT, .status = 1 },
		  "role=\"server\",method=\"PUT\",status=\"1xx\",tls=\"false\"," },
		{ { .method = PT_METHOD_DELETE, .status = 5 },
		  "role=\"server\",method=\"DELETE\",status=\"5xx\",tls=\"false\"," },
		{ { .method = PT_METHOD_CONNECT, .status = 407 },
		  "role=\"server\",method=\"CONNECT\",status=\"407\",tls=\"false\"," },
		{ { .method = PT_METHOD_OPTIONS, .status = 0 },
		  "role=\"server\",method=\"OPTIONS\",status=\"unknown\",tls=\"false\"," },
		{ { .method = PT_METHOD_TRACE, .status = 310 },
		  "role=\"server\",method=\"TRACE\",status=\"310\",tls=\"false\"," },
		{ { .method = PT_METHOD_PATCH, .status = 204 },
		  "role=\"server\",method=\"PATCH\",status=\"204\",tls=\"false\"," },
		{ { .method = PT_METHOD_OTHER, .status = 501 },
		  "role=\"server\",method=\"OTHER\",status=\"501\",tls=\"false\"," },
		{ { .method = PT_METHOD_UNKNOWN, .status = 2 },
		  "role=\"server\",method=\"unknown\",status=\"2xx\",tls=\"false\"," },
	};
	struct pt_pod_record pods[] = { pod(1, "shop", "web") };
	char labels[128], wanted[8192], *page;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct pt_http_series series = {
			cases[i].key, { histogram_from(i + 1), histogram_from(i + 20) }
		};

		pods[0].series = &series;
		pods[0].series_count = 1;
		page = page_of_pods(pods, 1);
		snprintf(labels, sizeof(labels), "namespace=\"shop\",pod=\"web\",%s",
			 cases[i].labels);
		write_wanted(wanted, "http_request_duration_seconds", labels, i + 1);
		assert_int_equal(count(page, wanted), 1);
		write_wanted(wanted, "http_response_start_seconds", labels, i + 20);
		assert_int_equal(count(page, wanted), 1);
		assert_int_equal(count(page, "role=\"server\",m") +
					 count(page, "role=\"client\",m"),
				 2 * 20);
		free(page);
	}
}

static void a_new_pod_has_all_that_is_known_before_a_request(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "web"), pod(2, "shop", "api") };
	char wanted[8192], *page = page_of_pods(pods, 2), *to;

	(void)state;
	to = stpcpy(wanted, "# TYPE http_request_queue_seconds histogram\n");
	to = write_wanted(to, "http_request_queue_seconds", "namespace=\"shop\",pod=\"api\",", 0);
	write_wanted(to, "http_request_queue_seconds", "namespace=\"shop\",pod=\"web\",", 0);
	assert_int_equal(count(page, wanted), 1);
#define ABORTED "http_requests_aborted_total{namespace=\"shop\",pod=\"web\","
	assert_has(page, ABORTED "role=\"server\",by=\"client\"} 0");
	assert_has(page, ABORTED "role=\"server\",by=\"server\"} 0");
	assert_has(page, ABORTED "role=\"client\",by=\"client\"} 0");
	assert_has(page, ABORTED "role=\"client\",by=\"server\"} 0");
	assert_has(page, "http_responses_overflow_total{namespace=\"shop\",pod=\"web\"} 0");
	assert_int_equal(count(page, "podtag_http_lost_total{"), PT_LOST_COUNT);
	assert_has(page, "podtag_http_lost_total{reason=\"desync\"} 0");
	assert_int_equal(count(page, "\nhttp_request_duration_seconds"), 0);
	assert_has(page, "# TYPE http_request_duration_seconds histogram");
	free(page);
}

static void each_counter_of_http_has_its_own_value(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "web") };
	struct pt_snapshot snapshot = { pods, 1 };
	const struct pt_metrics metrics = { .dp = &page_loaded, .pods = &snapshot };
	char wanted[8192], *page;

	(void)state;
	pods[0].http = (struct pt_http_pod){ .queue = histogram_from(3),
					     .aborted = { { 1, 2 }, { 3, 4 } },
					     .overflow = 5,
					     .series = 6 };
	for (int i = 0; i < PT_LOST_COUNT; i++)
		snapshot.http_lost[i] = 10 + i;
	page = page_of(PT_TEXT, &metrics);
	write_wanted(wanted, "http_request_queue_seconds", "namespace=\"shop\",pod=\"web\",", 3);
	assert_int_equal(count(page, wanted), 1);
	assert_has(page, ABORTED "role=\"server\",by=\"client\"} 1");
	assert_has(page, ABORTED "role=\"server\",by=\"server\"} 2");
	assert_has(page, ABORTED "role=\"client\",by=\"client\"} 3");
	assert_has(page, ABORTED "role=\"client\",by=\"server\"} 4");
	assert_has(page, "http_responses_overflow_total{namespace=\"shop\",pod=\"web\"} 5");
	assert_has(page, "podtag_http_lost_total{reason=\"desync\"} 10");
	assert_has(page, "podtag_http_lost_total{reason=\"depth\"} 11");
	assert_has(page, "podtag_http_lost_total{reason=\"request\"} 12");
	assert_has(page, "podtag_http_lost_total{reason=\"budget\"} 13");
	assert_has(page, "podtag_http_lost_total{reason=\"memory\"} 14");
	assert_has(page, "podtag_http_lost_total{reason=\"series\"} 15");
	assert_has(page, "podtag_http_lost_total{reason=\"no_pod\"} 16");
	free(page);
}

static void each_counter_of_tls_has_its_own_value(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "web"), pod(2, "shop", "api") };
	char *page;

	(void)state;
	pods[0].tls = (struct pt_tls_connections){ 10, { 1, 2, 3, 99 }, 4 };
	page = page_of_pods(pods, LENGTH(pods));
	assert_has(page, "tls_connections_total{namespace=\"shop\",pod=\"web\"} 10");
	assert_has(page, "tls_connections_total{namespace=\"shop\",pod=\"api\"} 0");
#define UNSEEN "tls_connections_unseen_total{namespace=\"shop\",pod=\"web\","
	assert_has(page, UNSEEN "reason=\"off\"} 1");
	assert_has(page, UNSEEN "reason=\"no_probe\"} 2");
	assert_has(page, UNSEEN "reason=\"unavailable\"} 3");
	assert_int_equal(count(page, "\ntls_connections_unseen_total{"), 2 * PT_UNSEEN_COUNT);
	assert_has(page, "tls_sessions_other_total{namespace=\"shop\",pod=\"web\"} 4");
	free(page);
}

/* As with all other counters: the newest pod of a name, and deleted ones until they are forgotten.
 */
static void the_same_pods_have_http_as_have_other_counters(void **state)
{
	static const struct pt_http_series old[] = { { { .method = PT_METHOD_GET }, {} } };
	static const struct pt_http_series new[] = { { { .method = PT_METHOD_PUT }, {} } };
	struct pt_pod_record pods[] = { pod(3, "shop", "db-0"), pod(9, "shop", "db-0"),
					pod(4, "shop", "gone") };
	char *page;

	(void)state;
	pods[0].series = pods[2].series = old;
	pods[1].series = new;
	pods[0].series_count = pods[1].series_count = pods[2].series_count = 1;
	pods[0].http.overflow = 3;
	pods[1].http.overflow = 9;
	pods[2].pod.deleted_ns = 1;
	pods[2].http.overflow = 4;
	page = page_of_pods(pods, LENGTH(pods));
	assert_int_equal(
		count(page, "method=\"PUT\",status=\"unknown\",tls=\"false\",le=\"+Inf\"}"), 2);
	assert_int_equal(
		count(page, "method=\"GET\",status=\"unknown\",tls=\"false\",le=\"+Inf\"}"), 2);
	assert_int_equal(count(page, "pod=\"gone\",role=\"server\",method=\"GET\""), 2 * 20);
	assert_has(page, "http_responses_overflow_total{namespace=\"shop\",pod=\"db-0\"} 9");
	assert_has(page, "http_responses_overflow_total{namespace=\"shop\",pod=\"gone\"} 4");
	assert_int_equal(count(page, "http_responses_overflow_total{"), 2);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_histogram_is_cumulative_and_its_count_is_its_buckets),
		cmocka_unit_test(no_line_is_cut_where_the_buffer_ends),
		cmocka_unit_test(the_largest_labels_fit),
		cmocka_unit_test(a_series_has_the_words_of_its_key),
		cmocka_unit_test(a_new_pod_has_all_that_is_known_before_a_request),
		cmocka_unit_test(each_counter_of_http_has_its_own_value),
		cmocka_unit_test(each_counter_of_tls_has_its_own_value),
		cmocka_unit_test(the_same_pods_have_http_as_have_other_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
