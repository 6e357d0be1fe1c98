// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* How long requests wait until their application begins to read them; and who reads a TLS
 * connection.
 *
 * On tp_btf/tcp_rcv_space_adjust, which runs in the reader's context each time that it has taken
 * bytes of a socket, by whatever system call. Read-only.
 */
#include "bpf/http/connection.h"
#include "bpf/http/histogram.bpf.h"
#include "bpf/socket.bpf.h"
#include "bpf/tracing/jump.bpf.h"
#include "bpf/tracing/unseen.bpf.h"

JUMP(podtag_on_read, "tcp_rcv_space_adjust", on_read)

static void count_queue(__u64 pod_id, __u64 ns)
{
	struct pt_http_pod *pod = bpf_map_lookup_elem(&http_pods, &pod_id);

	if (pod)
		observe(&pod->queue, ns);
}

/* ctx: struct sock *sk */
SEC("tp_btf/tcp_rcv_space_adjust")
int podtag_read(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct pt_sock *tagged = tag_of(sk);
	struct pt_http_conn *conn;
	struct tcp_sock *tcp;
	__u32 read_to;
	__u64 now;

	if (tagged && tagged->http == PT_SOCK_TLS)
		read_tls(tagged);
	if (!tagged || tagged->http != PT_SOCK_HTTP)
		return 0;
	conn = &tagged->conn;
	if (conn->requests != PT_IN || conn->fetched == conn->asked)
		return 0;

	tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	read_to = tcp->copied_seq;
	now = bpf_ktime_get_ns();
	for (int i = 0; i < PT_HTTP_DEPTH; i++) {
		__u64 start = fetch(conn, read_to);

		if (!start)
			break;
		count_queue(tagged->pod_id, now - start);
	}
	return 0;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
