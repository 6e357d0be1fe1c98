/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The live view on a terminal. */
#ifndef PT_TOP_LIVE_H
#define PT_TOP_LIVE_H

#include <stdbool.h>

struct pt_top_options {
	bool is_given; /* one of these was asked for */
	bool once;
	int delay_ms;       /* how long an interval is; 0: as usual */
	const char *sort;   /* a column's name; NULL: "requests" */
	const char *filter; /* NULL: none */
};

#define PT_TOP_DELAY_MS 2000

/* Shows the pods until the user leaves. The terminal must be one (pt_terminal_lacks()), the options
 * valid. Returns 0 or a negative errno. */
int pt_top_live(const struct pt_top_options *options);

#endif
