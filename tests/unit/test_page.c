// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The page: which families and pods are on it and which are not, in both formats. */
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/process.h"
#include "tests/unit/page.h"

static void a_new_pod_has_all_its_series_with_zeros(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "web") };
	char *page = page_of_pods(pods, 1);

	(void)state;
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"syn\"} 0");
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"synack\"} 0");
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"rto\"} 0");
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"fast\"} 0");
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"tlp\"} 0");
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"web\",kind=\"other\"} 0");
	assert_has(page, "pod_network_bytes_total{namespace=\"shop\",pod=\"web\","
			 "direction=\"receive\"} 0");
	assert_has(page, "pod_network_packets_total{namespace=\"shop\",pod=\"web\","
			 "direction=\"transmit\"} 0");
	assert_has(page, "podtag_pod_attached{namespace=\"shop\",pod=\"web\",reason=\"\"} 1");
	free(page);
}

static void each_counter_has_its_own_value(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "a", "b") };
	char *page;

	(void)state;
	pods[0].retransmits = (struct pt_retransmits){ 1, 2, 3, 4, 5, 6 };
	pods[0].traffic = (struct pt_traffic){ .receive_packets = 7,
					       .receive_bytes = 8,
					       .transmit_packets = 9,
					       .transmit_bytes = 10 };
	page = page_of_pods(pods, 1);
	assert_has(page, "kind=\"syn\"} 1");
	assert_has(page, "kind=\"synack\"} 2");
	assert_has(page, "kind=\"rto\"} 3");
	assert_has(page, "kind=\"fast\"} 4");
	assert_has(page, "kind=\"tlp\"} 5");
	assert_has(page, "kind=\"other\"} 6");
	assert_has(page, "packets_total{namespace=\"a\",pod=\"b\",direction=\"receive\"} 7");
	assert_has(page, "bytes_total{namespace=\"a\",pod=\"b\",direction=\"receive\"} 8");
	assert_has(page, "packets_total{namespace=\"a\",pod=\"b\",direction=\"transmit\"} 9");
	assert_has(page, "bytes_total{namespace=\"a\",pod=\"b\",direction=\"transmit\"} 10");
	free(page);
}

static void a_pod_says_who_it_is_and_why_it_is_not_counted(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "four"), pod(2, "shop", "six") };
	char *page;

	(void)state;
	strcpy(pods[0].pod.uid, "u-1");
	strcpy(pods[0].pod.container_id, "c1");
	strcpy(pods[0].pod.ipv4, "10.0.0.4");
	strcpy(pods[0].pod.ipv6, "fd00::4");
	strcpy(pods[0].pod.node_interface, "veth4");
	strcpy(pods[1].pod.ipv6, "fd00::6");
	pods[1].attached = false;
	strcpy(pods[1].reason, "no_interface");
	page = page_of_pods(pods, 2);
	assert_has(page, "podtag_pod_info{namespace=\"shop\",pod=\"four\",uid=\"u-1\","
			 "container_id=\"c1\",ip=\"10.0.0.4\",node_interface=\"veth4\"} 1");
	assert_has(page, "podtag_pod_info{namespace=\"shop\",pod=\"six\",uid=\"\","
			 "container_id=\"\",ip=\"fd00::6\",node_interface=\"\"} 1");
	assert_has(page, "podtag_pod_attached{namespace=\"shop\",pod=\"six\","
			 "reason=\"no_interface\"} 0");
	free(page);
}

static void a_deleted_pod_keeps_its_counters_only(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "gone") };
	char *page;

	(void)state;
	pods[0].pod.deleted_ns = 1;
	pods[0].retransmits.rto = 17;
	page = page_of_pods(pods, 1);
	assert_has(page, "tcp_retransmits_total{namespace=\"shop\",pod=\"gone\",kind=\"rto\"} 17");
	assert_int_equal(count(page, "pod_network_bytes_total{"), 2);
	assert_int_equal(count(page, "podtag_pod_info{"), 0);
	assert_int_equal(count(page, "podtag_pod_attached{"), 0);
	free(page);
}

static void of_pods_with_one_name_the_newest_is_shown(void **state)
{
	struct pt_pod_record pods[] = {
		pod(3, "shop", "db-0"), pod(9, "shop", "db-0"), pod(5, "shop", "db-0"),
		pod(8, "test", "db-0"), pod(4, "shop", "db-1"), pod(7, "shopd", "b-0"),
	};
	char *page;

	(void)state;
	for (size_t i = 0; i < LENGTH(pods); i++)
		pods[i].retransmits.syn = pods[i].id;
	page = page_of_pods(pods, LENGTH(pods));
	assert_int_equal(count(page, "kind=\"syn\"}"), 4);
	assert_has(page, "{namespace=\"shop\",pod=\"db-0\",kind=\"syn\"} 9");
	assert_has(page, "{namespace=\"shop\",pod=\"db-1\",kind=\"syn\"} 4");
	assert_has(page, "{namespace=\"shopd\",pod=\"b-0\",kind=\"syn\"} 7");
	assert_has(page, "{namespace=\"test\",pod=\"db-0\",kind=\"syn\"} 8");
	assert_int_equal(count(page, "podtag_pod_info{"), 4);
	free(page);
}

/* Both would be web-U+FFFD, and Prometheus would throw the whole page away. */
static void names_that_look_the_same_are_one_series(void **state)
{
	struct pt_pod_record pods[] = { pod(1, "shop", "web-\xff"), pod(2, "shop", "web-\xfe"),
					pod(3, "shop", "web-") };
	char *page = page_of_pods(pods, LENGTH(pods));

	(void)state;
	assert_int_equal(count(page, "kind=\"syn\"}"), 2);
	free(page);
}

static void what_gave_up_is_there_from_the_first_moment(void **state)
{
	char *page;

	(void)state;
	page_gave_up[PT_TC_ATTACH].count = 3;
	page_operations[PT_DEL] =
		(struct pt_cni_operations){ .success = 4, .degraded = 5, .error = 6 };
	page = page_of_pods(NULL, 0);
	assert_int_equal(count(page, "podtag_gave_up_total{"), PT_REASON_COUNT);
	assert_has(page, "podtag_gave_up_total{reason=\"tc_attach\"} 3");
	assert_has(page, "podtag_gave_up_total{reason=\"traffic_no_pod\"} 0");
	assert_int_equal(count(page, "podtag_cni_operations_total{"), 3 * PT_COMMAND_COUNT);
	assert_has(page, "{command=\"ADD\",result=\"success\"} 0");
	assert_has(page, "{command=\"DEL\",result=\"success\"} 4");
	assert_has(page, "{command=\"DEL\",result=\"degraded\"} 5");
	assert_has(page, "{command=\"DEL\",result=\"error\"} 6");
	assert_has(page,
		   "podtag_datapath_info{version=\"0.1.0\",socket_tag=\"yes\",http=\"no\"} 1");
	free(page);
	memset(page_gave_up, 0, sizeof(page_gave_up));
	memset(page_operations, 0, sizeof(page_operations));
}

static void adoption_is_described_from_the_first_moment(void **state)
{
	struct pt_adopter_record record = { .adopted = 7 };
	const struct pt_metrics metrics = { .adopted = &record };
	char *page;

	(void)state;
	record.not_adopted[PT_NOT_ADOPTED_TC_ATTACH] = 2;
	page = page_of(PT_TEXT, &metrics);
	assert_has(page, "podtag_pods_adopted_total 7");
	assert_int_equal(count(page, "podtag_pods_not_adopted{"), PT_NOT_ADOPTED_COUNT);
	assert_has(page, "podtag_pods_not_adopted{reason=\"tc_attach\"} 2");
	assert_has(page, "podtag_pods_not_adopted{reason=\"cache_dir\"} 0");
	free(page);
}

static void programs_and_maps_are_described(void **state)
{
	const struct pt_program_record programs[] = {
		{ "podtag_cls_in", 1250000000, 4, 9, 4096 },
	};
	const struct pt_map_record maps[] = {
		{ "pods", 3, 4096, 66432 },
		{ "sock_pod", 0, 0, 480 }, /* can't be counted: 0 would be a lie */
	};
	const struct pt_metrics metrics = { .dp = &page_loaded,
					    .programs = programs,
					    .program_count = LENGTH(programs),
					    .maps = maps,
					    .map_count = LENGTH(maps) };
	char *page = page_of(PT_TEXT, &metrics);

	(void)state;
	assert_has(page, "podtag_program_run_seconds_total{program=\"podtag_cls_in\"} 1.25");
	assert_has(page, "podtag_program_runs_total{program=\"podtag_cls_in\"} 4");
	assert_has(page, "podtag_program_memory_bytes{program=\"podtag_cls_in\"} 4096");
	assert_has(page, "podtag_program_misses_total{program=\"podtag_cls_in\"} 9");
	assert_int_equal(count(page, "{program="), 4);
	assert_has(page, "podtag_map_entries{map=\"pods\"} 3");
	assert_has(page, "podtag_map_max_entries{map=\"pods\"} 4096");
	assert_has(page, "podtag_map_memory_bytes{map=\"pods\"} 66432");
	assert_has(page, "podtag_map_memory_bytes{map=\"sock_pod\"} 480");
	assert_int_equal(count(page, "{map=\"sock_pod\""), 1);
	free(page);
}

static void without_a_datapath_the_agent_still_describes_itself(void **state)
{
	const struct pt_metrics metrics = { .scrape_ns = 1500000,
					    .failed_scrapes = 2,
					    .process = { .cpu_ns = 10000000,
							 .start_ns = 1700000000500000000,
							 .resident_bytes = 4096,
							 .virtual_bytes = 8192,
							 .open_fds = 5,
							 .max_fds = 1024 } };
	char *page = page_of(PT_TEXT, &metrics);

	(void)state;
	assert_has(page, "podtag_datapath_loaded 0");
	assert_has(page, "podtag_build_info{version=\"" PODTAG_VERSION
			 "\",schema=\"" PT_STRINGIFY(PT_SCHEMA) "\"} 1");
	assert_has(page, "podtag_scrape_duration_seconds 0.0015");
	assert_has(page, "podtag_scrape_errors_total 2");
	assert_has(page, "process_cpu_seconds_total 0.01");
	assert_has(page, "process_start_time_seconds 1700000000.5");
	assert_has(page, "process_resident_memory_bytes 4096");
	assert_has(page, "process_virtual_memory_bytes 8192");
	assert_has(page, "process_open_fds 5");
	assert_has(page, "process_max_fds 1024");
	assert_int_equal(count(page, "podtag_gave_up"), 0);
	assert_int_equal(count(page, "podtag_datapath_info"), 0);
	assert_int_equal(count(page, "tcp_retransmits"), 0);
	free(page);
}

static void the_process_describes_itself(void **state)
{
	const size_t size = 32 << 20;
	struct pt_process before, after;
	struct timespec now;
	struct rlimit limit;
	uint64_t now_ns;
	size_t fds = 0;
	char *memory;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	for (int fd = 0; fd < 4096; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;

	pt_process_read(&before);
	assert_int_equal(before.open_fds, fds);
	assert_int_equal(before.max_fds, limit.rlim_cur);
	assert_in_range(before.start_ns, now_ns - 600 * 1000000000ull, now_ns + 1000000000);
	assert_in_range(before.cpu_ns, 100000, 600 * 1000000000ull);

	memory = malloc(size);
	assert_non_null(memory);
	memset(memory, 1, size);
	pt_process_read(&after);
	assert_true(after.resident_bytes >= before.resident_bytes + size);
	assert_true(after.virtual_bytes >= before.virtual_bytes + size);
	assert_true(after.virtual_bytes > after.resident_bytes);
	assert_true(after.cpu_ns > before.cpu_ns);
	assert_true(after.start_ns == before.start_ns);
	free(memory);
}

/* All there can be, for the tests that look at the page as a whole. */
static char *full_page(enum pt_format format, size_t pod_count)
{
	static const struct pt_program_record programs[] = { { "one", 1, 2, 3 },
							     { "two", 4, 5, 6 } };
	static const struct pt_map_record maps[] = { { "pods", 1, 2, 3 } };
	static const struct pt_http_series series[] = {
		{ { .role = PT_SERVER, .method = PT_METHOD_GET, .status = 200 }, {} },
		{ { .role = PT_CLIENT, .method = PT_METHOD_UNKNOWN }, {} },
	};
	struct pt_pod_record *pods = calloc(pod_count, sizeof(*pods));
	struct pt_snapshot snapshot = { pods, pod_count };
	const struct pt_metrics metrics = { .dp = &page_loaded,
					    .pods = &snapshot,
					    .programs = programs,
					    .program_count = LENGTH(programs),
					    .maps = maps,
					    .map_count = LENGTH(maps),
					    .scrape_ns = 1 };
	char name[64], *page;

	assert_non_null(pods);
	for (size_t i = 0; i < pod_count; i++) {
		snprintf(name, sizeof(name), "hostile \"\\\n\xff %zu", i % 500);
		pods[i] = pod(i, "shop", name);
		pods[i].series = series;
		pods[i].series_count = LENGTH(series);
	}
	page = page_of(format, &metrics);
	free(pods);
	return page;
}

static const char *suffix_of(const char *line, size_t len, bool is_histogram)
{
	static const char *const suffixes[] = { "_bucket{", "_sum{", "_count{" };

	for (size_t i = 0; is_histogram && i < LENGTH(suffixes); i++)
		if (!strncmp(line + len, suffixes[i], strlen(suffixes[i])))
			return line + len + strlen(suffixes[i]) - 1;
	return line + len;
}

/* HELP and TYPE once, then all samples of the family and none of another. */
static void families_stay_together(void **state)
{
	char *page = full_page(PT_TEXT, 600), family[128] = "", seen[8192] = "", mark[140];
	bool is_histogram = false;
	char *rest = page, *line;
	size_t samples = 0;

	(void)state;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "# HELP %127s", family) == 1) {
			snprintf(mark, sizeof(mark), " %s ", family);
			assert_null(strstr(seen, mark));
			strcat(seen, mark);
			line = strsep(&rest, "\n");
			assert_int_equal(strncmp(line, "# TYPE ", 7), 0);
			assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
			is_histogram = !strcmp(line + 7 + strlen(family), " histogram");
		} else {
			assert_int_equal(strncmp(line, family, strlen(family)), 0);
			assert_non_null(
				strchr("{ ", *suffix_of(line, strlen(family), is_histogram)));
			samples++;
		}
	}
	assert_true(samples > 500 * (12 + 5 * 20)); /* 600 pods, of which 100 have another's name */
	free(page);
}

static void openmetrics_ends_once_and_names_families_without_total(void **state)
{
	char *page = full_page(PT_OPENMETRICS, 600), *line, *rest;

	(void)state;
	assert_int_equal(count(page, "# EOF\n"), 1);
	assert_string_equal(page + strlen(page) - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_has(page, "# TYPE tcp_retransmits counter");
	assert_has(page, "# TYPE pod_network_bytes counter");
	assert_has(page, "# UNIT pod_network_bytes bytes");
	assert_has(page, "# UNIT process_start_time_seconds seconds");
	assert_int_equal(count(page, "tcp_retransmits_total{"), 500 * 6);
	for (rest = page; (line = strsep(&rest, "\n"));)
		if (line[0] == '#' && strncmp(line, "# HELP", 6))
			assert_null(strstr(line, "_total"));
	free(page);
}

static void promtool_has_nothing_to_say(void **state)
{
	FILE *promtool;
	char *page;

	(void)state;
	if (access("/usr/bin/promtool", X_OK)) {
		print_message("  promtool is not installed\n");
		skip();
	}

	/* grep fails when there is no line, which is what is wanted here */
	promtool = popen("! /usr/bin/promtool check metrics 2>&1 | grep .", "w");
	assert_non_null(promtool);
	page = full_page(PT_TEXT, 600);
	fputs(page, promtool);
	assert_int_equal(pclose(promtool), 0);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_pod_has_all_its_series_with_zeros),
		cmocka_unit_test(each_counter_has_its_own_value),
		cmocka_unit_test(a_pod_says_who_it_is_and_why_it_is_not_counted),
		cmocka_unit_test(a_deleted_pod_keeps_its_counters_only),
		cmocka_unit_test(of_pods_with_one_name_the_newest_is_shown),
		cmocka_unit_test(names_that_look_the_same_are_one_series),
		cmocka_unit_test(what_gave_up_is_there_from_the_first_moment),
		cmocka_unit_test(adoption_is_described_from_the_first_moment),
		cmocka_unit_test(programs_and_maps_are_described),
		cmocka_unit_test(without_a_datapath_the_agent_still_describes_itself),
		cmocka_unit_test(the_process_describes_itself),
		cmocka_unit_test(families_stay_together),
		cmocka_unit_test(openmetrics_ends_once_and_names_families_without_total),
		cmocka_unit_test(promtool_has_nothing_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
