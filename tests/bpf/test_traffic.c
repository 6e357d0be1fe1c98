// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The traffic programs on packets of every shape, by BPF_PROG_TEST_RUN. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if_ether.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/types.h"
#include "podtag.skel.h"

#define TC_ACT_UNSPEC (-1)
#define LO_IFINDEX    1 /* what a test run has as skb->ifindex when the context names none */
#define POD           42

static int load(void **state)
{
	struct podtag_bpf *skel = podtag_bpf__open();
	struct bpf_program *program;

	if (!skel)
		return -1;
	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(
		program, bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS);
	*state = skel;
	return podtag_bpf__load(skel);
}

static int unload(void **state)
{
	podtag_bpf__destroy(*state);
	return 0;
}

/* A pod in slot 0, the one that a test run's classid of 0 names, and on the test run's interface.
 */
static void count_pod(struct podtag_bpf *skel)
{
	const struct pt_interface interface = { .pod_id = POD };
	int cpus = libbpf_num_possible_cpus();
	struct pt_traffic *zero = calloc(cpus, sizeof(*zero));
	__u32 slot = 0, ifindex = LO_IFINDEX;

	assert_non_null(zero);
	for (int i = 0; i < cpus; i++)
		zero[i].pod_id = POD;
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(skel->maps.pod_traffic), &slot, zero, BPF_ANY), 0);
	free(zero);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.pod_by_ifindex), &ifindex,
					     &interface, BPF_ANY),
			 0);
}

static struct pt_traffic sum(struct podtag_bpf *skel)
{
	int cpus = libbpf_num_possible_cpus();
	struct pt_traffic *each = calloc(cpus, sizeof(*each)), sum = {};
	__u32 slot = 0;

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.pod_traffic), &slot, each), 0);
	for (int i = 0; i < cpus; i++) {
		sum.receive_packets += each[i].receive_packets;
		sum.receive_bytes += each[i].receive_bytes;
		sum.transmit_packets += each[i].transmit_packets;
		sum.transmit_bytes += each[i].transmit_bytes;
	}
	free(each);
	return sum;
}

static __u64 gave_up(struct podtag_bpf *skel, __u32 reason)
{
	struct pt_gave_up path;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.gave_up), &reason, &path), 0);
	return path.count;
}

/* Runs a program on a packet; what comes back must be the packet, untouched. */
static struct __sk_buff run(struct bpf_program *program, const void *packet, __u32 size, int repeat,
			    struct __sk_buff context)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = size,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .ctx_out = &context,
		    .ctx_size_out = sizeof(context), .repeat = repeat);
	char *out = malloc(size);

	assert_non_null(out);
	opts.data_out = out;
	opts.data_size_out = size;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	assert_int_equal((int)opts.retval, TC_ACT_UNSPEC);
	assert_int_equal(opts.data_size_out, size);
	assert_memory_equal(out, packet, size);
	free(out);
	return context;
}

/* What a frame starts with is all that differs here; the programs do not look further. */
static const struct {
	const char *what;
	__u16 protocol;
	__u32 size;
} shapes[] = {
	{ "IPv4", ETH_P_IP, 74 },
	{ "IPv6", ETH_P_IPV6, 94 },
	{ "VLAN", ETH_P_8021Q, 78 },
	{ "ARP", ETH_P_ARP, 42 },
	{ "truncated: one byte behind the Ethernet header", ETH_P_ARP, ETH_HLEN + 1 },
	{ "a large frame", ETH_P_IP, 3000 },
};

static struct {
	struct ethhdr eth;
	char rest[8192];
} packet;

static void counts_each_shape_once_by_direction(void **state)
{
	struct podtag_bpf *skel = *state;
	__u64 packets = 0, bytes = 0;
	struct pt_traffic got;

	count_pod(skel);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		print_message("  %s\n", shapes[i].what);
		packet.eth.h_proto = htons(shapes[i].protocol);
		run(skel->progs.podtag_tcx_in, &packet, shapes[i].size, 3, (struct __sk_buff){});
		run(skel->progs.podtag_tcx_out, &packet, shapes[i].size, 2, (struct __sk_buff){});
		packets++;
		bytes += shapes[i].size;

		got = sum(skel);
		assert_int_equal(got.transmit_packets, 3 * packets);
		assert_int_equal(got.transmit_bytes, 3 * bytes);
		assert_int_equal(got.receive_packets, 2 * packets);
		assert_int_equal(got.receive_bytes, 2 * bytes);
	}
	assert_int_equal(gave_up(skel, PT_TRAFFIC_NO_POD), 0);
}

/* A context with a gso_size makes the test run's skb one with segments: one packet to an
 * interface's counters, and to these. */
static void counts_a_gso_packet_as_one(void **state)
{
	struct __sk_buff gso = { .gso_segs = 4, .gso_size = 1448 };
	struct podtag_bpf *skel = *state;
	struct pt_traffic got;

	count_pod(skel);
	packet.eth.h_proto = htons(ETH_P_IP);
	run(skel->progs.podtag_tcx_in, &packet, 3000, 1, gso);
	got = sum(skel);
	assert_int_equal(got.transmit_packets, 1);
	assert_int_equal(got.transmit_bytes, 3000);
}

/* data_end in the context asks for a linear part of that size, the rest in fragments. Kernels
 * before 6.18 have no such test run; there the end-to-end tests alone send such packets. */
static void counts_a_packet_in_fragments(void **state)
{
	struct __sk_buff context = { .data_end = 64 };
	struct podtag_bpf *skel = *state;
	struct pt_traffic got;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &packet, .data_size_in = 3000,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));

	count_pod(skel);
	packet.eth.h_proto = htons(ETH_P_IP);
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.podtag_tcx_in), &opts) == -EINVAL) {
		print_message("  no test run with fragments in this kernel\n");
		skip();
	}
	assert_int_equal((int)opts.retval, TC_ACT_UNSPEC);
	got = sum(skel);
	assert_int_equal(got.transmit_packets, 1);
	assert_int_equal(got.transmit_bytes, 3000);
}

static void counts_what_no_pod_has(void **state)
{
	struct podtag_bpf *skel = *state;

	struct pt_traffic other[libbpf_num_possible_cpus()];
	__u32 slot = 0;

	packet.eth.h_proto = htons(ETH_P_IP);
	run(skel->progs.podtag_tcx_in, &packet, 74, 5, (struct __sk_buff){});
	assert_int_equal(gave_up(skel, PT_TRAFFIC_NO_POD), 5);

	/* a filter of a pod that had the slot before */
	memset(other, 0, sizeof(other));
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		other[i].classid = 1u << PT_SLOT_BITS;
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(skel->maps.pod_traffic), &slot, other, BPF_ANY), 0);
	run(skel->progs.podtag_pod_in, &packet, 74, 2, (struct __sk_buff){});
	run(skel->progs.podtag_pod_out, &packet, 74, 1, (struct __sk_buff){});
	assert_int_equal(gave_up(skel, PT_TRAFFIC_NO_POD), 8);
	assert_int_equal(sum(skel).receive_packets, 0);
	assert_int_equal(sum(skel).transmit_packets, 0);
}

static void on_the_pods_end_ingress_is_received(void **state)
{
	struct podtag_bpf *skel = *state;
	struct pt_traffic got;

	count_pod(skel);
	packet.eth.h_proto = htons(ETH_P_IPV6);
	run(skel->progs.podtag_pod_in, &packet, 94, 4, (struct __sk_buff){});
	run(skel->progs.podtag_pod_out, &packet, 94, 1, (struct __sk_buff){});
	got = sum(skel);
	assert_int_equal(got.receive_packets, 4);
	assert_int_equal(got.receive_bytes, 4 * 94);
	assert_int_equal(got.transmit_packets, 1);
	assert_int_equal(got.transmit_bytes, 94);
}

static void stubs_run_their_handler_or_nothing(void **state)
{
	struct podtag_bpf *skel = *state;
	__u32 ingress = 0, egress = 1;
	struct pt_traffic got;
	int fd;

	count_pod(skel);
	packet.eth.h_proto = htons(ETH_P_IP);
	run(skel->progs.podtag_cls_in, &packet, 74, 1, (struct __sk_buff){});
	got = sum(skel);
	assert_int_equal(got.receive_packets, 0);

	fd = bpf_program__fd(skel->progs.podtag_pod_in);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.on_tc), &ingress, &fd, 0), 0);
	fd = bpf_program__fd(skel->progs.podtag_pod_out);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.on_tc), &egress, &fd, 0), 0);
	run(skel->progs.podtag_cls_in, &packet, 74, 2, (struct __sk_buff){});
	run(skel->progs.podtag_cls_out, &packet, 74, 3, (struct __sk_buff){});
	got = sum(skel);
	assert_int_equal(got.receive_packets, 2);
	assert_int_equal(got.transmit_packets, 3);
}

static void marks_only_the_bits_of_the_mask(void **state)
{
	const struct pt_interface interface = { .pod_id = POD,
						.mark = 0x002a0000,
						.mark_mask = 0x00ff0000 };
	struct __sk_buff context = { .mark = 0xdeadbeef };
	struct podtag_bpf *skel = *state;
	__u32 ifindex = LO_IFINDEX;

	count_pod(skel);
	packet.eth.h_proto = htons(ETH_P_IP);

	context = run(skel->progs.podtag_tcx_mark, &packet, 74, 1, context);
	assert_int_equal(context.mark, 0xdeadbeef); /* an interface without a mark */

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.pod_by_ifindex), &ifindex,
					     &interface, BPF_ANY),
			 0);
	context = run(skel->progs.podtag_tcx_mark, &packet, 74, 1, context);
	assert_int_equal(context.mark, 0xde2abeef);
	assert_int_equal(sum(skel).transmit_packets, 2);

	context.mark = 0xdeadbeef;
	context = run(skel->progs.podtag_tcx_in, &packet, 74, 1, context);
	assert_int_equal(context.mark, 0xdeadbeef); /* the one that everybody gets */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_each_shape_once_by_direction, load, unload),
		cmocka_unit_test_setup_teardown(counts_a_gso_packet_as_one, load, unload),
		cmocka_unit_test_setup_teardown(counts_a_packet_in_fragments, load, unload),
		cmocka_unit_test_setup_teardown(counts_what_no_pod_has, load, unload),
		cmocka_unit_test_setup_teardown(on_the_pods_end_ingress_is_received, load, unload),
		cmocka_unit_test_setup_teardown(stubs_run_their_handler_or_nothing, load, unload),
		cmocka_unit_test_setup_teardown(marks_only_the_bits_of_the_mask, load, unload),
	};

	return cmocka_run_group_tests_name("traffic programs", tests, NULL, NULL);
}
