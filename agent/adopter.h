/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Adopt pods that podtag has missed, in a child process. */
#ifndef PT_AGENT_ADOPTER_H
#define PT_AGENT_ADOPTER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/datapath.h"
#include "cni/adopt.h"

/* What /metrics says of it. */
struct pt_adopter_record {
	uint64_t adopted; /* since the agent's start */
	uint32_t not_adopted[PT_NOT_ADOPTED_COUNT];
};

struct pt_adopter;

/* Returns NULL with errno set. */
struct pt_adopter *pt_adopter_new(struct event_base *base);

/* To be called every now and then while a datapath is loaded: adopts at the first call, when it is
 * another datapath than before, when ADDs could not do all of it since; and once a minute what the
 * pass before could not. */
void pt_adopter_look(struct pt_adopter *adopter, const struct pt_datapath *dp);

const struct pt_adopter_record *pt_adopter_record(const struct pt_adopter *adopter);

/* NULL is fine. */
void pt_adopter_free(struct pt_adopter *adopter);

#endif
