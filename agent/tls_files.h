/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Map tls_files as memory: what is counted of each file that is probed, over agents' lifetimes. */
#ifndef PT_TLS_FILES_H
#define PT_TLS_FILES_H

#include "agent/targets.h"
#include "bpf/types.h"

/* PT_TLS_FILES elements, or NULL: nothing is loaded, or a podtag without such a map. */
struct pt_tls_file *pt_tls_files_map(void);

/* NULL is fine. */
void pt_tls_files_unmap(struct pt_tls_file *files);

/* Returns the slot that a target's file had before, or another one, which it has from here on. The
 * others' files keep theirs while they are targets. 0: all are in use. */
uint32_t pt_tls_file_take(struct pt_tls_file *files, struct pt_targets *targets,
			  const struct pt_target *target);

/* Fills in what was known of a target's file when it was last attached to, if it is known. */
void pt_tls_file_recall(const struct pt_tls_file *files, struct pt_target *target);

/* Of all files of the library and version of this slot's; false when one before it has them, or it
 * is free: each is shown once. */
struct pt_tls_counts {
	uint64_t calls;
	uint64_t over_budget;
};

bool pt_tls_files_sum(const struct pt_tls_file *files, uint32_t slot, struct pt_tls_counts *ret);

#endif
