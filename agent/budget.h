/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the probes of a file may cost the processes that have it mapped. */
#ifndef PT_BUDGET_H
#define PT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/targets.h"
#include "bpf/types.h"

struct pt_budget {
	unsigned int percent; /* of a CPU, for each file */
	uint64_t call_ns;     /* what a call takes longer by its probes */
};

/* A file has saved up what it may spend in PT_BUDGET_SECONDS, spends it with each call, and gets
 * more as time goes by. So a little too much is let be for a while, and much is not. */
#define PT_BUDGET_SECONDS 10

/* How often to look: the longest that an overload is too late noticed. */
#define PT_BUDGET_LOOK_SECONDS 2

/* Of one file; zeroed at first. */
struct pt_meter {
	struct pt_file_id id;
	uint64_t calls, at_ns; /* when it was last read */
	int64_t left_ns;       /* that it may spend */
};

/* Between two readings. */
struct pt_spending {
	uint64_t calls_per_second;
	double percent; /* of a CPU */
};

/* Reads a file's counter; a meter of another file begins anew. Returns whether there is less than
 * nothing left, with what was spent since the reading before. */
bool pt_meter_is_over(struct pt_meter *meter, const struct pt_budget *budget,
		      const struct pt_file_id *id, uint64_t calls, uint64_t now_ns,
		      struct pt_spending *ret);

/* Writes down that the file's probes come off, until file->retry_ns: 10 minutes from now, and each
 * time that they last no longer than they were off, twice as long as before, 160 minutes at most.
 * now_ns: CLOCK_BOOTTIME. */
void pt_budget_cut(struct pt_tls_file *file, uint64_t now_ns);

#endif
