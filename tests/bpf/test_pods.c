// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The life of pods in the pinned maps, and what is left when a process dies in the middle of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/each.h"
#include "bpf/pods.h"
#include "bpf/snapshot.h"
#include "tests/bpf/private_bpffs.h"

struct fixture {
	struct pt_datapath dp;
	int lock;
};

static int load(void **state)
{
	static struct fixture fixture;
	char text[4096];

	fixture.lock = pt_datapath_lock(1000);
	if (fixture.lock < 0 || pt_datapath_load(text, sizeof(text)) != PT_LOAD_CREATED) {
		print_error("%s\n", text);
		return -1;
	}
	*state = &fixture;
	return pt_datapath_open(&fixture.dp);
}

static int unload(void **state)
{
	struct fixture *fixture = *state;

	pt_datapath_close(&fixture->dp);
	close(fixture->lock);
	return pt_datapath_unload();
}

static struct pt_attachment_key key_of(const char *container, const char *ifname)
{
	struct pt_attachment_key key = {};

	pt_text_fit(key.network, sizeof(key.network), "net");
	pt_text_fit(key.container_id, sizeof(key.container_id), container);
	pt_text_fit(key.ifname, sizeof(key.ifname), ifname);
	return key;
}

static struct pt_pod pod_of(const char *container, const char *ifname, __u32 netns, __u32 ifindex)
{
	struct pt_pod pod = { .netns = netns, .ifindex = ifindex };

	pt_text_fit(pod.namespace, sizeof(pod.namespace), "shop");
	pt_text_fit(pod.name, sizeof(pod.name), container);
	pt_text_fit(pod.container_id, sizeof(pod.container_id), container);
	pt_text_fit(pod.ifname, sizeof(pod.ifname), ifname);
	pt_text_fit(pod.ipv4, sizeof(pod.ipv4), strcmp(ifname, "net1") ? "10.1.0.9" : "10.2.0.9");
	pt_text_fit(pod.ipv6, sizeof(pod.ipv6), strcmp(ifname, "net1") ? "fd00::9" : "fd01::9");
	return pod;
}

/* A series, as the pod's first response makes one. */
static void answer(struct fixture *fixture, __u64 pod_id)
{
	const struct pt_http_key key = { .pod_id = pod_id, .status = 200, .method = PT_METHOD_GET };
	const struct pt_tls_connections connections = {};
	const struct pt_http_latency zeros = {};

	assert_int_equal(
		bpf_map_update_elem(fixture->dp.maps[PT_MAP_HTTP_LATENCY], &key, &zeros, 0), 0);
	assert_int_equal(bpf_map_update_elem(fixture->dp.maps[PT_MAP_TLS_CONNECTIONS], &key.pod_id,
					     &connections, 0),
			 0);
}

/* All that an ADD does but the hooks. */
static struct pt_attachment add(struct fixture *fixture, const char *container, const char *ifname,
				__u32 netns, __u32 ifindex)
{
	struct pt_attachment_key key = key_of(container, ifname);
	struct pt_pod pod = pod_of(container, ifname, netns, ifindex);
	struct pt_attachment attachment;

	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_UNSAID, &attachment), 0);
	attachment.hook = PT_HOOK_CLSACT;
	assert_int_equal(pt_attachment_write(&fixture->dp, &key, &attachment), 0);
	answer(fixture, attachment.pod_id);
	return attachment;
}

static void del(struct fixture *fixture, const char *container, const char *ifname)
{
	struct pt_attachment_key key = key_of(container, ifname);

	assert_int_equal(pt_attachment_end(&fixture->dp, &key), 0);
}

static __u64 entries(enum pt_map map)
{
	struct pt_map_record maps[PT_RECORDS_MAX];
	int count = pt_maps_read(maps, PT_RECORDS_MAX);

	for (int i = 0; i < count; i++)
		if (!strcmp(maps[i].name, pt_map_names[map]))
			return maps[i].entries;
	fail_msg("no map %s", pt_map_names[map]);
	return 0;
}

static __u64 pod_in_netns(struct fixture *fixture, __u32 netns)
{
	struct pt_pod_ref ref;

	if (bpf_map_lookup_elem(fixture->dp.maps[PT_MAP_POD_BY_NETNS], &netns, &ref))
		return 0;
	return ref.pod_id;
}

static struct pt_pod read_pod(struct fixture *fixture, __u64 id)
{
	struct pt_pod pod;

	assert_int_equal(bpf_map_lookup_elem(fixture->dp.maps[PT_MAP_PODS], &id, &pod), 0);
	return pod;
}

static __u64 slot_owner(struct fixture *fixture, __u32 classid)
{
	struct pt_traffic slot[libbpf_num_possible_cpus()];
	__u32 key = PT_SLOT(classid);

	assert_int_equal(bpf_map_lookup_elem(fixture->dp.maps[PT_MAP_POD_TRAFFIC], &key, slot), 0);
	return slot[0].pod_id;
}

static void age_by(struct fixture *fixture, __u64 id, __u64 ns)
{
	struct pt_pod pod = read_pod(fixture, id);

	pod.deleted_ns -= ns;
	assert_int_equal(bpf_map_update_elem(fixture->dp.maps[PT_MAP_PODS], &id, &pod, 0), 0);
}

static void age(struct fixture *fixture, __u64 id)
{
	age_by(fixture, id, PT_REMOVAL_NS + 1);
}

static void assert_empty(struct fixture *fixture)
{
	struct pt_traffic slot[libbpf_num_possible_cpus()];

	for (int map = PT_MAP_PODS; map <= PT_MAP_ATTACHMENTS; map++) {
		if (map == PT_MAP_POD_TRAFFIC || map == PT_MAP_HTTP_LOST)
			continue;
		print_message("  %s\n", pt_map_names[map]);
		assert_int_equal(entries(map), 0);
	}
	for (__u32 i = 0; i < PT_SLOTS; i++) {
		assert_int_equal(
			bpf_map_lookup_elem(fixture->dp.maps[PT_MAP_POD_TRAFFIC], &i, slot), 0);
		assert_int_equal(slot[0].pod_id, 0);
		assert_int_equal(slot[0].classid, 0);
	}
}

static void texts_that_do_not_fit_stay_different(void **state)
{
	char a[32], b[32];

	(void)state;
	memset(a, 'x', sizeof(a));
	pt_text_fit(a, sizeof(a), "0123456789012345678901234567890");
	assert_string_equal(a, "0123456789012345678901234567890");
	pt_text_fit(a, sizeof(a), "01234567890123456789012345678901");
	pt_text_fit(b, sizeof(b), "01234567890123456789012345678902");
	assert_int_equal(strlen(a), 31);
	assert_memory_equal(a, b, 14);
	assert_int_equal(a[14], '~');
	assert_string_not_equal(a, b);
	pt_text_fit(a, sizeof(a), "0123456789012\xc3\xa9 and so on and so on");
	assert_memory_equal(a, "0123456789012~", 14); /* no half of an e with an accent */
	pt_text_fit(b, sizeof(b), "");
	assert_memory_equal(b, (char[32]){}, 32);
}

static void a_pod_lives_and_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment one = add(fixture, "one", "eth0", 111, 11);
	struct pt_snapshot snapshot;

	assert_int_equal(pod_in_netns(fixture, 111), one.pod_id);
	assert_int_equal(pt_snapshot_read(&fixture->dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 1);
	assert_true(snapshot.pods[0].attached);
	assert_string_equal(snapshot.pods[0].pod.name, "one");
	pt_snapshot_free(&snapshot);

	del(fixture, "one", "eth0");
	del(fixture, "one", "eth0");
	assert_int_equal(pod_in_netns(fixture, 111), 0);
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 0);
	assert_int_equal(entries(PT_MAP_POD_BY_IFINDEX), 0);
	assert_int_equal(entries(PT_MAP_ATTACHMENTS), 0);

	/* its last values stay for a while */
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_int_equal(entries(PT_MAP_TCP_RETRANSMITS), 1);
	assert_int_equal(entries(PT_MAP_HTTP_LATENCY), 1);
	assert_int_equal(entries(PT_MAP_TLS_CONNECTIONS), 1);
	assert_int_equal(pt_snapshot_read(&fixture->dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 1);
	assert_false(snapshot.pods[0].attached);
	pt_snapshot_free(&snapshot);

	/* nobody begins to read it any more, but who has begun is not shown zeros */
	age_by(fixture, one.pod_id, PT_RETENTION_NS + 1);
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_int_equal(pt_snapshot_read(&fixture->dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 0);
	pt_snapshot_free(&snapshot);
	assert_int_equal(entries(PT_MAP_TCP_RETRANSMITS), 1);
	assert_int_equal(slot_owner(fixture, one.classid), one.pod_id);

	age(fixture, one.pod_id);
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_empty(fixture);
}

static void a_repeated_add_is_the_same_pod(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment first = add(fixture, "one", "eth0", 111, 11);
	struct pt_attachment again = add(fixture, "one", "eth0", 111, 11);

	assert_int_equal(first.pod_id, again.pod_id);
	assert_int_equal(first.classid, again.classid);

	/* after a DEL it is another one, and never an old id */
	del(fixture, "one", "eth0");
	again = add(fixture, "one", "eth0", 111, 11);
	assert_true(again.pod_id > first.pod_id);
	assert_int_equal(read_pod(fixture, again.pod_id).deleted_ns, 0);
}

static void a_second_interface_is_the_same_pod(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment eth0 = add(fixture, "one", "eth0", 111, 11);
	struct pt_attachment net1 = add(fixture, "one", "net1", 111, 12);

	assert_int_equal(eth0.pod_id, net1.pod_id);
	assert_int_equal(eth0.classid, net1.classid);
	assert_string_equal(read_pod(fixture, eth0.pod_id).ifname, "eth0");
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 4);

	del(fixture, "one", "eth0");
	assert_int_equal(pod_in_netns(fixture, 111), eth0.pod_id);
	del(fixture, "one", "net1");
	assert_int_equal(pod_in_netns(fixture, 111), 0);
	assert_int_not_equal(read_pod(fixture, eth0.pod_id).deleted_ns, 0);
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 0);
}

/* The kernel gives a namespace's number again; without a DEL the old pod would get the new one's.
 */
/* Of two ADDs of a pod only one may know its annotations, whichever comes first. */
static void what_a_pod_wants_of_tls_lives_as_long_as_it(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment_key key = key_of("one", "eth0");
	struct pt_pod pod = pod_of("one", "eth0", 111, 11);
	struct pt_attachment attachment;
	struct pt_snapshot snapshot;

	add(fixture, "two", "eth0", 112, 12);
	assert_int_equal(entries(PT_MAP_TLS_WANTED), 0);
	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_OFF, &attachment), 0);
	add(fixture, "one", "net1", 111, 13);
	assert_true(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_OFF));
	assert_true(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_UNSAID));
	assert_false(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_ON));
	assert_int_equal(pt_snapshot_read(&fixture->dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 2);
	assert_int_equal(snapshot.pods[0].tls_mode, PT_TLS_UNSAID);
	assert_int_equal(snapshot.pods[1].tls_mode, PT_TLS_OFF);
	pt_snapshot_free(&snapshot);

	del(fixture, "one", "eth0");
	del(fixture, "one", "net1");
	del(fixture, "two", "eth0");
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_int_equal(entries(PT_MAP_TLS_WANTED), 1);
	age(fixture, 1);
	age(fixture, attachment.pod_id);
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_empty(fixture);
}

/* As a podtag has left it that did not know the map. */
static void without_the_newest_map_pods_live_until_a_load(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment_key key = key_of("one", "eth0");
	struct pt_pod pod = pod_of("one", "eth0", 111, 11);
	struct pt_attachment attachment;
	struct pt_snapshot snapshot;
	char text[1024];

	pt_datapath_close(&fixture->dp);
	assert_int_equal(unlink(PT_DIR "/maps/tls_wanted"), 0);
	assert_int_equal(pt_datapath_open(&fixture->dp), 0);
	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_OFF, &attachment), 0);
	assert_true(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_OFF));
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_int_equal(pt_snapshot_read(&fixture->dp, &snapshot), 0);
	assert_int_equal(snapshot.count, 1);
	assert_int_equal(snapshot.pods[0].tls_mode, PT_TLS_UNSAID);
	pt_snapshot_free(&snapshot);

	fixture->dp.info->object_hash++; /* its programs were others, too */
	assert_int_equal(pt_datapath_load(text, sizeof(text)), PT_LOAD_UPGRADED);
	pt_datapath_close(&fixture->dp);
	assert_int_equal(pt_datapath_open(&fixture->dp), 0);
	assert_false(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_OFF));
	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_OFF, &attachment), 0);
	assert_true(pt_pod_has_tls(&fixture->dp, attachment.pod_id, PT_TLS_OFF));
}

static void a_reused_netns_number_ends_the_old_pod(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment old = add(fixture, "old", "eth0", 111, 11);
	struct pt_attachment new = add(fixture, "new", "eth0", 111, 12);

	assert_int_not_equal(old.pod_id, new.pod_id);
	assert_int_equal(pod_in_netns(fixture, 111), new.pod_id);
	assert_int_not_equal(read_pod(fixture, old.pod_id).deleted_ns, 0);

	/* the late DEL takes nothing from the new one */
	del(fixture, "old", "eth0");
	assert_int_equal(pod_in_netns(fixture, 111), new.pod_id);
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 2);
}

/* Two networks of a node may give one address to two pods. */
static void an_address_stays_with_its_last_owner(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, "first", "eth0", 111, 11);
	add(fixture, "second", "eth0", 112, 12);
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 2);
	del(fixture, "first", "eth0");
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 2);
	del(fixture, "second", "eth0");
	assert_int_equal(entries(PT_MAP_POD_BY_IP), 0);
}

static bool is_two(const struct pt_attachment_key *key, void *arg)
{
	++*(int *)arg;
	return !strcmp(key->container_id, "two");
}

static void gc_keeps_what_is_wanted_and_other_networks(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment_key foreign = key_of("one", "eth0");
	struct pt_pod pod = pod_of("four", "eth0", 114, 14);
	struct pt_attachment attachment;
	int asked = 0;

	add(fixture, "one", "eth0", 111, 11);
	add(fixture, "two", "eth0", 112, 12);
	add(fixture, "three", "eth0", 113, 13);
	pt_text_fit(foreign.network, sizeof(foreign.network), "other");
	assert_int_equal(pt_pod_begin(&fixture->dp, &foreign, &pod, PT_TLS_UNSAID, &attachment), 0);

	assert_int_equal(pt_network_gc(&fixture->dp, "net", is_two, &asked), 0);
	assert_int_equal(asked, 3);
	assert_int_equal(entries(PT_MAP_ATTACHMENTS), 2);
	assert_int_equal(pod_in_netns(fixture, 111), 0);
	assert_int_not_equal(pod_in_netns(fixture, 112), 0);
	assert_int_not_equal(pod_in_netns(fixture, 114), 0);
}

/* The state after a SIGKILL behind each step of an ADD, made by taking the later steps' entries
 * away; the sweep then ends up with nothing, and so does a repeated ADD with its DEL. */
static void the_sweep_mends_what_a_kill_left(void **state)
{
	static const enum pt_map order[] = { PT_MAP_ATTACHMENTS, PT_MAP_PODS,
					     PT_MAP_TCP_RETRANSMITS, PT_MAP_POD_BY_NETNS };
	struct fixture *fixture = *state;

	for (size_t steps = 1; steps <= 4; steps++) {
		struct pt_attachment one = add(fixture, "one", "eth0", 111, 11);
		struct pt_attachment_key key = key_of("one", "eth0");
		const void *keys[] = { &key, &one.pod_id, &one.pod_id, &one.netns };

		print_message("  killed after step %zu\n", steps);
		for (size_t i = steps; i < 4; i++)
			assert_int_equal(bpf_map_delete_elem(fixture->dp.maps[order[i]], keys[i]),
					 0);

		if (steps < 4) /* the slot is written right before the namespace */
			assert_int_equal(pt_slot_clear(&fixture->dp, one.classid), 0);
		if (steps >= 2) /* the runtime's GC or DEL ends it */
			del(fixture, "one", "eth0");
		assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
		if (steps >= 2)
			age(fixture, one.pod_id);
		assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
		assert_empty(fixture);
	}
}

static void a_killed_del_is_finished_by_the_sweep(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment one = add(fixture, "one", "eth0", 111, 11);
	struct pt_attachment_key key = key_of("one", "eth0");

	bpf_map_delete_elem(fixture->dp.maps[PT_MAP_ATTACHMENTS], &key);
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_int_equal(pod_in_netns(fixture, 111), 0);
	assert_int_not_equal(read_pod(fixture, one.pod_id).deleted_ns, 0);
	age(fixture, one.pod_id);
	assert_int_equal(pt_pods_sweep(&fixture->dp), 0);
	assert_empty(fixture);
}

static void a_full_map_is_an_error_and_no_pod(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment_key key = key_of("last", "eth0");
	struct pt_pod pod = pod_of("last", "eth0", 1, 0);
	struct pt_attachment attachment;
	char name[32];

	for (__u32 i = 0; i < PT_PODS_MAX; i++) {
		snprintf(name, sizeof(name), "pod-%u", i);
		add(fixture, name, "eth0", 100000 + i, 0);
	}
	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_UNSAID, &attachment),
			 -E2BIG);
	assert_int_equal(pod_in_netns(fixture, 1), 0);
	assert_int_equal(pt_attachment_end(&fixture->dp, &key), 0);

	/* a deleted pod's room is given back, without an agent too */
	del(fixture, "pod-7", "eth0");
	age(fixture, 8);
	assert_int_equal(pt_pod_begin(&fixture->dp, &key, &pod, PT_TLS_UNSAID, &attachment), 0);
}

static void a_load_is_idempotent_and_an_upgrade_keeps_the_counts(void **state)
{
	struct fixture *fixture = *state;
	struct pt_attachment one = add(fixture, "one", "eth0", 111, 11);
	const struct pt_retransmits counted = { .rto = 5, .tlp = 7 };
	struct pt_retransmits now;
	char text[4096];

	assert_int_equal(pt_datapath_load(text, sizeof(text)), PT_LOAD_NOTHING);
	assert_int_equal(bpf_map_update_elem(fixture->dp.maps[PT_MAP_TCP_RETRANSMITS], &one.pod_id,
					     &counted, 0),
			 0);
	close(fixture->lock); /* pt_http_load() takes it */
	assert_int_equal(pt_http_load(text, sizeof(text)), PT_LOAD_CREATED);
	assert_true(pt_datapath_is_current(&fixture->dp));
	assert_int_equal(pt_http_load(text, sizeof(text)), PT_LOAD_NOTHING);

	fixture->dp.info->object_hash ^= 1; /* as if another build were loaded */
	fixture->dp.info->http_hash ^= 1;
	assert_false(pt_datapath_is_current(&fixture->dp));
	assert_int_equal(pt_datapath_load(text, sizeof(text)), PT_LOAD_UPGRADED);
	assert_false(pt_datapath_is_current(&fixture->dp));
	assert_int_equal(pt_http_load(text, sizeof(text)), PT_LOAD_UPGRADED);
	assert_true(pt_datapath_is_current(&fixture->dp));
	assert_int_equal(
		bpf_map_lookup_elem(fixture->dp.maps[PT_MAP_TCP_RETRANSMITS], &one.pod_id, &now),
		0);
	assert_memory_equal(&now, &counted, sizeof(now));
	assert_int_equal(fixture->dp.info->last_pod_id, one.pod_id);
	fixture->lock = pt_datapath_lock(1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)
	const struct CMUnitTest tests[] = {
		TEST(texts_that_do_not_fit_stay_different),
		TEST(a_pod_lives_and_leaves_nothing),
		TEST(a_repeated_add_is_the_same_pod),
		TEST(a_second_interface_is_the_same_pod),
		TEST(what_a_pod_wants_of_tls_lives_as_long_as_it),
		TEST(without_the_newest_map_pods_live_until_a_load),
		TEST(a_reused_netns_number_ends_the_old_pod),
		TEST(an_address_stays_with_its_last_owner),
		TEST(gc_keeps_what_is_wanted_and_other_networks),
		TEST(the_sweep_mends_what_a_kill_left),
		TEST(a_killed_del_is_finished_by_the_sweep),
		TEST(a_full_map_is_an_error_and_no_pod),
		TEST(a_load_is_idempotent_and_an_upgrade_keeps_the_counts),
	};

	return cmocka_run_group_tests_name("pods", tests, private_bpffs, NULL);
}
