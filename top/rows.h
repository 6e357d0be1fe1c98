/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What each pod did between two readings of the maps. */
#ifndef PT_TOP_ROWS_H
#define PT_TOP_ROWS_H

#include "bpf/snapshot.h"

/* What is counted of a pod, all of it numbers that only grow. */
struct pt_top_counts {
	struct pt_histogram duration[PT_ROLE_COUNT]; /* of responses */
	struct pt_histogram queue;
	__u64 server_errors[PT_ROLE_COUNT]; /* responses with a status of 5xx */
	__u64 aborted[PT_ROLE_COUNT][PT_BY_COUNT];
	struct pt_retransmits retransmits;
	__u64 receive_bytes;
	__u64 receive_packets;
	__u64 transmit_bytes;
	__u64 transmit_packets;
};

/* The maps at one moment. */
struct pt_top_sample {
	struct pt_snapshot snapshot;
	__u64 taken_ns; /* pt_now_ns() just before they were read; 0: never read */
};

enum pt_top_state {
	PT_TOP_RUNNING,
	PT_TOP_NEW,   /* it began in the interval, and its counts with it */
	PT_TOP_ENDED, /* these are its last ones */
};

struct pt_top_row {
	const struct pt_pod_record *record; /* the newer sample's */
	const struct pt_pod_record *before; /* the older one's, NULL where it has none */
	enum pt_top_state state;
	double seconds;             /* how long the interval is; 0 while there is none */
	struct pt_top_counts total; /* since the pod began */
	struct pt_top_counts grown; /* in the interval; nothing while there is none */
};

struct pt_top_rows {
	struct pt_top_row *rows;
	size_t count;
	size_t all;                    /* as many as there were before a filter */
	struct pt_top_row node;        /* all rows' sum, of no record */
	__u64 lost[PT_LOST_COUNT];     /* requests of the node in the interval, by why */
	const struct pt_snapshot *now; /* the newer sample's */
};

/* Reads the maps as they are pinned now, so that a podtag that was loaded anew is seen. Returns 0
 * or a negative errno, -ENOENT: nothing is loaded. *ret is the caller's to free, and zeroed on
 * failure. */
int pt_top_sample_read(struct pt_top_sample *ret);

/* A zeroed sample is fine. */
void pt_top_sample_free(struct pt_top_sample *sample);

/* A row for each pod that lives, or ended since the older sample, or has the id keep. What is
 * smaller than before has begun anew, and all of it has grown, as Prometheus' rate() takes it. The
 * rows refer to both samples. Returns 0 or -ENOMEM; the caller frees ret->rows. */
int pt_top_rows_make(const struct pt_top_sample *older, const struct pt_top_sample *newer,
		     __u64 keep, struct pt_top_rows *ret);

/* What one series of row's pod has grown by. */
void pt_top_series_grown(const struct pt_top_row *row, const struct pt_http_series *series,
			 struct pt_histogram *ret);

/* Requests that a pod has answered (PT_SERVER), or had answered (PT_CLIENT), and those of them that
 * went wrong by the server: a status of 5xx, or no end of the response. The latter are in the
 * first sum, too, so that one by the other is a share. */
__u64 pt_top_requests(const struct pt_top_counts *counts, enum pt_http_role role);
__u64 pt_top_errors(const struct pt_top_counts *counts, enum pt_http_role role);

__u64 pt_top_retransmits(const struct pt_retransmits *counts);

/* The q-quantile in seconds, taken to be evenly spread inside a bucket, as Prometheus'
 * histogram_quantile() has it: the highest bound where it is beyond all of them. NAN where nothing
 * was observed. */
double pt_top_quantile(const struct pt_histogram *histogram, double q);

/* Upper bounds of the buckets, in seconds; of the last one INFINITY. */
extern const double pt_top_bounds[PT_BUCKET_COUNT];

#endif
