/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Observe a duration.
 *
 * The programs that count run in softirq and in process context, one interrupting the other on the
 * same CPU, so all counters are shared and added to atomically.
 */
#ifndef PT_HTTP_HISTOGRAM_BPF_H
#define PT_HTTP_HISTOGRAM_BPF_H

#include "bpf/maps.bpf.h"

/* The first bucket that is not below ns; most are in one of the first. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	__u32 bucket = 0;

#define X(bound, le)                                                                               \
	if (ns <= bound##ull)                                                                      \
		return bucket;                                                                     \
	bucket++;
	PT_BUCKETS(X)
#undef X
	return bucket;
}

static __always_inline void observe(struct pt_histogram *histogram, __u64 ns)
{
	__sync_fetch_and_add(&histogram->bucket[bucket_of(ns)], 1);
	__sync_fetch_and_add(&histogram->sum_ns, ns);
}

#endif
