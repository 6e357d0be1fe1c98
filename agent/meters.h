/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Watches what the probes of all targets cost, and says which are to come off. */
#ifndef PT_METERS_H
#define PT_METERS_H

#include <event2/event.h>

#include "agent/budget.h"
#include "agent/targets.h"

struct pt_meters {
	struct event *timer; /* while a file is probed within a budget */
	struct pt_targets *targets;
	struct pt_tls_file *files; /* PT_TLS_FILES, or NULL while nothing is loaded */
	struct pt_budget budget;
	void (*cut)(void *arg);
	void *arg;
	struct pt_meter each[PT_TARGETS_MAX];
};

/* Of zeroed meters, with targets and budget set, and cut(), which is told when a target has become
 * PT_TARGET_OVER_BUDGET, so that its probes are taken off. Returns 0 or -1. */
int pt_meters_init(struct pt_meters *meters, struct event_base *base);

/* Tells that there may be other targets. Where nothing is probed within a budget that is all. */
void pt_meters_watch(struct pt_meters *meters);

void pt_meters_done(struct pt_meters *meters);

#endif
