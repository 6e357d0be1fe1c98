// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What each pod did between two readings of the maps. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top/rows.h"

#define NS_PER_SECOND 1e9

const double pt_top_bounds[PT_BUCKET_COUNT] = {
#define X(ns, text) (ns) / NS_PER_SECOND,
	PT_BUCKETS(X)
#undef X
		INFINITY,
};

int pt_top_sample_read(struct pt_top_sample *ret)
{
	struct pt_datapath dp = {};
	int err;

	*ret = (struct pt_top_sample){};
	err = pt_datapath_open(&dp);
	if (err)
		return err;
	ret->taken_ns = pt_now_ns();
	err = pt_snapshot_read(&dp, &ret->snapshot);
	pt_datapath_close(&dp);
	if (err)
		*ret = (struct pt_top_sample){};
	return err;
}

void pt_top_sample_free(struct pt_top_sample *sample)
{
	pt_snapshot_free(&sample->snapshot);
	sample->taken_ns = 0;
}

_Static_assert(sizeof(struct pt_top_counts) % sizeof(__u64) == 0, "numbers and nothing else");

#define NUMBERS(type) (sizeof(type) / sizeof(__u64))

static void add(void *to, const void *from, size_t numbers)
{
	const __u64 *f = from;
	__u64 *t = to;

	for (size_t i = 0; i < numbers; i++)
		t[i] += f[i];
}

static void subtract(void *from, const void *what, size_t numbers)
{
	const __u64 *w = what;
	__u64 *f = from;

	for (size_t i = 0; i < numbers; i++)
		f[i] -= f[i] >= w[i] ? w[i] : 0;
}

static bool is_server_error(__u16 status)
{
	return status == 5 || status / 100 == 5;
}

static void count(const struct pt_pod_record *record, struct pt_top_counts *ret)
{
	*ret = (struct pt_top_counts){
		.queue = record->http.queue,
		.retransmits = record->retransmits,
		.receive_bytes = record->traffic.receive_bytes,
		.receive_packets = record->traffic.receive_packets,
		.transmit_bytes = record->traffic.transmit_bytes,
		.transmit_packets = record->traffic.transmit_packets,
	};
	memcpy(ret->aborted, record->http.aborted, sizeof(ret->aborted));
	for (size_t i = 0; i < record->series_count; i++) {
		const struct pt_http_series *series = &record->series[i];
		const struct pt_histogram *duration = &series->latency.duration;

		add(&ret->duration[series->key.role], duration, NUMBERS(*duration));
		if (is_server_error(series->key.status))
			ret->server_errors[series->key.role] += pt_histogram_count(duration);
	}
}

static int by_id(const void *id, const void *record)
{
	__u64 x = *(const __u64 *)id, y = ((const struct pt_pod_record *)record)->id;

	return (x > y) - (x < y);
}

/* Ids begin anew with a podtag that is loaded anew, but no pod is made twice at one instant. */
static const struct pt_pod_record *find_before(const struct pt_snapshot *snapshot,
					       const struct pt_pod_record *record)
{
	const struct pt_pod_record *found = NULL;

	if (snapshot->count)
		found = bsearch(&record->id, snapshot->pods, snapshot->count,
				sizeof(*snapshot->pods), by_id);
	if (found && (found->pod.created_ns != record->pod.created_ns ||
		      found->pod.netns != record->pod.netns))
		return NULL;
	return found;
}

static void fill_row(const struct pt_top_sample *older, struct pt_top_row *row)
{
	struct pt_top_counts before;

	count(row->record, &row->total);
	if (row->record->pod.deleted_ns)
		row->state = PT_TOP_ENDED;
	if (!older->taken_ns)
		return;
	row->grown = row->total;
	if (row->before) {
		count(row->before, &before);
		subtract(&row->grown, &before, NUMBERS(before));
	} else if (row->state != PT_TOP_ENDED) {
		row->state = PT_TOP_NEW;
	}
}

int pt_top_rows_make(const struct pt_top_sample *older, const struct pt_top_sample *newer,
		     __u64 keep, struct pt_top_rows *ret)
{
	const struct pt_snapshot *now = &newer->snapshot;
	double seconds = older->taken_ns ? (newer->taken_ns - older->taken_ns) / NS_PER_SECOND : 0;
	struct pt_top_rows made = { .node.seconds = seconds, .now = now };

	made.rows = calloc(now->count + 1, sizeof(*made.rows));
	if (!made.rows)
		return -ENOMEM;
	for (size_t i = 0; i < now->count; i++) {
		const struct pt_pod_record *record = &now->pods[i];
		const struct pt_pod_record *before = find_before(&older->snapshot, record);
		struct pt_top_row *row = &made.rows[made.count];
		bool was_there = older->taken_ns && (!before || !before->pod.deleted_ns);

		if (record->pod.deleted_ns && record->id != keep &&
		    (!was_there || record->pod.deleted_ns < older->taken_ns))
			continue;
		*row = (struct pt_top_row){ record, before, .seconds = seconds };
		fill_row(older, row);
		add(&made.node.total, &row->total, NUMBERS(row->total));
		add(&made.node.grown, &row->grown, NUMBERS(row->grown));
		made.count++;
	}
	made.all = made.count;
	if (older->taken_ns) {
		memcpy(made.lost, now->http_lost, sizeof(made.lost));
		subtract(made.lost, older->snapshot.http_lost, PT_LOST_COUNT);
	}
	*ret = made;
	return 0;
}

void pt_top_series_grown(const struct pt_top_row *row, const struct pt_http_series *series,
			 struct pt_histogram *ret)
{
	*ret = series->latency.duration;
	if (!row->seconds)
		*ret = (struct pt_histogram){};
	for (size_t i = 0; row->before && i < row->before->series_count; i++) {
		const struct pt_http_series *before = &row->before->series[i];

		if (before->key.role == series->key.role &&
		    before->key.method == series->key.method &&
		    before->key.status == series->key.status) {
			subtract(ret, &before->latency.duration, NUMBERS(*ret));
			return;
		}
	}
}

__u64 pt_top_requests(const struct pt_top_counts *counts, enum pt_http_role role)
{
	return pt_histogram_count(&counts->duration[role]) + counts->aborted[role][PT_BY_SERVER];
}

__u64 pt_top_errors(const struct pt_top_counts *counts, enum pt_http_role role)
{
	return counts->server_errors[role] + counts->aborted[role][PT_BY_SERVER];
}

__u64 pt_top_retransmits(const struct pt_retransmits *counts)
{
	return counts->syn + counts->synack + counts->rto + counts->fast + counts->tlp +
	       counts->other;
}

double pt_top_quantile(const struct pt_histogram *histogram, double q)
{
	double rank = q * (double)pt_histogram_count(histogram), below = 0, start;
	int i = 0;

	if (!(rank > 0))
		return NAN;
	while (i < PT_BUCKET_COUNT - 1 && below + (double)histogram->bucket[i] < rank)
		below += (double)histogram->bucket[i++];
	start = i ? pt_top_bounds[i - 1] : 0;
	if (i == PT_BUCKET_COUNT - 1)
		return start;
	return start + (pt_top_bounds[i] - start) * ((rank - below) / (double)histogram->bucket[i]);
}
