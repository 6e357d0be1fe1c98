// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Count retransmitted TCP segments per pod, by why they were sent again.
 *
 * On tp_btf/tcp_retransmit_skb (data, SYN) and tp_btf/tcp_retransmit_synack, in softirq or process
 * context, seen from the sender. Read-only. The truth to meet is the namespace's RetransSegs: it
 * counts segments where the tracepoint fires once per skb, and it counts sends that failed below
 * TCP. The socket's own total_retrans grows with it in the same breath, so what is counted is by
 * how much that has grown since the last time.
 */
#include "bpf/socket.bpf.h"
#include "bpf/tracing/jump.bpf.h"

/* include/net/inet_connection_sock.h and uapi/linux/tcp.h; macros and values in no BTF */
#define ICSK_TIME_LOSS_PROBE 5
#define TCP_CA_RECOVERY      3
#define TCP_CA_LOSS          4

JUMP(podtag_on_rexmt, "tcp_retransmit_skb", on_retransmit)
JUMP(podtag_on_synac, "tcp_retransmit_synack", on_synack)

/* The counter that this retransmission belongs to. In the Open and CWR states only a probe whose
 * timer is the pending one is a tail loss probe. */
static __u64 *kind_of(struct pt_retransmits *counters, struct sock *sk, __u8 tcp_flags)
{
	struct inet_connection_sock *icsk = &((struct tcp_sock *)sk)->inet_conn;
	__u8 ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);

	if (tcp_flags & TCPHDR_SYN)
		return tcp_flags & TCPHDR_ACK ? &counters->synack : &counters->syn;
	if (ca_state == TCP_CA_LOSS)
		return &counters->rto;
	if (ca_state == TCP_CA_RECOVERY)
		return &counters->fast;
	if (BPF_CORE_READ(icsk, icsk_pending) == ICSK_TIME_LOSS_PROBE)
		return &counters->tlp;

	return &counters->other;
}

/* Segments in this retransmission, 0 when it failed before it was counted. Older ones that the
 * kernel did not tell of go to *missed. */
static __u32 segments_of(struct sock *sk, struct tcp_skb_cb *tcb, int err, struct pt_sock *tagged,
			 __u32 *missed)
{
	__u32 segments = BPF_CORE_READ(tcb, tcp_gso_segs);
	__u32 grown;

	if (!tagged)
		return err ? 0 : segments;
	if (!tagged->is_settled) {
		settle_at(tagged, total_retrans(sk));
		return err ? 0 : segments;
	}

	grown = total_retrans(sk) - tagged->total_retrans;
	tagged->total_retrans += grown;
	if (err || grown <= segments)
		return grown;

	*missed = grown - segments;
	return segments;
}

/* ctx: const struct sock *sk, const struct sk_buff *skb, and from 6.17 on int err */
SEC("tp_btf/tcp_retransmit_skb")
int podtag_rexmit(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct sk_buff *skb = (struct sk_buff *)ctx[1];
	struct tcp_skb_cb *tcb = (struct tcp_skb_cb *)&skb->cb;
	struct pt_sock *tagged = tag_of(sk);
	struct pt_retransmits *counters;
	__u32 segments, missed = 0;
	__u64 pod_id;
	int err = 0;

	if (bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err))
		err = ctx[2];

	pod_id = tagged ? tagged->pod_id : pod_of_netns(sk);
	if (!pod_id)
		return 0;

	segments = segments_of(sk, tcb, err, tagged, &missed);
	if (!tagged)
		tag_socket(sk, pod_id, true); /* older than ADD: from here on nothing is missed */
	if (!segments)
		return 0;

	counters = retransmits_of(pod_id);
	if (!counters)
		return 0;

	__sync_fetch_and_add(kind_of(counters, sk, BPF_CORE_READ(tcb, tcp_flags)), segments);
	if (missed)
		__sync_fetch_and_add(&counters->other, missed);

	return 0;
}

/* ctx: const struct sock *sk, const struct request_sock *req. sk is the listener, or with TCP Fast
 * Open the child; neither is settled yet. */
SEC("tp_btf/tcp_retransmit_synack")
int podtag_synack(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct pt_sock *tagged = tag_of(sk);
	__u64 pod_id = tagged ? tagged->pod_id : pod_of_netns(sk);
	struct pt_retransmits *counters;

	if (!pod_id)
		return 0;

	counters = retransmits_of(pod_id);
	if (counters)
		__sync_fetch_and_add(&counters->synack, 1);

	return 0;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
