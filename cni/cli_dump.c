// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag dump pods */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/snapshot.h"
#include "cni/cli.h"
#include "cni/text.h"

#define COLUMNS 14
#define TEXTS   6 /* after the id; then numbers */

struct row {
	char cells[COLUMNS][256];
};

static const struct row headings = { {
	"id",
	"namespace",
	"pod",
	"ip",
	"interface",
	"counted",
	"tls",
	"rx bytes",
	"rx pkts",
	"tx bytes",
	"tx pkts",
	"retrans",
	"requests",
	"unseen",
} };

static bool is_number(int column)
{
	return !column || column > TEXTS;
}

static unsigned long long retransmits_total(const struct pt_retransmits *counts)
{
	return counts->syn + counts->synack + counts->rto + counts->fast + counts->tlp +
	       counts->other;
}

/* That the pod's servers have answered. */
static unsigned long long requests_total(const struct pt_pod_record *record)
{
	unsigned long long total = 0;

	for (size_t i = 0; i < record->series_count; i++)
		if (record->series[i].key.role == PT_SERVER)
			total += pt_histogram_count(&record->series[i].latency.duration);
	return total;
}

static unsigned long long unseen_total(const struct pt_tls_connections *tls)
{
	unsigned long long total = 0;

	for (int i = 0; i < PT_UNSEEN_COUNT; i++)
		total += tls->unseen[i];
	return total;
}

static const char *state(const struct pt_pod_record *record)
{
	if (record->pod.deleted_ns)
		return "deleted";
	if (record->attached)
		return "yes";
	return *record->reason ? record->reason : "no";
}

static void fill_row(const struct pt_pod_record *record, struct row *row)
{
	const struct pt_pod *pod = &record->pod;
	const char *texts[] = {
		pod->namespace,      pod->name,     *pod->ipv4 ? pod->ipv4 : pod->ipv6,
		pod->node_interface, state(record), pt_tls_modes[record->tls_mode],
	};
	const unsigned long long numbers[] = {
		record->traffic.receive_bytes,
		record->traffic.receive_packets,
		record->traffic.transmit_bytes,
		record->traffic.transmit_packets,
		retransmits_total(&record->retransmits),
		requests_total(record),
		unseen_total(&record->tls),
	};

	snprintf(row->cells[0], sizeof(row->cells[0]), "%llu", (unsigned long long)record->id);
	for (int i = 0; i < TEXTS; i++)
		pt_text_clean(row->cells[1 + i], sizeof(row->cells[0]), *texts[i] ? texts[i] : "-");
	for (int i = 1 + TEXTS; i < COLUMNS; i++)
		snprintf(row->cells[i], sizeof(row->cells[0]), "%llu", numbers[i - 1 - TEXTS]);
}

static void widen(const struct row *row, int widths[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		int size = strlen(row->cells[i]);

		if (widths[i] < size)
			widths[i] = size;
	}
}

static void print_row(const struct row *row, const int widths[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		printf("%s%*s", i ? "  " : "", is_number(i) ? widths[i] : -widths[i],
		       row->cells[i]);
	printf("\n");
}

static int print_table(const struct pt_snapshot *snapshot)
{
	struct row *rows = calloc(snapshot->count + 1, sizeof(*rows));
	int widths[COLUMNS] = {};

	if (!rows)
		return pt_cli_fail(-ENOMEM, "dump");
	widen(&headings, widths);
	for (size_t i = 0; i < snapshot->count; i++) {
		fill_row(&snapshot->pods[i], &rows[i]);
		widen(&rows[i], widths);
	}
	print_row(&headings, widths);
	for (size_t i = 0; i < snapshot->count; i++)
		print_row(&rows[i], widths);
	free(rows);
	return 0;
}

static json_t *retransmits_json(const struct pt_retransmits *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "syn", (json_int_t)counts->syn, "synack",
			 (json_int_t)counts->synack, "rto", (json_int_t)counts->rto, "fast",
			 (json_int_t)counts->fast, "tlp", (json_int_t)counts->tlp, "other",
			 (json_int_t)counts->other);
}

static json_t *traffic_json(const struct pt_traffic *traffic)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "receive_bytes",
			 (json_int_t)traffic->receive_bytes, "receive_packets",
			 (json_int_t)traffic->receive_packets, "transmit_bytes",
			 (json_int_t)traffic->transmit_bytes, "transmit_packets",
			 (json_int_t)traffic->transmit_packets);
}

static json_t *series_json(const struct pt_http_series *series)
{
	const struct pt_http_latency *latency = &series->latency;
	char status[PT_HTTP_STATUS_MAX];

	pt_http_status(series->key.status, status);
	return json_pack(
		"{s:s, s:s, s:s, s:b, s:I, s:I, s:I}", "role", pt_http_roles[series->key.role],
		"method", pt_http_methods[series->key.method], "status", status, "tls",
		series->key.tls, "count", (json_int_t)pt_histogram_count(&latency->duration),
		"duration_ns", (json_int_t)latency->duration.sum_ns, "start_ns",
		(json_int_t)latency->start.sum_ns);
}

static json_t *http_json(const struct pt_pod_record *record)
{
	const struct pt_http_pod *http = &record->http;
	json_t *series = json_array(), *aborted = json_object();

	for (size_t i = 0; i < record->series_count; i++)
		json_array_append_new(series, series_json(&record->series[i]));
	for (int role = 0; role < PT_ROLE_COUNT; role++)
		json_object_set_new(aborted, pt_http_roles[role],
				    json_pack("{s:I, s:I}", pt_http_sides[PT_BY_CLIENT],
					      (json_int_t)http->aborted[role][PT_BY_CLIENT],
					      pt_http_sides[PT_BY_SERVER],
					      (json_int_t)http->aborted[role][PT_BY_SERVER]));
	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "series", series, "aborted", aborted,
			 "overflow", (json_int_t)http->overflow, "queued",
			 (json_int_t)pt_histogram_count(&http->queue), "queue_ns",
			 (json_int_t)http->queue.sum_ns);
}

static json_t *tls_json(const struct pt_pod_record *record)
{
	const struct pt_tls_connections *tls = &record->tls;
	json_t *unseen = json_object();

	for (int i = 0; i < PT_UNSEEN_COUNT; i++)
		json_object_set_new(unseen, pt_unseen_reasons[i],
				    json_integer((json_int_t)tls->unseen[i]));
	return json_pack("{s:s, s:I, s:o, s:I}", "mode", pt_tls_modes[record->tls_mode],
			 "connections", (json_int_t)tls->total, "unseen", unseen, "other_sessions",
			 (json_int_t)tls->other);
}

static json_t *pod_json(const struct pt_pod_record *record)
{
	const struct pt_pod *pod = &record->pod;
	const struct {
		const char *key;
		const char *text;
	} texts[] = {
		{ "namespace", pod->namespace },
		{ "pod", pod->name },
		{ "uid", pod->uid },
		{ "container_id", pod->container_id },
		{ "ifname", pod->ifname },
		{ "node_interface", pod->node_interface },
		{ "ipv4", pod->ipv4 },
		{ "ipv6", pod->ipv6 },
		{ "reason", record->reason },
	};
	json_t *root = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "id", (json_int_t)record->id,
				 "netns", (json_int_t)pod->netns, "ifindex",
				 (json_int_t)pod->ifindex, "cgroup_id", (json_int_t)pod->cgroup_id,
				 "deleted", pod->deleted_ns != 0, "attached", record->attached);

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		json_object_set_new(root, texts[i].key, pt_cli_text(texts[i].text));
	json_object_set_new(root, "traffic", traffic_json(&record->traffic));
	json_object_set_new(root, "retransmits", retransmits_json(&record->retransmits));
	json_object_set_new(root, "http", http_json(record));
	json_object_set_new(root, "tls", tls_json(record));
	return root;
}

static int print_json(const struct pt_cli *cli, const struct pt_snapshot *snapshot)
{
	json_t *root = json_array();

	for (size_t i = 0; i < snapshot->count; i++)
		json_array_append_new(root, pod_json(&snapshot->pods[i]));
	return pt_cli_print_json(cli, root);
}

int pt_cli_dump_pods(const struct pt_cli *cli)
{
	struct pt_snapshot snapshot = {};
	struct pt_datapath dp = {};
	int err, ret;

	err = pt_datapath_open(&dp);
	if (err == -ENOENT)
		return pt_cli_fail(0, "not loaded");
	if (err)
		return pt_cli_fail(err, "the datapath cannot be opened");

	err = pt_snapshot_read(&dp, &snapshot);
	if (err)
		ret = pt_cli_fail(err, "the maps cannot be read");
	else
		ret = cli->json ? print_json(cli, &snapshot) : print_table(&snapshot);
	pt_snapshot_free(&snapshot);
	pt_datapath_close(&dp);
	return ret;
}
