/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* podtag-install: what its commands share. */
#ifndef PT_INSTALL_H
#define PT_INSTALL_H

#include <limits.h>
#include <stdbool.h>

struct pt_options {
	const char *bin_dir; /* NULL: to be detected */
	const char *conf_dir;
	bool dry_run;
	bool json;
};

/* The commands. Each returns the exit status. */
int pt_install(const struct pt_options *options);
int pt_watch(const struct pt_options *options);
int pt_status(const struct pt_options *options);
int pt_uninstall(const struct pt_options *options);

/* What pt_install_once() did. */
enum pt_outcome {
	PT_FAILED = -1,
	PT_UNCHANGED,
	PT_CHANGED,      /* the binary or a file that is no plain conflist's entry */
	PT_ENTRY_PUT_IN, /* podtag's entry was missing in the chain */
	PT_NO_BASE,      /* no chain is there yet to put it into */
};

/* Brings the node to the state in which podtag is installed; says what it does, and why it cannot.
 */
enum pt_outcome pt_install_once(const struct pt_options *options);

/* Says on stderr what went wrong, err being a negative errno or 0. The same thing again and again
 * is said once. Returns -1. */
int pt_complain(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says on stdout what was done. */
void pt_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
