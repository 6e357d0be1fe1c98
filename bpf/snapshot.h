/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Read the pinned maps as a whole, for whoever shows them: the agent's /metrics and `podtag`. */
#ifndef PT_SNAPSHOT_H
#define PT_SNAPSHOT_H

#include "bpf/datapath.h"
#include "bpf/words.h"

/* After DEL a pod's final values stay readable for this long. */
#define PT_RETENTION_NS (5 * 60 * 1000000000ull)

/* They stay in the maps a little longer: who began to read just before finds them all. */
#define PT_REMOVAL_NS (PT_RETENTION_NS + 10 * 1000000000ull)

/* An entry of http_latency. Role and method are those of their enums; a status that there is not is
 * 0, unknown; tls is 0 or 1. */
struct pt_http_series {
	struct pt_http_key key;
	struct pt_http_latency latency;
};

/* Its texts are terminated, whatever the maps hold. */
struct pt_pod_record {
	__u64 id;
	struct pt_pod pod;
	struct pt_traffic traffic; /* summed over CPUs */
	struct pt_retransmits retransmits;
	struct pt_http_pod http;
	enum pt_tls_mode tls_mode; /* what the pod asks for */
	struct pt_tls_connections tls;
	const struct pt_http_series
		*series; /* in the snapshot's, in order of role, method, status, tls */
	size_t series_count;
	bool attached;   /* every interface of the pod is counted; false once it is deleted */
	char reason[32]; /* why not, of the first interface that is not */
};

struct pt_snapshot {
	struct pt_pod_record *pods; /* in order of id */
	size_t count;
	struct pt_http_series *series; /* all pods', each one once */
	__u64 http_lost[PT_LOST_COUNT];
};

struct pt_program_record {
	char name[16];
	__u64 run_ns; /* 0 unless kernel.bpf_stats_enabled is 1 */
	__u64 run_count;
	__u64 miss_count; /* the CPU was in the program already; from 5.12 on */
	__u64 memory_bytes;
};

struct pt_map_record {
	char name[16];
	__u64 entries; /* of arrays: all; of socket storage, which can't be walked: 0 */
	__u64 max_entries;
	__u64 memory_bytes; /* what the kernel says in fdinfo */
};

/* Reads all pods with their counters, deleted ones included until PT_RETENTION_NS is over. Its cost
 * depends on the number of pods and of their HTTP series alone: one system call for each pod, one
 * for a hundred series, and a few for all. Returns 0 or a negative errno; the caller frees. */
int pt_snapshot_read(const struct pt_datapath *dp, struct pt_snapshot *ret);

/* A zeroed snapshot is fine. */
void pt_snapshot_free(struct pt_snapshot *snapshot);

__u64 pt_histogram_count(const struct pt_histogram *histogram);

/* More programs, and more maps, than there will be. */
#define PT_RECORDS_MAX 64

/* Describe what is pinned, at most max records. Return how many, or a negative errno. */
int pt_programs_read(struct pt_program_record *ret, size_t max);
int pt_maps_read(struct pt_map_record *ret, size_t max);

#endif
