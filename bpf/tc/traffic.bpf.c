// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Count each packet of a pod's interface, and on request mark what the pod sends.
 *
 * Attached to the pod's end of its interface (clsact), where ingress is what the pod receives, or
 * to the host end (tcx), where ingress is what the pod sends. It never decides a packet's fate:
 * every path returns TC_ACT_UNSPEC, which tcx calls TCX_NEXT. Only podtag_tcx_mark writes to a
 * packet, and only its mark.
 *
 * Counters are per CPU and need no atomics: both hooks run with bottom halves disabled, so a CPU
 * is in one of them at a time.
 */
#include "bpf/maps.bpf.h"

enum { ON_INGRESS, ON_EGRESS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} on_tc SEC(".maps");

static struct pt_traffic *traffic_of(struct pt_port port)
{
	struct pt_traffic *traffic = bpf_map_lookup_elem(&pod_traffic, &port);

	if (!traffic)
		give_up(PT_TRAFFIC_NO_POD);

	return traffic;
}

static int receive(struct __sk_buff *skb, struct pt_port port)
{
	struct pt_traffic *traffic = traffic_of(port);

	if (traffic) {
		traffic->receive_packets++;
		traffic->receive_bytes += skb->len;
	}

	return TC_ACT_UNSPEC;
}

static int transmit(struct __sk_buff *skb, struct pt_port port)
{
	struct pt_traffic *traffic = traffic_of(port);

	if (traffic) {
		traffic->transmit_packets++;
		traffic->transmit_bytes += skb->len;
	}

	return TC_ACT_UNSPEC;
}

SEC("tc")
int podtag_tcx_in(struct __sk_buff *skb)
{
	return transmit(skb, (struct pt_port){ .ifindex = skb->ifindex });
}

SEC("tc")
int podtag_tcx_out(struct __sk_buff *skb)
{
	return receive(skb, (struct pt_port){ .ifindex = skb->ifindex });
}

/* In place of podtag_tcx_in where the configuration has a markMask. */
SEC("tc")
int podtag_tcx_mark(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	struct pt_interface *interface = bpf_map_lookup_elem(&pod_by_ifindex, &ifindex);

	if (interface)
		skb->mark = (skb->mark & ~interface->mark_mask) | interface->mark;

	return podtag_tcx_in(skb);
}

/* The two filters on the pod's end. Replacing a filter would mean entering each pod's namespace, so
 * what is attached only jumps, and an upgrade replaces where to, for all pods at once. */
SEC("tc")
int podtag_cls_in(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &on_tc, ON_INGRESS);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int podtag_cls_out(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &on_tc, ON_EGRESS);
	return TC_ACT_UNSPEC;
}

/* An ifindex means nothing outside its namespace; the filter's classid is the pod's slot. */
SEC("tc")
int podtag_pod_in(struct __sk_buff *skb)
{
	return receive(skb, (struct pt_port){ .slot = skb->tc_classid });
}

SEC("tc")
int podtag_pod_out(struct __sk_buff *skb)
{
	return transmit(skb, (struct pt_port){ .slot = skb->tc_classid });
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
