// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tag each TCP socket of a pod once: when it listens, when it connects, or when it is accepted.
 *
 * On tp_btf/inet_sock_set_state, which runs at each change of a socket's state, in the context of
 * whoever changes it. Reads the socket, writes only podtag's own storage on it.
 */
#include "bpf/http/count.bpf.h"
#include "bpf/http/early.bpf.h"
#include "bpf/tracing/jump.bpf.h"
#include "bpf/tracing/unseen.bpf.h"

JUMP(podtag_on_state, "inet_sock_set_state", on_state)

/* The kernel runs no program of this kind inside itself: while a softirq has interrupted it, it is
 * left out, and this other one runs nevertheless. */
JUMP(podtag_on_again, "inet_sock_set_state", on_state_again)

JUMP(podtag_on_gone, "tcp_destroy_sock", on_gone)

/* A connecting or listening socket, or an accepted one whose listener is older than podtag. */
static struct pt_sock *tag(struct sock *sk, bool is_settled)
{
	__u64 pod_id = pod_of_netns(sk);

	return pod_id ? tag_socket(sk, pod_id, is_settled) : NULL;
}

/* What the packet that makes a child has brought for it, or NULL. */
static struct pt_sock *early_request(void)
{
	struct pt_sock *early = early_here();

	return early && early->http == PT_SOCK_HTTP ? early : NULL;
}

/* A child is made. It has its listener's tag where tags are socket storage. The packet that makes
 * it may have had its first request in it, which its listener got. */
static void begin(struct sock *sk, struct pt_sock *early)
{
	struct pt_sock *tagged = NULL;

	if (socket_tag && !early)
		return;
	if (socket_tag)
		tagged = tag_of(sk);
	if (!tagged)
		tagged = tag(sk, false);
	if (!early)
		return;

	if (tagged) {
		tagged->http = PT_SOCK_HTTP;
		tagged->conn = early->conn;
	} else {
		lost(PT_LOST_MEMORY, early->conn.asked);
	}
	drop_early(early);
}

/* A child starts with its SYN-ACK's retransmits in total_retrans, which podtag_synack has counted.
 * Until it is settled here, or at its first retransmission, its total means nothing: some children
 * are closed without ever having been established. */
static void accept(struct sock *sk)
{
	struct pt_sock *tagged = tag_of(sk);

	if (tagged)
		settle_at(tagged, total_retrans(sk));
	else
		tag(sk, true);
}

/* Kernels before 6.17 do not tell of a retransmission that failed below TCP, though RetransSegs
 * counts it. Those that no later event on the socket has settled are settled here. */
static void settle(struct sock *sk, struct pt_sock *tagged)
{
	struct pt_retransmits *counters;
	__u32 missed;

	if (!tagged->is_settled)
		return;

	missed = total_retrans(sk) - tagged->total_retrans;
	if (!missed)
		return;

	tagged->total_retrans += missed;
	counters = retransmits_of(tagged->pod_id);
	if (counters)
		__sync_fetch_and_add(&counters->other, missed);
}

/* Of two packets that made a child on two CPUs at once, one takes its child back; what was in it
 * then comes to the other's. */
static bool is_surplus(struct sock *sk, int oldstate)
{
	return oldstate == TCP_SYN_RECV && !BPF_CORE_READ(sk, sk_socket);
}

/* Requests that are still waiting now wait for nothing. */
static void hang_up(struct sock *sk, struct pt_sock *tagged, int oldstate)
{
	struct pt_http_done done = {};

	if (tagged->http != PT_SOCK_HTTP || is_surplus(sk, oldstate))
		return;
	/* what ends a socket from outside leaves an error in it before this, a reset by its own
	 * application after it */
	close_socket(&tagged->conn, BPF_CORE_READ(sk, sk_err), &done);
	count(&done, tagged);
}

/* The socket may connect again, as another connection. */
static void clear(struct pt_sock *tagged)
{
	tagged->read_ns = 0;
	tagged->http = PT_SOCK_NEW;
	tagged->turns = 0;
}

/* What its process has not closed yet stays for podtag_gone. */
static void end(struct sock *sk, int oldstate)
{
	struct pt_sock *tagged = tag_of(sk);

	if (!tagged)
		return;
	settle(sk, tagged);
	hang_up(sk, tagged, oldstate);
	if (end_tls(tagged))
		return;
	clear(tagged);
	drop_tag(sk);
}

/* One that has ended before was not closed in between. */
static void connect(struct sock *sk)
{
	struct pt_sock *tagged = tag(sk, true);

	if (!tagged || tagged->http == PT_SOCK_NEW)
		return;
	close_tls(tagged);
	clear(tagged);
}

/* ctx: const struct sock *sk, const int oldstate, const int newstate */
SEC("tp_btf/inet_sock_set_state")
int podtag_tag_sock(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int oldstate = ctx[1], newstate = ctx[2];

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;

	if (newstate == TCP_LISTEN)
		tag(sk, false);
	else if (newstate == TCP_SYN_SENT)
		connect(sk);
	else if (newstate == TCP_SYN_RECV && oldstate == TCP_LISTEN)
		begin(sk, early_request());
	else if (newstate == TCP_ESTABLISHED && oldstate == TCP_SYN_RECV)
		accept(sk);
	else if (newstate == TCP_FIN_WAIT1 || newstate == TCP_LAST_ACK)
		close_tls(tag_of(sk));
	else if (newstate == TCP_CLOSE)
		end(sk, oldstate);

	return 0;
}

/* Does what podtag_tag_sock was kept from and nobody makes up for. In softirqs children are made
 * and sockets closed; what it has done of that is found done. */
SEC("tp_btf/inet_sock_set_state")
int podtag_tag_again(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int oldstate = ctx[1], newstate = ctx[2];
	struct pt_sock *early;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;

	if (newstate == TCP_SYN_RECV && oldstate == TCP_LISTEN) {
		early = early_request();
		if (early)
			begin(sk, early);
	} else if (newstate == TCP_CLOSE) {
		end(sk, oldstate);
	}

	return 0;
}

/* What has ended goes when its process closes it. ctx: struct sock *sk */
SEC("tp_btf/tcp_destroy_sock")
int podtag_gone(__u64 *ctx)
{
	close_tls(tag_of((struct sock *)ctx[0]));
	return 0;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
