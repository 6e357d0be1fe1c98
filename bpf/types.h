/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The map contract: every key and value that programs, plugin, agent and people share.
 *
 * A change of any layout here is a new PT_SCHEMA, and with it a new pin directory. Strings are
 * NUL-terminated so that `bpftool map dump` prints them as text.
 */
#ifndef PT_TYPES_H
#define PT_TYPES_H

#include <linux/types.h>

#include "bpf/http/state.h"

#define PT_SCHEMA 2

#define PT_PODS_MAX        2048 /* deleted ones that are still shown count too */
#define PT_ATTACHMENTS_MAX 4096 /* a pod may have several interfaces */

/* Map pods, key __u64 pod_id: who a pod is. ADD and DEL write it, people and the agent read it. */
struct pt_pod {
	char namespace[64];
	char name[256];
	char uid[64];
	char container_id[72];
	char ifname[16];
	char node_interface[16]; /* host end of the veth; empty when there is none */
	char ipv4[16];
	char ipv6[48];
	__u64 cgroup_id;  /* inode of the pod's cgroup2 directory, 0 when not known */
	__u64 created_ns; /* CLOCK_BOOTTIME */
	__u64 deleted_ns; /* CLOCK_BOOTTIME, 0 while the pod lives */
	__u32 netns;      /* inode number of the network namespace, the kernel's ns.inum */
	__u32 ifindex;    /* of node_interface, 0 when there is none */
	__u32 classid;    /* of its filters, and with it its slot in pod_traffic */
	__u32 node_netns; /* inode of the network namespace that ifindex is of; 0: not known */
};

/* Maps pod_by_netns (key __u32 ns.inum) and pod_by_ip. */
struct pt_pod_ref {
	__u64 pod_id;
};

/* Map pod_by_ifindex, key __u32 host ifindex. */
struct pt_interface {
	__u64 pod_id;
	__u32 classid;
	__u32 mark; /* what markMask asks to write into skb->mark, already shifted */
	__u32 mark_mask;
	__u32 pad;
};

/* Key of map pod_by_ip: network order, IPv4 as ::ffff:a.b.c.d. Never used to find a local pod. */
struct pt_ip {
	__u8 addr[16];
};

/* Value of map pod_by_ip. */
struct pt_ip_owner {
	__u64 pod_id;
	char text[48];
};

/* A pod's slot in pod_traffic is the low bits of its classid; the high bits tell the pods apart
 * that had the slot one after the other. Filters carry the classid into the program: an ifindex
 * would mean nothing there, outside the pod's namespace. Slot 0 is nobody's. */
#define PT_SLOT_BITS      12
#define PT_SLOT(classid)  ((classid) & ((1u << PT_SLOT_BITS) - 1))
#define PT_SLOTS          (PT_PODS_MAX + 1)
#define PT_GENERATION_MAX (1u << (16 - PT_SLOT_BITS)) /* a classid has 16 bits */

/* Map pod_traffic, per-CPU array by slot, because a packet need not search an array. Bytes as
 * skb->len with the Ethernet header, packets as skbs: what the interface's own counters count.
 * pod_id 0: a free slot. */
struct pt_traffic {
	__u64 pod_id;
	__u64 receive_packets;
	__u64 receive_bytes;
	__u64 transmit_packets;
	__u64 transmit_bytes;
	__u32 classid;
	__u32 pad;
};

/* Map tcp_retransmits, key __u64 pod_id: segments, by why they were sent again. The sum is the
 * netns's own RetransSegs. */
struct pt_retransmits {
	__u64 syn;
	__u64 synack;
	__u64 rto;   /* in the Loss state, which a retransmission timeout enters */
	__u64 fast;  /* in the Recovery state, which duplicate ACKs and SACKs enter */
	__u64 tlp;   /* tail loss probe */
	__u64 other; /* none of these for certain */
};

/* Map sock_pod, socket storage: whose a socket is, and what goes on there. Cloned from a listener
 * to its children. One value, because it is looked up for each packet.
 *
 * Map sock_pod_hash, key the socket's address: the same on kernels without socket storage in
 * tracing programs. A socket's entry goes when the socket closes; sockets beyond PT_SOCKETS_MAX
 * have none.
 */
#define PT_SOCKETS_MAX 65536

struct pt_sock {
	__u64 pod_id;
	__u32 total_retrans; /* the socket's own count as far as it is in tcp_retransmits */
	__u8 is_settled;     /* 0: total_retrans says nothing yet, as in what a listener hands on */
	__u8 http;           /* enum pt_sock_http */
	__u8 turns;          /* of the conversation that began like nothing known */
	__u8 is_tls;         /* its text is seen inside a TLS library, not in segments */
	union {
		struct pt_http_conn conn; /* of a socket that is PT_SOCK_HTTP, else nothing */
		__u64 read_ns;            /* of one that is PT_SOCK_TLS: when it was first read */
	};
};

/* What is known of a socket's protocol. */
enum pt_sock_http {
	PT_SOCK_NEW,         /* nothing yet */
	PT_SOCK_IN,          /* nothing yet, and the last segment came in */
	PT_SOCK_OUT,         /* nothing yet, and the last segment went out */
	PT_SOCK_HTTP,        /* its conn is in use */
	PT_SOCK_OPAQUE,      /* something else: not looked at again */
	PT_SOCK_TLS,         /* not looked at again either; its library is */
	PT_SOCK_TLS_COUNTED, /* the same, and it is in tls_connections */
};

/* Map tls_sessions: what goes on in a TLS session, which for its application is an object at an
 * address of its process. An entry goes when the object is freed or the process ends. */
#define PT_TLS_SESSIONS_MAX 16384

struct pt_tls_session {
	struct pt_sock sock; /* its stream, like that of a socket */
	__u64 pending;       /* the buffer of a call that has to be made again */
	__u64 last_place;    /* of its last call, which may have been left midway */
};

struct pt_tls_key {
	__u64 session; /* its address */
	__u32 tgid;
	__u32 pad;
};

/* Map tls_calls: calls of a TLS library that have not returned. Where a call's frame is on the
 * stack tells it from all others of the process, also from one that is made inside it. In Go stacks
 * move, and a call is known by its goroutine, and by whether it is made inside another one. */
#define PT_TLS_CALLS_MAX 16384

struct pt_tls_call_key {
	__u64 place; /* the stack pointer at its entry, or the goroutine's address */
	__u32 tgid;
	__u32 depth; /* 1: inside another call of its goroutine */
};

struct pt_tls_call {
	__u64 session;
	__u64 buffer;
	__u64 size_at; /* where some functions leave the number of bytes */
	__u64 pod_id;  /* whose the session will be that this call's bytes begin; 0: it has begun */
	__u64 start_ns;
	__u32 before[2]; /* stream position of each enum pt_http_direction then */
	__u32 size;      /* bytes that went through, once it has returned */
	__u8 is_done;    /* its bytes have been taken at its entry */
	__u8 has_inner;  /* there is a call inside it, by the same goroutine */
	__u8 pad[2];
};

/* There may be more of the process in the maps than its sessions. */
#define PT_TLS_MORE (1 << 30)

/* Map tls_processes, key __u32 tgid: a pod's process that has called a probed library. */
struct pt_tls_process {
	__u32 sessions;   /* of it in tls_sessions, and maybe PT_TLS_MORE */
	__u32 generation; /* of the probes, when it last began or ended one */
};

/* Why no probe covers a TLS connection. */
#define PT_UNSEEN_MAX 8
#define PT_UNSEEN(X)                                                                               \
	X(OFF, "off")                 /* nobody has asked for probes */                            \
	X(NO_PROBE, "no_probe")       /* its process has called no probed library */               \
	X(UNAVAILABLE, "unavailable") /* probes were asked for, and cannot be had on this node */

enum pt_unseen {
#define X(id, text) PT_UNSEEN_##id,
	PT_UNSEEN(X)
#undef X
		PT_UNSEEN_COUNT
};

/* Map tls_probes, array of one: what the agent says of all probes. */
struct pt_tls_probes {
	__u32 unseen;     /* enum pt_unseen of the connections that none covers */
	__u32 generation; /* another one when who called a probed library may call none now */
};

/* Map tls_connections, key __u64 pod_id: its TLS connections, from the first one on. */
struct pt_tls_connections {
	__u64 total;
	__u64 unseen[PT_UNSEEN_MAX]; /* those that no probe covers, by enum pt_unseen */
	__u64 other;                 /* sessions that a probe covers and whose text is no HTTP/1 */
};

/* Map tls_wanted, key __u64 pod_id: what the pod's annotation podtag.io/tls says. Without an entry
 * the node decides: podtag-agent --tls. */
enum pt_tls_mode {
	PT_TLS_UNSAID,
	PT_TLS_OFF,
	PT_TLS_ON,   /* whatever it costs */
	PT_TLS_AUTO, /* within a budget */
	PT_TLS_MODES,
};

/* Map tls_files, array by slot: a file with a TLS library in it that is or was probed. The probes
 * of a file carry its slot as their cookie; slot 0 is nobody's. It keeps its slot for as long as
 * there are others left, so that what was counted is found again. Slots do not share a cache line.
 */
#define PT_TLS_FILES 256

struct pt_tls_file {
	__u64 calls;        /* of its functions, by whichever process */
	__u64 calls_before; /* of files of that library and version that lost their slot */
	__u64 over_budget;  /* how often its probes were taken off, because of what they cost */
	__u64 retry_ns;     /* CLOCK_BOOTTIME until which they are off since the last time */
	__u64 pause_ns;     /* and how long that was */
	__u64 taken_ns;     /* CLOCK_BOOTTIME when it was last attached to */
	__u64 device;       /* as stat() has them; inode 0: a free slot */
	__u64 inode;
	char library[64];
	char version[24];
	char pad[40];
};

/* Upper bounds of the buckets of all histograms, in nanoseconds, and as Prometheus writes them:
 * OpenTelemetry's for HTTP, and three below them, because calls inside a cluster are fast. */
#define PT_BUCKETS(X)                                                                              \
	X(500000, "0.0005")                                                                        \
	X(1000000, "0.001")                                                                        \
	X(2500000, "0.0025")                                                                       \
	X(5000000, "0.005")                                                                        \
	X(10000000, "0.01")                                                                        \
	X(25000000, "0.025")                                                                       \
	X(50000000, "0.05")                                                                        \
	X(75000000, "0.075")                                                                       \
	X(100000000, "0.1")                                                                        \
	X(250000000, "0.25")                                                                       \
	X(500000000, "0.5")                                                                        \
	X(750000000, "0.75")                                                                       \
	X(1000000000, "1.0")                                                                       \
	X(2500000000, "2.5")                                                                       \
	X(5000000000, "5.0")                                                                       \
	X(7500000000, "7.5")                                                                       \
	X(10000000000, "10.0")

/* With the one for what is longer than all of them. */
#define PT_BUCKET_COUNT 18

/* Not cumulative: an observation is in the first bucket whose bound is not below it, and the count
 * is their sum. */
struct pt_histogram {
	__u64 bucket[PT_BUCKET_COUNT];
	__u64 sum_ns;
};

enum pt_http_method {
	PT_METHOD_UNKNOWN, /* its request was not seen */
	PT_METHOD_GET,
	PT_METHOD_HEAD,
	PT_METHOD_POST,
	PT_METHOD_PUT,
	PT_METHOD_DELETE,
	PT_METHOD_CONNECT,
	PT_METHOD_OPTIONS,
	PT_METHOD_TRACE,
	PT_METHOD_PATCH,
	PT_METHOD_OTHER,
	PT_METHOD_COUNT,
};

enum pt_http_role { PT_SERVER, PT_CLIENT, PT_ROLE_COUNT };

/* Who ended a request that has no response, or not all of one. */
enum pt_http_by { PT_BY_CLIENT, PT_BY_SERVER, PT_BY_COUNT };

/* Key of map http_latency: a series. */
struct pt_http_key {
	__u64 pod_id;
	__u16 status; /* 100 to 599, 0 when unknown; past the pod's budget 1 to 5 for 1xx to 5xx */
	__u8 method;  /* enum pt_http_method */
	__u8 role;    /* enum pt_http_role */
	__u8 tls;     /* 1 when read inside a TLS library */
	__u8 pad[3];
};

/* Value of map http_latency. */
struct pt_http_latency {
	struct pt_histogram duration; /* from the request's first byte to the response's last */
	struct pt_histogram start;    /* to the response's first byte */
};

/* Series of a pod that are told apart by status; more are told apart by its first digit. */
#define PT_HTTP_BUDGET     64
#define PT_HTTP_SERIES_MAX 65536

/* Map http_pods, key __u64 pod_id: what a pod has once. */
struct pt_http_pod {
	struct pt_histogram queue; /* requests, until the application began to read them */
	__u64 aborted[PT_ROLE_COUNT][PT_BY_COUNT];
	__u64 overflow; /* responses that are counted by class of status */
	__u64 series;
};

/* Map http_lost, array by enum pt_http_lost: requests that are in no histogram, by why. */
#define PT_HTTP_LOST_MAX 32
#define PT_HTTP_LOST(X)                                                                            \
	X(DESYNC, "desync")   /* segments were missing where the framing is */                     \
	X(DEPTH, "depth")     /* more requests in a pipeline than are remembered */                \
	X(REQUEST, "request") /* a response to a request that was not seen */                      \
	X(BUDGET, "budget")   /* more messages or chunks in a segment than can be looked at */     \
	X(MEMORY, "memory")   /* no memory for the socket's state */                               \
	X(SERIES, "series")   /* the map of series is full */                                      \
	X(NO_POD, "no_pod")   /* the pod is gone */

enum pt_http_lost {
#define X(id, text) PT_LOST_##id,
	PT_HTTP_LOST(X)
#undef X
		PT_LOST_COUNT
};

/* Map attachments: what one CNI ADD did, so that DEL, GC and a repeated ADD need nothing else. */
struct pt_attachment_key {
	char network[64];
	char container_id[72];
	char ifname[16];
};

enum pt_hook {
	PT_HOOK_NONE,
	PT_HOOK_CLSACT, /* filter on the pod's end */
	PT_HOOK_TCX,    /* links on the host end, pinned */
};

struct pt_attachment {
	__u64 pod_id;
	__u32 netns;
	enum pt_hook hook;
	__u32 ifindex; /* of the host end, 0 when there is none */
	__u32 classid; /* the pod's */
	char ipv4[16];
	char ipv6[48];
	char reason[32]; /* empty when all went well, else why less than all is attached */
};

/* Map gave_up, array by enum pt_reason: every path that gave up, in the kernel and in the plugin.
 * It has room for more, so that a new reason is no new layout. */
#define PT_REASONS_MAX 64

struct pt_gave_up {
	char reason[24];
	__u64 count;
};

#define PT_REASONS(X)                                                                              \
	X(TRAFFIC_NO_POD, "traffic_no_pod")       /* a packet at a hook without counters */        \
	X(RETRANSMIT_NO_POD, "retransmit_no_pod") /* a tag whose pod has no counters */            \
	X(SOCKET_TAG, "socket_tag")               /* no memory for the tag: netns looked up */     \
	X(MARK_OVERFLOW, "mark_overflow")         /* pod_id needs more bits than markMask has */   \
	X(DEADLINE, "deadline")                   /* the time budget ran out */                    \
	X(LOCK, "lock")                           /* the datapath's lock was not to be had */      \
	X(LOAD, "load")                           /* programs could not be loaded */               \
	X(NETNS, "netns")                         /* CNI_NETNS could not be opened */              \
	X(NETLINK, "netlink")                     /* the kernel refused to describe a link */      \
	X(NO_INTERFACE, "no_interface")           /* CNI_IFNAME is not in the pod */               \
	X(MAP_FULL, "map_full")                   /* a map had no room for the pod */              \
	X(MAP_UPDATE, "map_update")               /* a map refused an update for another cause */  \
	X(TC_ATTACH, "tc_attach")                 /* neither clsact nor tcx could be attached */   \
	X(CGROUP, "cgroup")                       /* cgroup "pod" asked for, cgroup not found */   \
	X(HTTP, "http")                           /* the HTTP programs cannot be had */            \
	X(TLS_CALL, "tls_call")                   /* no memory for a call of a TLS library */      \
	X(TLS_SESSION, "tls_session")             /* too many TLS sessions, or no memory */        \
	X(TLS_CONNECTION, "tls_connection")       /* a TLS connection could not be counted */

enum pt_reason {
#define X(id, text) PT_##id,
	PT_REASONS(X)
#undef X
		PT_REASON_COUNT
};

/* Map cni_operations, array by enum pt_command. */
struct pt_cni_operations {
	char command[8];
	__u64 success;
	__u64 degraded; /* the runtime saw success, something was left undone */
	__u64 error;    /* the runtime saw a CNI error */
};

enum pt_command { PT_ADD, PT_DEL, PT_CHECK, PT_STATUS, PT_GC, PT_VERSION, PT_COMMAND_COUNT };

/* Map datapath, array of one: what is loaded, and the only counter that hands out pod ids. */
struct pt_datapath_info {
	char version[32];
	char socket_tag[8]; /* "yes", or "no" where a kernel needs the older means */
	char http[8];       /* "yes", "no" where HTTP is not to be had, empty while not known */
	__u64 object_hash;  /* of the BPF object that is loaded; another one means an upgrade */
	__u64 http_hash;    /* the same of the HTTP programs, which are loaded apart */
	__u64 loaded_ns;    /* CLOCK_BOOTTIME */
	__u64 last_pod_id;
	__u64 slots_given; /* how often one was: the next slot and generation */
};

_Static_assert(sizeof(struct pt_pod) == 592, "layout of pods");
_Static_assert(sizeof(struct pt_interface) == 24, "layout of pod_by_ifindex");
_Static_assert(sizeof(struct pt_ip_owner) == 56, "layout of pod_by_ip");
_Static_assert(PT_SLOTS <= 1u << PT_SLOT_BITS, "every slot fits in a classid");
_Static_assert(sizeof(struct pt_traffic) == 48, "layout of pod_traffic");
_Static_assert(sizeof(struct pt_retransmits) == 48, "layout of tcp_retransmits");
_Static_assert(sizeof(struct pt_sock) == 440, "layout of sock_pod; a slab of 512 with its head");
_Static_assert(sizeof(struct pt_tls_session) == 456, "layout of tls_sessions");
_Static_assert(sizeof(struct pt_tls_key) == 16, "layout of the tls_sessions key");
_Static_assert(sizeof(struct pt_tls_call_key) == 16, "layout of the tls_calls key");
_Static_assert(sizeof(struct pt_tls_call) == 56, "layout of tls_calls");
_Static_assert(sizeof(struct pt_tls_file) == 192, "layout of tls_files, and whole cache lines");
_Static_assert(sizeof(struct pt_tls_process) == 8, "layout of tls_processes");
_Static_assert(sizeof(struct pt_tls_probes) == 8, "layout of tls_probes");
_Static_assert(sizeof(struct pt_tls_connections) == 80, "layout of tls_connections");
_Static_assert(PT_UNSEEN_COUNT <= PT_UNSEEN_MAX, "room in tls_connections");
_Static_assert(sizeof(struct pt_histogram) == 152, "layout of all histograms");
_Static_assert(sizeof(struct pt_http_key) == 16, "layout of the http_latency key");
_Static_assert(sizeof(struct pt_http_latency) == 304, "layout of http_latency");
_Static_assert(sizeof(struct pt_http_pod) == 200, "layout of http_pods");
_Static_assert(PT_LOST_COUNT <= PT_HTTP_LOST_MAX, "room in http_lost");
_Static_assert(sizeof(struct pt_attachment_key) == 152, "layout of the attachments key");
_Static_assert(sizeof(struct pt_attachment) == 120, "layout of attachments");
_Static_assert(sizeof(struct pt_gave_up) == 32, "layout of gave_up");
_Static_assert(PT_REASON_COUNT <= PT_REASONS_MAX, "room in gave_up");
_Static_assert(sizeof(struct pt_cni_operations) == 32, "layout of cni_operations");
_Static_assert(sizeof(struct pt_datapath_info) == 88, "layout of datapath");

#endif
