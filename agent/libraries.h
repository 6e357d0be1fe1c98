/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The TLS libraries that processes in pods use: found as they are mapped, probed, and let go when
 * nobody has them any more. */
#ifndef PT_LIBRARIES_H
#define PT_LIBRARIES_H

#include <event2/event.h>
#include <stdint.h>

#include "agent/targets.h"
#include "bpf/types.h"

struct pt_libraries;

/* Begins to look. mode: what pods want that say nothing, PT_TLS_ON or PT_TLS_AUTO. budget: percent
 * of a CPU that the probes of a file may cost where PT_TLS_AUTO is what its users want. Returns
 * NULL with errno set. */
struct pt_libraries *pt_libraries_new(struct event_base *base, enum pt_tls_mode mode,
				      unsigned int budget);

struct pt_libraries_record {
	const struct pt_targets *targets;
	const struct pt_tls_file *files; /* PT_TLS_FILES, or NULL while nothing is loaded */
	uint64_t probe_ns; /* what a call takes longer by its probes, as measured here; 0: not known
			    */
};

/* Good for as long as the libraries are. */
const struct pt_libraries_record *pt_libraries_record(const struct pt_libraries *libraries);

/* Tells that the datapath's programs were loaded or replaced. */
void pt_libraries_loaded(struct pt_libraries *libraries);

/* Takes all probes off, and tells the datapath why. */
void pt_libraries_leave_all(enum pt_unseen why);

/* The probes stay. NULL is fine. */
void pt_libraries_free(struct pt_libraries *libraries);

#endif
