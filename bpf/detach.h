/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Take the filters away from the pods that have them, each in its own network namespace. */
#ifndef PT_DETACH_H
#define PT_DETACH_H

#include "bpf/datapath.h"

/* Finds the namespaces by their numbers among those that are mounted here and those of the
 * processes that are seen here, and goes there and back: of a process with one thread only. An
 * empty clsact stays, as it may be another's. Returns 0; -EBUSY: a pod that lives was not found,
 * and keeps its filters; or another negative errno. */
int pt_detach_pods(const struct pt_datapath *dp);

#endif
