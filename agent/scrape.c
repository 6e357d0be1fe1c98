// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Make one /metrics page from what is pinned at that moment. */
#include "agent/scrape.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "agent/metrics.h"
#include "agent/process.h"

/* What a page says about the pages before it. */
static uint64_t last_ns, failed;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* True if it went wrong. An unload in the midst of a scrape is no error worth a line each. */
static bool is_failed(int result, const char *what)
{
	if (result >= 0)
		return false;

	pt_agent_log(result == -ENOENT ? PT_LOG_DEBUG : PT_LOG_WARN, "%s can't be read: %s", what,
		     strerror(-result));
	return true;
}

int pt_scrape(struct evbuffer *out, enum pt_format format, const struct pt_adopter_record *adopted,
	      const struct pt_libraries_record *libraries)
{
	struct pt_program_record programs[PT_RECORDS_MAX];
	struct pt_map_record maps[PT_RECORDS_MAX];
	const uint64_t start_ns = now_ns();
	struct pt_snapshot snapshot = {};
	struct pt_metrics metrics = {};
	struct pt_datapath dp = {};
	bool any_failed = false;
	int result;

	result = pt_datapath_open(&dp);
	if (!result) {
		metrics.dp = &dp;
		result = pt_snapshot_read(&dp, &snapshot);
		metrics.pods = result < 0 ? NULL : &snapshot;
		any_failed |= is_failed(result, "the pods");

		result = pt_programs_read(programs, PT_RECORDS_MAX);
		metrics.programs = result < 0 ? NULL : programs;
		metrics.program_count = result < 0 ? 0 : result;
		any_failed |= is_failed(result, "the programs' statistics");

		result = pt_maps_read(maps, PT_RECORDS_MAX);
		metrics.maps = result < 0 ? NULL : maps;
		metrics.map_count = result < 0 ? 0 : result;
		any_failed |= is_failed(result, "the maps' sizes");
	} else if (result != -ENOENT) {
		any_failed = is_failed(result, "the datapath");
	}

	failed += any_failed;
	metrics.failed_scrapes = failed;
	metrics.adopted = adopted;
	metrics.libraries = libraries;
	metrics.scrape_ns = last_ns;
	pt_process_read(&metrics.process);
	result = pt_metrics_write(out, format, &metrics);

	pt_snapshot_free(&snapshot);
	pt_datapath_close(&dp);
	last_ns = now_ns() - start_ns;
	return result;
}
