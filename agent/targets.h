/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The files with a TLS library in them that pods use: what is probed, and what could not be. */
#ifndef PT_TARGETS_H
#define PT_TARGETS_H

#include <time.h>

#include "agent/probes.h"

#define PT_TARGETS_MAX 128

enum pt_target_state {
	PT_TARGET_PROBED,
	PT_TARGET_REFUSED,
	PT_TARGET_OVER_BUDGET,
	PT_TARGET_STATES,
};

extern const char *const pt_target_states[PT_TARGET_STATES];

struct pt_target {
	struct pt_file_id id; /* inode 0: none */
	char library[64];     /* the file's name, from a pod */
	char version[24];     /* the newest that its symbols are of; empty: they do not tell */
	enum pt_target_state state;
	uint32_t slot;     /* in map tls_files */
	time_t on_seen;    /* CLOCK_MONOTONIC when a pod was last seen to have it that wants it
			    * probed whatever it costs; 0: never */
	time_t idle_since; /* CLOCK_MONOTONIC, since when nobody in a pod has it; 0: somebody has */
};

struct pt_targets {
	struct pt_target all[PT_TARGETS_MAX];
};

/* For how long one of these is taken to have it still: two reviews, and one that takes its time. */
#define PT_TARGET_ON_SECONDS 80

void pt_target_set_on(struct pt_target *target);
bool pt_target_is_on(const struct pt_target *target);

/* The file's entry, or NULL. */
struct pt_target *pt_target_find(struct pt_targets *targets, const struct pt_file_id *id);

/* The same, or a new one. NULL: there is no room. */
struct pt_target *pt_target_add(struct pt_targets *targets, const struct pt_file_id *id);

/* Whether a file has been idle for so long, now that it is or is not used. */
int pt_target_is_over(struct pt_target *target, int is_used, time_t seconds);

/* How many targets are like this one; 0 when one before it in the table is: each kind counts once.
 */
unsigned int pt_target_count(const struct pt_targets *targets, const struct pt_target *target);

#endif
