// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What programs cost that do nothing, at each hook where podtag has one: the other half of each
 * pair. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int empty_in(struct __sk_buff *skb)
{
	return -1;
}

SEC("tc")
int empty_out(struct __sk_buff *skb)
{
	return -1;
}

SEC("tp_btf/inet_sock_set_state")
int empty_state(void *ctx)
{
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int empty_rexmit(void *ctx)
{
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int empty_synack(void *ctx)
{
	return 0;
}

SEC("cgroup_skb/ingress")
int empty_skb_in(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/egress")
int empty_skb_out(struct __sk_buff *skb)
{
	return 1;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int empty_read(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
