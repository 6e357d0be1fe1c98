// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a tc program costs that does nothing: the other half of each pair. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return -1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
