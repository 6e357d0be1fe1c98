// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Keep the datapath loaded and swept, for as long as the agent runs. */
#include "agent/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* What the child tells, in one write. */
struct outcome {
	int result; /* enum pt_load_result or a negative errno */
	char text[1024];
};

_Static_assert(sizeof(struct outcome) <= PIPE_BUF, "written to the pipe as a whole or not at all");

struct pt_loader {
	struct event_base *base;
	struct event *timer;
	struct event *done; /* the child has told its outcome, or died; NULL without a child */
	pid_t child;
	char problem[1200]; /* of the last load; empty when it went well */
	char open_problem[64];
};

static void wake_in(struct pt_loader *loader, int seconds)
{
	const struct timeval pause = { .tv_sec = seconds };

	evtimer_add(loader->timer, &pause);
}

static void load(struct outcome *ret)
{
	int result, lock = pt_datapath_lock(LOAD_LOCK_MS);

	*ret = (struct outcome){ .result = lock };
	if (lock == -ETIMEDOUT)
		snprintf(ret->text, sizeof(ret->text), "another process holds the lock on %s",
			 PT_ROOT);
	else if (lock < 0)
		snprintf(ret->text, sizeof(ret->text), "%s can't be used", PT_ROOT);
	else
		ret->result = pt_datapath_load(ret->text, sizeof(ret->text));
	if (ret->result < 0)
		return;

	close(lock);
	result = pt_http_load(ret->text, sizeof(ret->text));
	if (result >= 0)
		ret->text[0] = '\0';
	if (result > ret->result)
		ret->result = result;
}

/* Runs in the child. The agent's signals and sockets are none of its business; above all the
 * listening socket must not outlive an agent that is killed. */
static _Noreturn void run_child(int pipe_fd)
{
	struct outcome outcome;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	alarm(LOAD_SECONDS); /* kills a child that hangs */
	if (dup2(pipe_fd, STDERR_FILENO + 1) < 0 || close_range(STDERR_FILENO + 2, ~0u, 0) ||
	    fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC))
		_exit(1);

	load(&outcome);
	_exit(write(STDERR_FILENO + 1, &outcome, sizeof(outcome)) != sizeof(outcome));
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

static void take_outcome(struct pt_loader *loader, const struct outcome *outcome)
{
	static const char *const words[] = {
		[PT_LOAD_NOTHING] = "podtag's programs are loaded already",
		[PT_LOAD_CREATED] = "podtag's programs are loaded",
		[PT_LOAD_UPGRADED] = "podtag's programs are replaced by those of this version",
	};

	if (outcome->result < 0) {
		fail(loader, strerror(-outcome->result), outcome->text);
		return;
	}

	pt_agent_log(PT_LOG_INFO, "%s", words[outcome->result]);
	if (outcome->text[0])
		pt_agent_log(PT_LOG_WARN, "no HTTP metrics on this node: %s", outcome->text);
	loader->problem[0] = '\0';
	wake_in(loader, SWEEP_SECONDS);
}

static void on_child_done(evutil_socket_t fd, short what, void *arg)
{
	struct pt_loader *loader = arg;
	struct outcome outcome;
	int status = 0;
	ssize_t len;
	char text[64];

	(void)what;
	len = read(fd, &outcome, sizeof(outcome));
	close(fd);
	event_free(loader->done);
	loader->done = NULL;
	while (waitpid(loader->child, &status, 0) < 0 && errno == EINTR)
		continue;

	if (len == sizeof(outcome)) {
		take_outcome(loader, &outcome);
		return;
	}
	snprintf(text, sizeof(text), "the loader ended by %s %d",
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fail(loader, text, "");
}

static int start_child(struct pt_loader *loader)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;

	loader->done = event_new(loader->base, fds[0], EV_READ, on_child_done, loader);
	loader->child = loader->done ? fork() : -1;
	if (!loader->child)
		run_child(fds[1]);

	err = loader->child < 0 ? -errno : 0;
	close(fds[1]);
	if (!err && event_add(loader->done, NULL))
		err = -ENOMEM; /* the child finishes unheard */
	if (err) {
		if (loader->done)
			event_free(loader->done);
		loader->done = NULL;
		close(fds[0]);
	}
	return err;
}

static void sweep(struct pt_datapath *dp)
{
	int err, lock = pt_datapath_lock(SWEEP_LOCK_MS);

	if (lock == -ETIMEDOUT) {
		pt_agent_log(PT_LOG_DEBUG, "no sweep this time: the datapath is busy");
		return;
	}
	if (lock < 0) {
		pt_agent_log(PT_LOG_WARN, "no sweep: %s: %s", PT_ROOT, strerror(-lock));
		return;
	}

	err = pt_pods_sweep(dp);
	if (err < 0)
		pt_agent_log(PT_LOG_WARN, "the sweep was cut short: %s", strerror(-err));
	close(lock);
	pt_tc_reap();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pt_loader *loader = arg;
	struct pt_datapath dp;
	bool is_current;
	int err;

	(void)fd;
	(void)what;
	malloc_trim(0); /* what pages of many pods took is not kept for the next one */
	err = pt_datapath_open(&dp);
	if (!err) {
		is_current = pt_datapath_is_current(&dp);
		if (is_current)
			sweep(&dp);
		pt_datapath_close(&dp);
		if (is_current) {
			loader->problem[0] = '\0';
			wake_in(loader, SWEEP_SECONDS);
			return;
		}
	}

	err = start_child(loader);
	if (err)
		fail(loader, strerror(-err), "");
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

struct pt_loader *pt_loader_new(struct event_base *base)
{
	struct pt_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return NULL;

	loader->base = base;
	loader->timer = evtimer_new(base, on_timer, loader);
	if (!loader->timer) {
		free(loader);
		return NULL;
	}
	on_timer(-1, 0, loader);
	return loader;
}

void pt_loader_free(struct pt_loader *loader)
{
	if (!loader)
		return;

	if (loader->done) {
		close(event_get_fd(loader->done));
		event_free(loader->done);
	}
	event_free(loader->timer);
	free(loader);
}
