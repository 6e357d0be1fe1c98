/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Work in a short-lived child process: what takes much memory or time never gets into the agent. */
#ifndef PT_AGENT_CHILD_H
#define PT_AGENT_CHILD_H

#include <event2/event.h>
#include <stddef.h>

/* What a child may tell; a pipe takes it as a whole or not at all. */
#define PT_CHILD_TELLS 2048

struct pt_child;

struct pt_child_work {
	size_t size; /* of the outcome, at most PT_CHILD_TELLS */
	int seconds; /* after which the child is killed */

	/* In the child: does the work and fills the outcome, which is zeroed. */
	void (*run)(void *outcome);
	/* In the agent, once: with the outcome; or with NULL and why there is none. */
	void (*done)(const void *outcome, const char *problem, void *arg);
};

/* Starts a child; the caller frees it, in done() at the earliest. Returns NULL with errno set. The
 * work must stay. */
struct pt_child *pt_child_new(struct event_base *base, const struct pt_child_work *work, void *arg);

/* A child that is not done yet finishes unheard. NULL is fine. */
void pt_child_free(struct pt_child *child);

#endif
