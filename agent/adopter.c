// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/adopter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/child.h"
#include "agent/log.h"

#define RETRY_NS (60 * 1000000000ull)
/* A pass over a full node takes a second or two; what is adopted by then stays so. */
#define PASS_SECONDS 120

/* What the child tells. */
struct outcome {
	struct pt_adoption adoption;
	int err; /* 0, or why the pass was cut short */
	char problem[1024];
};

_Static_assert(sizeof(struct outcome) <= PT_CHILD_TELLS, "the child can tell it");

struct pt_adopter {
	struct event_base *base;
	struct pt_child *child;
	struct pt_adopter_record record;
	char problem[1200]; /* of the last pass; empty when there was none */

	/* when the last pass began */
	__u64 loaded_ns; /* of the datapath, 0 before the first pass */
	__u64 degraded;  /* ADDs */
	__u64 began_ns;
	bool is_unfinished;
};

/* The first is enough to begin with; `podtag adopt` lists them. */
static void note(const struct pt_adopt_failure *failure, void *arg)
{
	struct outcome *outcome = arg;

	if (outcome->problem[0])
		return;
	if (failure->pod[0])
		snprintf(outcome->problem, sizeof(outcome->problem), "%s%s%s %s: %s: %s",
			 failure->namespace, failure->namespace[0] ? "/" : "", failure->pod,
			 failure->ifname, pt_not_adopted_names[failure->reason], failure->text);
	else
		snprintf(outcome->problem, sizeof(outcome->problem), "%s: %s: %s", failure->file,
			 pt_not_adopted_names[failure->reason], failure->text);
}

static void run(void *arg)
{
	struct outcome *outcome = arg;

	outcome->err = pt_adopt(note, outcome, &outcome->adoption);
}

/* The same again every minute would only fill the log. */
static void complain(struct pt_adopter *adopter, const char *problem)
{
	if (*problem && strcmp(problem, adopter->problem))
		pt_agent_log(PT_LOG_WARN, "%s", problem);
	snprintf(adopter->problem, sizeof(adopter->problem), "%s", problem);
}

static void take(struct pt_adopter *adopter, const struct outcome *outcome)
{
	const struct pt_adoption *adoption = &outcome->adoption;
	char problem[sizeof(adopter->problem)] = "";
	unsigned int failed = 0;

	for (int i = 0; i < PT_NOT_ADOPTED_COUNT; i++) {
		adopter->record.not_adopted[i] = adoption->not_adopted[i];
		failed += adoption->not_adopted[i];
	}
	adopter->record.adopted += adoption->adopted;
	adopter->is_unfinished = failed || outcome->err;
	if (adoption->adopted)
		pt_agent_log(PT_LOG_INFO, "%u interfaces of pods without podtag are adopted",
			     adoption->adopted);
	if (failed)
		snprintf(problem, sizeof(problem),
			 "%u not adopted, see podtag adopt; the first: %s", failed,
			 outcome->problem);
	else if (outcome->err && outcome->err != -ENOENT) /* unloaded: that is said elsewhere */
		snprintf(problem, sizeof(problem), "adoption was cut short: %s",
			 strerror(-outcome->err));
	complain(adopter, problem);
}

static void on_done(const void *outcome, const char *problem, void *arg)
{
	struct pt_adopter *adopter = arg;
	char text[128];

	if (outcome) {
		take(adopter, outcome);
	} else {
		snprintf(text, sizeof(text), "adoption was cut short: %s", problem);
		complain(adopter, text);
		adopter->is_unfinished = true;
	}
	pt_child_free(adopter->child);
	adopter->child = NULL;
}

static bool is_due(const struct pt_adopter *adopter, const struct pt_datapath *dp)
{
	if (adopter->loaded_ns != dp->info->loaded_ns ||
	    adopter->degraded != dp->operations[PT_ADD].degraded)
		return true;
	return adopter->is_unfinished && pt_now_ns() - adopter->began_ns >= RETRY_NS;
}

void pt_adopter_look(struct pt_adopter *adopter, const struct pt_datapath *dp)
{
	static const struct pt_child_work work = { sizeof(struct outcome), PASS_SECONDS, run,
						   on_done };

	if (adopter->child || !is_due(adopter, dp))
		return;
	adopter->loaded_ns = dp->info->loaded_ns;
	adopter->degraded = dp->operations[PT_ADD].degraded;
	adopter->began_ns = pt_now_ns();
	adopter->child = pt_child_new(adopter->base, &work, adopter);
	if (!adopter->child) {
		adopter->is_unfinished = true;
		complain(adopter, "no child process to adopt pods");
	}
}

const struct pt_adopter_record *pt_adopter_record(const struct pt_adopter *adopter)
{
	return &adopter->record;
}

struct pt_adopter *pt_adopter_new(struct event_base *base)
{
	struct pt_adopter *adopter = calloc(1, sizeof(*adopter));

	if (adopter)
		adopter->base = base;
	return adopter;
}

void pt_adopter_free(struct pt_adopter *adopter)
{
	if (!adopter)
		return;
	pt_child_free(adopter->child);
	free(adopter);
}
