/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the writers of families share. */
#ifndef PT_AGENT_FAMILIES_H
#define PT_AGENT_FAMILIES_H

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

/* Everything about HTTP; lost has PT_LOST_COUNT elements. */
void pt_write_http(struct pt_page *page, const struct pt_shown *shown, const __u64 *lost);

void pt_write_programs(struct pt_page *page, const struct pt_program_record *programs,
		       size_t count);
void pt_write_maps(struct pt_page *page, const struct pt_map_record *maps, size_t count);

#endif
