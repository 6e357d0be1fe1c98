/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the writers of families share. */
#ifndef PT_AGENT_FAMILIES_H
#define PT_AGENT_FAMILIES_H

#include <stddef.h>
#include <string.h>

#include "agent/exposition.h"
#include "bpf/snapshot.h"

/* A text field that may fill its array to the last byte. */
#define LABEL(page, name, field) pt_page_label(page, name, field, sizeof(field))
#define WORD(page, name, word)   pt_page_label(page, name, word, strlen(word))

/* The pods that have samples, in order of namespace and name. */
struct pt_shown {
	const struct pt_pod_record **pods;
	size_t count;
};

/* The labels of all samples that follow, until the next call or the next family. */
void pt_label_pod(struct pt_page *page, const struct pt_pod *pod);

/* A family that has one counter of each pod, of type __u64, at that offset of its record. */
void pt_write_counter(struct pt_page *page, const struct pt_family *family,
		      const struct pt_shown *shown, size_t offset);

/* Everything about HTTP; lost has PT_LOST_COUNT elements. */
void pt_write_http(struct pt_page *page, const struct pt_shown *shown, const __u64 *lost);

struct pt_libraries_record;

/* What is probed, what that costs, and what of it was given up. */
void pt_write_probes(struct pt_page *page, const struct pt_libraries_record *record);

/* What podtag does not see of pods' TLS connections. */
void pt_write_tls(struct pt_page *page, const struct pt_shown *shown);

void pt_write_programs(struct pt_page *page, const struct pt_program_record *programs,
		       size_t count);
void pt_write_maps(struct pt_page *page, const struct pt_map_record *maps, size_t count);

#endif
