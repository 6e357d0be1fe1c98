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

static int receive(struct __sk_buff *skb, struct pt_traffic *traffic)
{
	if (traffic) {
		traffic->receive_packets++;
		traffic->receive_bytes += skb->len;
	} else {
		give_up(PT_TRAFFIC_NO_POD);
	}

	return TC_ACT_UNSPEC;
}

static int transmit(struct __sk_buff *skb, struct pt_traffic *traffic)
{
	if (traffic) {
		traffic->transmit_packets++;
		traffic->transmit_bytes += skb->len;
	} else {
		give_up(PT_TRAFFIC_NO_POD);
	}

	return TC_ACT_UNSPEC;
}

/* The slot's counters, unless it is another pod's by now. */
static struct pt_traffic *by_classid(__u32 classid)
{
	__u32 slot = PT_SLOT(classid);
	struct pt_traffic *traffic = bpf_map_lookup_elem(&pod_traffic, &slot);

	return traffic && traffic->classid == classid ? traffic : NULL;
}

static struct pt_traffic *by_ifindex(__u32 ifindex)
{
	struct pt_interface *interface = bpf_map_lookup_elem(&pod_by_ifindex, &ifindex);

	return interface ? by_classid(interface->classid) : NULL;
}

SEC("tc")
int podtag_tcx_in(struct __sk_buff *skb)
{
	return transmit(skb, by_ifindex(skb->ifindex));
}

SEC("tc")
int podtag_tcx_out(struct __sk_buff *skb)
{
	return receive(skb, by_ifindex(skb->ifindex));
}

/* In place of podtag_tcx_in where the configuration has a markMask. */
SEC("tc")
int podtag_tcx_mark(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	struct pt_interface *interface = bpf_map_lookup_elem(&pod_by_ifindex, &ifindex);

	if (interface)
		skb->mark = (skb->mark & ~interface->mark_mask) | interface->mark;

	return transmit(skb, interface ? by_classid(interface->classid) : NULL);
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

SEC("tc")
int podtag_pod_in(struct __sk_buff *skb)
{
	return receive(skb, by_classid(skb->tc_classid));
}

SEC("tc")
int podtag_pod_out(struct __sk_buff *skb)
{
	return transmit(skb, by_classid(skb->tc_classid));
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
