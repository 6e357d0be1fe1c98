// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Print a /metrics page, as OpenMetrics, with every family and every value of every label that is
 * one of a few words: what docs/metrics.md is made of. Each sample is there, however unlikely on a
 * node. */
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "agent/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Two pods, one attached and one not. */
static void fill_pods(struct pt_snapshot *snapshot)
{
	static struct pt_http_series series[PT_ROLE_COUNT * PT_METHOD_COUNT * 2];
	static struct pt_pod_record pods[2];

	for (size_t i = 0; i < COUNT(series); i++)
		series[i].key = (struct pt_http_key){ .status = 200,
						      .tls = i % 2,
						      .method = i / 2 % PT_METHOD_COUNT,
						      .role = i / 2 / PT_METHOD_COUNT };
	for (size_t i = 0; i < COUNT(pods); i++) {
		pods[i].id = i + 1;
		pods[i].attached = i;
		snprintf(pods[i].pod.name, sizeof(pods[i].pod.name), "pod-%zu", i);
	}
	pods[0].series = series;
	pods[0].series_count = COUNT(series);
	*snapshot = (struct pt_snapshot){ .pods = pods, .count = COUNT(pods) };
}

/* A file in each state. */
static void fill_targets(struct pt_targets *targets)
{
	for (int i = 0; i < PT_TARGET_STATES; i++) {
		targets->all[i].id.inode = i + 1;
		targets->all[i].state = i;
		strcpy(targets->all[i].library, "libssl.so.3");
	}
}

int main(void)
{
	static struct pt_gave_up gave_up[PT_REASON_COUNT];
	static struct pt_cni_operations operations[PT_COMMAND_COUNT];
	static struct pt_datapath_info info;
	static struct pt_targets targets;
	static struct pt_tls_file files[PT_TLS_FILES] = {
		[1] = { .inode = 1, .library = "libssl.so.3", .version = "3.0.0" },
	};
	const struct pt_datapath dp = { .info = &info,
					.gave_up = gave_up,
					.operations = operations };
	const struct pt_program_record program = { .name = "podtag_in" };
	const struct pt_map_record map = { .name = "pods", .max_entries = 1 };
	const struct pt_adopter_record adopted = {};
	const struct pt_libraries_record libraries = { .targets = &targets,
						       .files = files,
						       .probe_ns = 1 };
	struct pt_snapshot snapshot;
	const struct pt_metrics metrics = {
		.dp = &dp,
		.pods = &snapshot,
		.programs = &program,
		.program_count = 1,
		.maps = &map,
		.map_count = 1,
		.adopted = &adopted,
		.libraries = &libraries,
		.scrape_ns = 1,
	};
	struct evbuffer *out = evbuffer_new();

	fill_pods(&snapshot);
	fill_targets(&targets);
	if (!out || pt_metrics_write(out, PT_OPENMETRICS, &metrics))
		return 1;
	return fwrite(evbuffer_pullup(out, -1), evbuffer_get_length(out), 1, stdout) != 1;
}
