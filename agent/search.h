/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Looks into files that processes in pods have mapped, and probes what is a TLS library.
 *
 * It is the work of a child process: what a pod maps may be anything, and on a file system that
 * never answers.
 */
#ifndef PT_SEARCH_H
#define PT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/seen.h"
#include "agent/targets.h"
#include "agent/wishes.h"

#define PT_BATCH_MAX 128 /* files that one child looks into */

/* What agent and child share. */
struct pt_search_memory {
	struct pt_seen seen[PT_SEEN_MAX];
	struct pt_targets targets;
};

/* A file to look into, and a descriptor that keeps it at hand, whatever becomes of who mapped it.
 * Made with O_PATH, which asks nothing of its file system. */
struct pt_candidate {
	struct pt_mapping mapping;
	enum pt_tls_mode mode; /* of its pod */
	int fd;                /* the agent's, not the child's */
};

struct pt_search {
	struct pt_search_memory *memory;
	struct pt_tls_file *files; /* map tls_files, or NULL */
	struct pt_wishes wishes;
	bool is_tested;    /* probes do no harm here */
	bool looks_at_all; /* at all processes, not only at the batch */
	size_t taken;      /* of the batch */
	struct pt_candidate batch[PT_BATCH_MAX];
};

struct pt_search_outcome {
	int err; /* why the functions of the last one that was refused could not be probed, or 0 */
	int detached;
	int tested; /* what pt_probe_test() returned */
	uint64_t probe_ns;
};

/* Searches, in a child of the agent, which ends with it. */
void pt_search_run(struct pt_search *search, struct pt_search_outcome *outcome);

/* Notes who has mapped a file that was looked into. Returns whether it has to be looked into again.
 */
bool pt_search_note_user(struct pt_search *search, const struct pt_file_id *id,
			 enum pt_tls_mode mode);

struct pt_file_id pt_mapping_file(const struct pt_mapping *mapping);

#endif
