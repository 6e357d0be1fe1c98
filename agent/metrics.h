/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which metrics there are: everything on the page, from plain structs. */
#ifndef PT_AGENT_METRICS_H
#define PT_AGENT_METRICS_H

#include "agent/adopter.h"
#include "agent/exposition.h"
#include "agent/libraries.h"
#include "bpf/snapshot.h"

/* The agent's own process, as the Prometheus client libraries describe theirs. */
struct pt_process {
	uint64_t cpu_ns;
	uint64_t start_ns; /* since 1970 */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t open_fds;
	uint64_t max_fds;
};

/* What a page is made of. Where dp is NULL, no datapath is loaded and only the agent's own metrics
 * are written; where pods is NULL, the pods could not be read and have no samples. */
struct pt_metrics {
	const struct pt_datapath *dp; /* info, gave_up and operations are read */
	const struct pt_snapshot *pods;
	const struct pt_program_record *programs;
	size_t program_count;
	const struct pt_map_record *maps;
	size_t map_count;
	const struct pt_adopter_record *adopted;     /* NULL: not written */
	const struct pt_libraries_record *libraries; /* the same */
	struct pt_process process;
	uint64_t scrape_ns;      /* how long the last page took, 0 before there was one */
	uint64_t failed_scrapes; /* pages that lack something because a read failed */
};

/* Writes the whole page. Of pods with the same namespace and name only the one with the highest id
 * is written, because Prometheus refuses a page that has a series twice: a StatefulSet's pod made
 * anew while the old one's final values are kept, or two sandboxes of one pod. Returns 0, or
 * -ENOMEM with out as it was. */
int pt_metrics_write(struct evbuffer *out, enum pt_format format, const struct pt_metrics *metrics);

#endif
