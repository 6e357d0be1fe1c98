// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What programs cost that do nothing, at each hook where podtag has one: the other half of each
 * pair. And what two cost that do nothing with what they look up and read. */
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

SEC("tp_btf/tcp_destroy_sock")
int empty_gone(void *ctx)
{
	return 0;
}

SEC("uprobe")
int empty_call(void *ctx)
{
	return 0;
}

SEC("uretprobe")
int empty_return(void *ctx)
{
	return 0;
}

/* Most of a small message. */
#define TEXT 64

struct value {
	__u64 now_ns;
	__u8 text[TEXT];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct value);
} values SEC(".maps");

/* A packet's value, if it has more than headers with the usual options. */
static __always_inline struct value *look_up(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk || skb->len <= 52)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	return bpf_sk_storage_get(&values, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* A word of it is read, so that it has to be there. */
static __always_inline int look(struct __sk_buff *skb)
{
	struct value *value = look_up(skb);

	if (value)
		(void)*(volatile __u64 *)&value->now_ns;
	return 1;
}

static __always_inline int read(struct __sk_buff *skb)
{
	struct value *value = look_up(skb);

	if (!value)
		return 1;
	bpf_skb_load_bytes(skb, 52, value->text, TEXT);
	value->now_ns = bpf_ktime_get_ns();
	return 1;
}

SEC("cgroup_skb/ingress")
int lookup_skb_in(struct __sk_buff *skb)
{
	return look(skb);
}

SEC("cgroup_skb/egress")
int lookup_skb_out(struct __sk_buff *skb)
{
	return look(skb);
}

SEC("cgroup_skb/ingress")
int read_skb_in(struct __sk_buff *skb)
{
	return read(skb);
}

SEC("cgroup_skb/egress")
int read_skb_out(struct __sk_buff *skb)
{
	return read(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
