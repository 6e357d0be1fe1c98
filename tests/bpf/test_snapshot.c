// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which pod gets which HTTP series, read from the real maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>

#include "bpf/snapshot.h"
#include "tests/bpf/private_bpffs.h"

static struct pt_datapath dp;
static int lock;

static int load(void **state)
{
	char text[4096];

	(void)state;
	lock = pt_datapath_lock(1000);
	if (lock < 0 || pt_datapath_load(text, sizeof(text)) != PT_LOAD_CREATED) {
		print_error("%s\n", text);
		return -1;
	}
	return pt_datapath_open(&dp);
}

static int unload(void **state)
{
	(void)state;
	pt_datapath_close(&dp);
	close(lock);
	return pt_datapath_unload();
}

static void put(enum pt_map map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(dp.maps[map], key, value, BPF_ANY), 0);
}

static void put_pod(__u64 id, __u64 deleted_ns)
{
	const struct pt_pod pod = { .namespace = "shop", .name = "web", .deleted_ns = deleted_ns };

	put(PT_MAP_PODS, &id, &pod);
}

/* So many responses, all in one bucket. */
static void put_series(struct pt_http_key key, __u64 responses)
{
	struct pt_http_latency latency = { .duration.sum_ns = 1000 * responses,
					   .start.sum_ns = 10 * responses };

	latency.duration.bucket[3] = responses;
	latency.start.bucket[PT_BUCKET_COUNT - 1] = responses;
	put(PT_MAP_HTTP_LATENCY, &key, &latency);
}

#define KEY(id, r, m, s)                                                                           \
	((struct pt_http_key){ .pod_id = (id), .role = (r), .method = (m), .status = (s) })

static void assert_series(const struct pt_pod_record *record, size_t i, __u8 role, __u8 method,
			  __u16 status, __u64 responses)
{
	const struct pt_http_series *series = &record->series[i];

	assert_true(i < record->series_count);
	assert_int_equal(series->key.pod_id, record->id);
	assert_int_equal(series->key.role, role);
	assert_int_equal(series->key.method, method);
	assert_int_equal(series->key.status, status);
	assert_int_equal(pt_histogram_count(&series->latency.duration), responses);
	assert_int_equal(pt_histogram_count(&series->latency.start), responses);
	assert_int_equal(series->latency.duration.bucket[3], responses);
	assert_int_equal(series->latency.duration.sum_ns, 1000 * responses);
	assert_int_equal(series->latency.start.sum_ns, 10 * responses);
}

static void each_pod_gets_its_own_series_in_order(void **state)
{
	const __u64 now = pt_now_ns();
	struct pt_snapshot snapshot;

	(void)state;
	put_pod(7, 0);
	put_pod(5, 0); /* without requests */
	put_pod(3, now - PT_RETENTION_NS / 2);
	put_pod(2, now - PT_RETENTION_NS - 1000000000);
	put_series(KEY(7, PT_CLIENT, PT_METHOD_GET, 200), 1);
	put_series(KEY(7, PT_SERVER, PT_METHOD_POST, 404), 2);
	put_series(KEY(7, PT_SERVER, PT_METHOD_POST, 4), 3);
	put_series(KEY(7, PT_SERVER, PT_METHOD_GET, 599), 4);
	put_series(KEY(3, PT_SERVER, PT_METHOD_GET, 200), 5);
	put_series(KEY(2, PT_SERVER, PT_METHOD_GET, 200), 6); /* longer gone than it is shown */
	put_series(KEY(6, PT_SERVER, PT_METHOD_GET, 200), 7); /* nobody's */
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 200), 8);
	put_series(KEY(9, PT_SERVER, PT_METHOD_GET, 200), 9);

	assert_int_equal(pt_snapshot_read(&dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 3);
	assert_int_equal(snapshot.pods[0].id, 3);
	assert_int_equal(snapshot.pods[0].series_count, 1);
	assert_series(&snapshot.pods[0], 0, PT_SERVER, PT_METHOD_GET, 200, 5);
	assert_int_equal(snapshot.pods[1].id, 5);
	assert_int_equal(snapshot.pods[1].series_count, 0);
	assert_int_equal(snapshot.pods[2].series_count, 4);
	assert_series(&snapshot.pods[2], 0, PT_SERVER, PT_METHOD_GET, 599, 4);
	assert_series(&snapshot.pods[2], 1, PT_SERVER, PT_METHOD_POST, 4, 3);
	assert_series(&snapshot.pods[2], 2, PT_SERVER, PT_METHOD_POST, 404, 2);
	assert_series(&snapshot.pods[2], 3, PT_CLIENT, PT_METHOD_GET, 200, 1);
	pt_snapshot_free(&snapshot);
}

/* Two lines of one series would make Prometheus refuse the page. */
static void what_looks_the_same_is_one_series(void **state)
{
	struct pt_http_key tls = KEY(1, PT_SERVER, PT_METHOD_GET, 200);
	struct pt_snapshot snapshot;

	(void)state;
	put_pod(1, 0);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 200), 1);
	tls.tls = 1;
	put_series(tls, 2);
	tls.tls = 255; /* no program of ours writes such */
	put_series(tls, 512);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 0), 4);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 6), 8);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 99), 16);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 600), 32);
	put_series(KEY(1, PT_SERVER, PT_METHOD_GET, 65535), 64);
	put_series(KEY(1, PT_ROLE_COUNT, PT_METHOD_GET, 200), 128); /* there is no such */
	put_series(KEY(1, PT_SERVER, PT_METHOD_COUNT, 200), 256);

	assert_int_equal(pt_snapshot_read(&dp, &snapshot), 0);
	assert_int_equal(snapshot.pods[0].series_count, 3);
	assert_series(&snapshot.pods[0], 0, PT_SERVER, PT_METHOD_GET, 0, 4 + 8 + 16 + 32 + 64);
	assert_series(&snapshot.pods[0], 1, PT_SERVER, PT_METHOD_GET, 200, 1);
	assert_int_equal(snapshot.pods[0].series[1].key.tls, 0);
	assert_series(&snapshot.pods[0], 2, PT_SERVER, PT_METHOD_GET, 200, 2 + 512);
	assert_int_equal(snapshot.pods[0].series[2].key.tls, 1);
	pt_snapshot_free(&snapshot);
}

static void what_a_pod_has_once_and_what_is_lost(void **state)
{
	const struct pt_http_pod http = { .queue = { .bucket = { 1, 2 }, .sum_ns = 3 },
					  .aborted = { { 4, 5 }, { 6, 7 } },
					  .overflow = 8,
					  .series = 9 };
	const struct pt_tls_connections tls = { .total = 10, .unseen = { 1, 2 }, .other = 3 };
	struct pt_snapshot snapshot;
	__u64 id = 1;

	(void)state;
	put_pod(1, 0);
	put_pod(2, 0);
	put(PT_MAP_HTTP_PODS, &id, &http);
	put(PT_MAP_TLS_CONNECTIONS, &id, &tls);
	for (__u32 i = 0; i < PT_HTTP_LOST_MAX; i++) {
		const struct pt_gave_up lost = { .count = 100 + i };

		put(PT_MAP_HTTP_LOST, &i, &lost);
	}
	assert_int_equal(pt_snapshot_read(&dp, &snapshot), 0);
	assert_memory_equal(&snapshot.pods[0].http, &http, sizeof(http));
	assert_memory_equal(&snapshot.pods[1].http, &(struct pt_http_pod){}, sizeof(http));
	assert_memory_equal(&snapshot.pods[0].tls, &tls, sizeof(tls));
	assert_memory_equal(&snapshot.pods[1].tls, &(struct pt_tls_connections){}, sizeof(tls));
	for (int i = 0; i < PT_LOST_COUNT; i++)
		assert_int_equal(snapshot.http_lost[i], 100 + i);
	pt_snapshot_free(&snapshot);
}

/* As many as the maps hold. Each is found, none twice. */
static void a_full_node_is_read_whole(void **state)
{
	const int each = PT_HTTP_SERIES_MAX / PT_PODS_MAX;
	struct pt_snapshot snapshot;

	(void)state;
	for (__u64 id = 1; id <= PT_PODS_MAX; id++) {
		put_pod(id, 0);
		for (int i = 0; i < each; i++)
			put_series(KEY(id, PT_SERVER, PT_METHOD_GET, 200 + i), id + i);
	}
	assert_int_equal(pt_snapshot_read(&dp, &snapshot), 0);
	assert_int_equal(snapshot.count, PT_PODS_MAX);
	for (size_t i = 0; i < snapshot.count; i++) {
		assert_int_equal(snapshot.pods[i].series_count, each);
		for (int k = 0; k < each; k++)
			assert_series(&snapshot.pods[i], k, PT_SERVER, PT_METHOD_GET, 200 + k,
				      snapshot.pods[i].id + k);
	}
	pt_snapshot_free(&snapshot);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)
	const struct CMUnitTest tests[] = {
		TEST(each_pod_gets_its_own_series_in_order),
		TEST(what_looks_the_same_is_one_series),
		TEST(what_a_pod_has_once_and_what_is_lost),
		TEST(a_full_node_is_read_whole),
	};

	return cmocka_run_group_tests_name("snapshot", tests, private_bpffs, NULL);
}
