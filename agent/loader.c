// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Keep the datapath loaded and swept, for as long as the agent runs. */
#include "agent/loader.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/dead.h"
#include "agent/log.h"
#include "bpf/datapath.h"
#include "bpf/pods.h"
#include "bpf/tc.h"

#define SWEEP_SECONDS 15
#define RETRY_SECONDS 10
/* Of the child: the lock may be held by ADDs for a while, and the verifier takes its time. */
#define LOAD_LOCK_MS 10000
#define LOAD_SECONDS 60
/* Of the agent itself, which must go on serving. What is not swept now is swept later. */
#define SWEEP_LOCK_MS 20

/* What the child tells. */
struct outcome {
	int result;  /* enum pt_load_result or a negative errno */
	int retired; /* datapaths of other layouts, or a negative errno */
	char text[1024];
};

_Static_assert(sizeof(struct outcome) <= PT_CHILD_TELLS, "the child can tell it");

struct pt_loader {
	struct event_base *base;
	struct event *timer;
	struct pt_child *child; /* that loads */
	struct pt_adopter *adopter;
	struct pt_libraries *libraries; /* NULL: not wanted, or not to be had */
	enum pt_unseen without;         /* why there are no libraries, if there are none */
	bool has_looked;                /* at what is loaded */
	char problem[1200];             /* of the last load; empty when it went well */
	char open_problem[64];
};

static void wake_in(struct pt_loader *loader, int seconds)
{
	const struct timeval pause = { .tv_sec = seconds };

	evtimer_add(loader->timer, &pause);
}

static void load(void *outcome)
{
	struct outcome *ret = outcome;
	int result, lock = pt_datapath_lock(LOAD_LOCK_MS);

	ret->result = lock;
	if (lock == -ETIMEDOUT)
		snprintf(ret->text, sizeof(ret->text), "another process holds the lock on %s",
			 PT_ROOT);
	else if (lock == -ENODEV)
		snprintf(ret->text, sizeof(ret->text),
			 "the node has no bpffs mounted on " PT_BPFFS
			 ", and this container cannot do that for it");
	else if (lock < 0)
		snprintf(ret->text, sizeof(ret->text), "%s can't be used", PT_ROOT);
	else
		ret->result = pt_datapath_load(ret->text, sizeof(ret->text));
	if (ret->result < 0)
		return;

	ret->retired = pt_schema_retire();
	close(lock);
	result = pt_http_load(ret->text, sizeof(ret->text));
	if (result >= 0)
		ret->text[0] = '\0';
	if (result > ret->result)
		ret->result = result;
}

/* Keeps the reason as one line for /readyz and for the log; libbpf's come in several. */
static void fail(struct pt_loader *loader, const char *what, const char *text)
{
	char problem[sizeof(loader->problem)];
	size_t len;

	if (!strcmp(what, text))
		text = "";
	len = snprintf(problem, sizeof(problem), "podtag's programs can't be loaded: %s%s%s", what,
		       *text ? ": " : "", text);
	if (len >= sizeof(problem))
		len = sizeof(problem) - 1;
	while (len && problem[len - 1] == '\n')
		problem[--len] = '\0';
	for (char *p = problem; *p; p++)
		if (*p == '\n')
			*p = ' ';

	/* the same again every ten seconds would only fill the log */
	if (strcmp(problem, loader->problem))
		pt_agent_log(PT_LOG_ERROR, "%s", problem);
	strcpy(loader->problem, problem);
	wake_in(loader, RETRY_SECONDS);
}

/* There is a datapath, another one maybe than before. */
static void watch(struct pt_loader *loader)
{
	loader->has_looked = true;
	if (loader->libraries)
		pt_libraries_loaded(loader->libraries);
	else
		pt_libraries_leave_all(loader->without);
}

static void take_outcome(struct pt_loader *loader, const struct outcome *outcome)
{
	static const char *const words[] = {
		[PT_LOAD_NOTHING] = "podtag's programs are loaded already",
		[PT_LOAD_CREATED] = "podtag's programs are loaded",
		[PT_LOAD_UPGRADED] = "podtag's programs are replaced by those of this version",
	};
	struct pt_datapath dp;

	if (outcome->result < 0) {
		fail(loader, strerror(-outcome->result), outcome->text);
		return;
	}

	pt_agent_log(PT_LOG_INFO, "%s", words[outcome->result]);
	if (outcome->retired > 0)
		pt_agent_log(PT_LOG_INFO,
			     "what a podtag with other map layouts had loaded is removed");
	if (outcome->retired < 0)
		pt_agent_log(PT_LOG_WARN,
			     "what a podtag with other map layouts has loaded can't be removed: %s",
			     strerror(-outcome->retired));
	if (outcome->text[0])
		pt_agent_log(PT_LOG_WARN, "no HTTP metrics on this node: %s", outcome->text);
	loader->problem[0] = '\0';
	wake_in(loader, SWEEP_SECONDS);
	if (!pt_datapath_open(&dp)) {
		pt_adopter_look(loader->adopter, &dp);
		pt_datapath_close(&dp);
	}
	watch(loader);
}

static void on_loaded(const void *outcome, const char *problem, void *arg)
{
	struct pt_loader *loader = arg;

	if (outcome)
		take_outcome(loader, outcome);
	else
		fail(loader, problem, "");
	pt_child_free(loader->child);
	loader->child = NULL;
}

static void sweep(struct pt_datapath *dp)
{
	struct pt_dead dead = {};
	int err, lock;

	err = pt_dead_find(dp, &dead); /* before the lock, for it may take a while */
	if (err)
		pt_agent_log(PT_LOG_WARN, "pods without a DEL can't be looked for: %s",
			     strerror(-err));
	lock = pt_datapath_lock(SWEEP_LOCK_MS);
	if (lock == -ETIMEDOUT) {
		pt_agent_log(PT_LOG_DEBUG, "no sweep this time: the datapath is busy");
		goto free_dead;
	}
	if (lock < 0) {
		pt_agent_log(PT_LOG_WARN, "no sweep: %s: %s", PT_ROOT, strerror(-lock));
		goto free_dead;
	}

	err = pt_dead_end(dp, &dead);
	if (!err)
		err = pt_pods_sweep(dp);
	if (err < 0)
		pt_agent_log(PT_LOG_WARN, "the sweep was cut short: %s", strerror(-err));
	close(lock);
	pt_tc_reap();

free_dead:
	pt_dead_free(&dead);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct pt_child_work work = { sizeof(struct outcome), LOAD_SECONDS, load,
						   on_loaded };
	struct pt_loader *loader = arg;
	struct pt_datapath dp;
	bool is_current;
	int err;

	(void)fd;
	(void)what;
	malloc_trim(0); /* what pages of many pods took is not kept for the next one */
	err = pt_datapath_open(&dp);
	if (!err) {
		is_current = pt_datapath_is_current(&dp) && pt_schema_is_alone();
		if (is_current) {
			sweep(&dp);
			pt_adopter_look(loader->adopter, &dp);
		}
		pt_datapath_close(&dp);
		if (is_current) {
			loader->problem[0] = '\0';
			if (!loader->has_looked)
				watch(loader);
			wake_in(loader, SWEEP_SECONDS);
			return;
		}
	}

	loader->child = pt_child_new(loader->base, &work, loader);
	if (!loader->child)
		fail(loader, strerror(errno), "");
}

const char *pt_loader_problem(struct pt_loader *loader)
{
	struct pt_datapath dp;
	int err = pt_datapath_open(&dp);

	if (!err) {
		pt_datapath_close(&dp);
		return NULL;
	}
	if (loader->problem[0])
		return loader->problem;
	if (err == -ENOENT)
		return "podtag's programs are not loaded yet";

	snprintf(loader->open_problem, sizeof(loader->open_problem), "%s: %s", PT_DIR,
		 strerror(-err));
	return loader->open_problem;
}

struct pt_loader *pt_loader_new(struct event_base *base, enum pt_tls_mode tls, unsigned int budget)
{
	struct pt_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return NULL;

	loader->base = base;
	loader->without = tls == PT_TLS_OFF ? PT_UNSEEN_OFF : PT_UNSEEN_UNAVAILABLE;
	if (tls != PT_TLS_OFF)
		loader->libraries = pt_libraries_new(base, tls, budget);
	if (tls != PT_TLS_OFF && !loader->libraries)
		pt_agent_log(PT_LOG_WARN, "no metrics of HTTP over TLS on this node: %s",
			     strerror(errno));
	loader->timer = evtimer_new(base, on_timer, loader);
	loader->adopter = pt_adopter_new(base);
	if (!loader->timer || !loader->adopter) {
		pt_loader_free(loader);
		return NULL;
	}
	on_timer(-1, 0, loader);
	return loader;
}

const struct pt_adopter_record *pt_loader_adopted(const struct pt_loader *loader)
{
	return pt_adopter_record(loader->adopter);
}

const struct pt_libraries_record *pt_loader_libraries(const struct pt_loader *loader)
{
	return loader->libraries ? pt_libraries_record(loader->libraries) : NULL;
}

void pt_loader_free(struct pt_loader *loader)
{
	if (!loader)
		return;

	pt_child_free(loader->child);
	pt_adopter_free(loader->adopter);
	pt_libraries_free(loader->libraries);
	if (loader->timer)
		event_free(loader->timer);
	free(loader);
}
