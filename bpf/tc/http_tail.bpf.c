// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What http.bpf.c does, for kernels before 5.17.
 *
 * They have no bpf_loop(): a program takes one step in a segment and calls itself for the next, as
 * often as the kernel lets programs call each other. Before 5.12 there is no atomic operation that
 * returns something either, so both directions take one lock.
 */
#include "bpf/kernel.bpf.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} on_http_in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} on_http_out SEC(".maps");

/* Locks, each of many connections; a power of 2. They have a map of their own because tracing
 * programs may not use a map with a lock in its values. */
#define LOCKS 256

struct http_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOCKS);
	__type(key, __u32);
	__type(value, struct http_lock);
} http_locks SEC(".maps");

#define pt_http_lock(of)   bpf_spin_lock(&((struct http_lock *)(of))->lock)
#define pt_http_unlock(of) bpf_spin_unlock(&((struct http_lock *)(of))->lock)

#include "bpf/tc/http.bpf.h"

static __always_inline struct http_lock *lock_of(const struct pt_sock *tagged)
{
	__u32 key = tagged->conn.lock & (LOCKS - 1);

	return bpf_map_lookup_elem(&http_locks, &key);
}

/* The window and what is live around it do not fit into one frame of the stack with the rest. */
static __noinline int tail_step_in(struct __sk_buff *skb, struct pt_sock *tagged,
				   const struct pt_http_segment *segment)
{
	struct http_lock *lock = lock_of(tagged);

	return lock ? step_on(skb, PT_IN, tagged, segment, lock) : 0;
}

static __noinline int tail_step_out(struct __sk_buff *skb, struct pt_sock *tagged,
				    const struct pt_http_segment *segment)
{
	struct http_lock *lock = lock_of(tagged);

	return lock ? step_on(skb, PT_OUT, tagged, segment, lock) : 0;
}

static __noinline int tail_finish_in(struct pt_sock *tagged, const struct pt_http_segment *segment,
				     int more)
{
	struct http_lock *lock = lock_of(tagged);

	if (lock)
		finish(tagged, PT_IN, segment, lock, more);
	return 0;
}

static __noinline int tail_finish_out(struct pt_sock *tagged, const struct pt_http_segment *segment,
				      int more)
{
	struct http_lock *lock = lock_of(tagged);

	if (lock)
		finish(tagged, PT_OUT, segment, lock, more);
	return 0;
}

SEC("cgroup_skb/ingress")
int podtag_tail_in(struct __sk_buff *skb)
{
	struct pt_http_segment segment = {};
	struct pt_sock *tagged = prepare(skb, PT_IN, &segment);
	int more = 0;

	if (!tagged)
		return PASS;
	if (segment.length)
		more = tail_step_in(skb, tagged, &segment);
	if (more)
		bpf_tail_call(skb, &on_http_in, 0);
	if (more || segment.flags & (FIN | RST))
		tail_finish_in(tagged, &segment, more);
	return PASS;
}

SEC("cgroup_skb/egress")
int podtag_tail_out(struct __sk_buff *skb)
{
	struct pt_http_segment segment = {};
	struct pt_sock *tagged = prepare(skb, PT_OUT, &segment);
	int more = 0;

	if (!tagged)
		return PASS;
	if (segment.length)
		more = tail_step_out(skb, tagged, &segment);
	if (more)
		bpf_tail_call(skb, &on_http_out, 0);
	if (more || segment.flags & (FIN | RST))
		tail_finish_out(tagged, &segment, more);
	return PASS;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
