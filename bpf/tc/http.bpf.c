// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* HTTP/1 latency of each pod, from the segments that its sockets receive and send.
 *
 * On cgroup_skb/ingress and /egress. Every path returns 1, which lets the packet pass, and nothing
 * is written to it. How messages are found in the stream is in bpf/http/. A segment takes a step
 * for each message, chunk and window of text in it. Kernels without bpf_loop() have
 * http_tail.bpf.c.
 */
#include "bpf/kernel.bpf.h"
#include <bpf/bpf_helpers.h>

/* Steps in a segment. More than this is chunks of a few bytes each, and no harm to leave. */
#define STEPS_MAX 2048

/* Tries to get a lock that another CPU has for some hundred nanoseconds. */
#define TRIES_MAX 65536

#define pt_http_claim(conn, from, to) __sync_bool_compare_and_swap(&(conn)->answered, from, to)

static long try_again(__u32 i, __u32 **lock)
{
	return !__sync_lock_test_and_set(*lock, 1);
}

/* Segments that come in are handled in softirq, where nothing but another CPU can be in the way.
 * bpf_spin_lock() would disable interrupts, too. */
static void wait_for(__u32 *lock)
{
	bpf_loop(TRIES_MAX, try_again, &lock, 0);
}

#define pt_http_lock(lock)                                                                         \
	do {                                                                                       \
		if ((lock) && __sync_lock_test_and_set((__u32 *)(lock), 1))                        \
			wait_for(lock);                                                            \
	} while (0)
#define pt_http_unlock(lock)                                                                       \
	do {                                                                                       \
		if (lock)                                                                          \
			__sync_lock_test_and_set((__u32 *)(lock), 0);                              \
	} while (0)

#include "bpf/tc/http.bpf.h"

struct loop {
	struct __sk_buff *skb;
	struct pt_sock *tagged;
	struct pt_http_segment segment;
};

/* Two of each, because a step is shorter when it knows its direction. What the verifier is to go
 * through once, and not at each turn of a loop, is a function with external linkage. */
__noinline int podtag_whole_in(struct __sk_buff *skb, struct pt_sock *tagged,
			       const struct pt_http_segment *segment)
{
	return tagged && segment ? take_on(skb, PT_IN, tagged, segment, &tagged->conn.lock) : 0;
}

__noinline int podtag_whole_out(struct __sk_buff *skb, struct pt_sock *tagged,
				const struct pt_http_segment *segment)
{
	return tagged && segment ? take_on(skb, PT_OUT, tagged, segment, NULL) : 0;
}

__noinline int podtag_step_in(struct __sk_buff *skb, struct pt_sock *tagged,
			      const struct pt_http_segment *segment)
{
	return tagged && segment ? step_on(skb, PT_IN, tagged, segment, &tagged->conn.lock) : 0;
}

__noinline int podtag_step_out(struct __sk_buff *skb, struct pt_sock *tagged,
			       const struct pt_http_segment *segment)
{
	return tagged && segment ? step_on(skb, PT_OUT, tagged, segment, NULL) : 0;
}

__noinline int podtag_finish_in(struct pt_sock *tagged, const struct pt_http_segment *segment,
				int more)
{
	if (tagged && segment)
		finish(tagged, PT_IN, segment, &tagged->conn.lock, more);
	return 0;
}

__noinline int podtag_finish_out(struct pt_sock *tagged, const struct pt_http_segment *segment,
				 int more)
{
	if (tagged && segment)
		finish(tagged, PT_OUT, segment, NULL, more);
	return 0;
}

static long loop_in(__u32 i, struct loop *loop)
{
	return !podtag_step_in(loop->skb, loop->tagged, &loop->segment);
}

static long loop_out(__u32 i, struct loop *loop)
{
	return !podtag_step_out(loop->skb, loop->tagged, &loop->segment);
}

SEC("cgroup_skb/ingress")
int podtag_http_in(struct __sk_buff *skb)
{
	struct loop loop = { .skb = skb };
	int is_left, more = 0;

	loop.tagged = prepare(skb, PT_IN, &loop.segment);
	if (!loop.tagged)
		return PASS;
	is_left = loop.segment.length;
	if (is_at_message(&loop.tagged->conn.half[PT_IN], &loop.segment))
		is_left = !podtag_whole_in(skb, loop.tagged, &loop.segment);
	if (is_left && podtag_step_in(skb, loop.tagged, &loop.segment))
		more = bpf_loop(STEPS_MAX, loop_in, &loop, 0) == STEPS_MAX;
	if (more || loop.segment.flags & (FIN | RST))
		podtag_finish_in(loop.tagged, &loop.segment, more);
	return PASS;
}

SEC("cgroup_skb/egress")
int podtag_http_out(struct __sk_buff *skb)
{
	struct loop loop = { .skb = skb };
	int is_left, more = 0;

	loop.tagged = prepare(skb, PT_OUT, &loop.segment);
	if (!loop.tagged)
		return PASS;
	is_left = loop.segment.length;
	if (is_at_message(&loop.tagged->conn.half[PT_OUT], &loop.segment))
		is_left = !podtag_whole_out(skb, loop.tagged, &loop.segment);
	if (is_left && podtag_step_out(skb, loop.tagged, &loop.segment))
		more = bpf_loop(STEPS_MAX, loop_out, &loop, 0) == STEPS_MAX;
	if (more || loop.segment.flags & (FIN | RST))
		podtag_finish_out(loop.tagged, &loop.segment, more);
	return PASS;
}

char _license[] SEC("license") __weak = "Dual BSD/GPL";
