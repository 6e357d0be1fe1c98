/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The end of the time a call may take, whatever it is doing at that moment. */
#ifndef PT_DEADLINE_H
#define PT_DEADLINE_H

#include <stddef.h>

#include "bpf/datapath.h"

#define PT_DEADLINE_MS 1000

/* After ms milliseconds the process writes text to stdout and exits with status, having counted
 * that in the datapath being watched, if any. The text must stay. */
void pt_deadline_start(int ms, enum pt_command command, int status, const char *text, size_t size);

/* Where to count. NULL before the datapath is closed. */
void pt_deadline_watch(struct pt_datapath *dp);

/* In time. */
void pt_deadline_stop(void);

#endif
