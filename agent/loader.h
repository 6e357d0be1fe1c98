/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Keep the datapath loaded, swept, and complete, for as long as the agent runs. */
#ifndef PT_AGENT_LOADER_H
#define PT_AGENT_LOADER_H

#include <event2/event.h>
#include <stdbool.h>

#include "agent/adopter.h"
#include "agent/libraries.h"

struct pt_loader;

/* Starts at once, and then looks again every few seconds: loads what is missing or not of this
 * binary, ends pods whose DEL never came, gives back the memory of pods long gone, and adopts pods
 * that podtag has missed. Loading happens in a child process, so that the kernel's BTF, some 10 MB,
 * never gets into the agent. Probes the TLS libraries of pods, or sees to it that none is probed.
 * Returns NULL with errno set when there is no memory. */
struct pt_loader *pt_loader_new(struct event_base *base, enum pt_tls_mode tls, unsigned int budget);

/* NULL while a datapath is there, else why not. The text is good until the next call. */
const char *pt_loader_problem(struct pt_loader *loader);

const struct pt_adopter_record *pt_loader_adopted(const struct pt_loader *loader);

/* NULL when none are probed. */
const struct pt_libraries_record *pt_loader_libraries(const struct pt_loader *loader);

/* Leaves the datapath as it is. NULL is fine. */
void pt_loader_free(struct pt_loader *loader);

#endif
