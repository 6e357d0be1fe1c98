/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* All that podtag reads of the kernel: these fields, by name.
 *
 * CO-RE finds each field in the running kernel's BTF, so the order here means nothing, and a list
 * this short is easier to audit than a generated vmlinux.h. What the packet programs see
 * (struct __sk_buff) is uapi and comes from linux/bpf.h.
 */
#ifndef PT_KERNEL_BPF_H
#define PT_KERNEL_BPF_H

#include <linux/bpf.h>

#define IPPROTO_TCP   6
#define TC_ACT_UNSPEC (-1) /* go on with the next filter; the same value as TCX_NEXT */

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_CLOSE = 7,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
};

/* include/net/tcp.h */
#define TCPHDR_SYN 0x02
#define TCPHDR_ACK 0x10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	possible_net_t skc_net;
	volatile unsigned char skc_state;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
	struct socket *sk_socket;
};

struct inet_connection_sock {
	__u8 icsk_pending;
	/* a bit-field of 5 in the kernel */
	__u8 icsk_ca_state : 5;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 total_retrans;
	__u32 copied_seq;
};

struct sk_buff {
	char cb[48];
};

struct tcp_skb_cb {
	__u16 tcp_gso_segs;
	__u8 tcp_flags;
};

/* The tracepoint's third argument, int err, came with this field (commit ad892e912b84). */
struct trace_event_raw_tcp_retransmit_skb {
	int err;
};

struct nsproxy {
	struct net *net_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct task_struct {
	int tgid;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
};

/* The registers of each architecture; a kernel has those of one. */
struct pt_regs___x86 {
	unsigned long di, si, cx, ax, bx, r14, sp;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 sp;
};

#pragma clang attribute pop

#endif
