// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(PT_CHILD_TELLS <= PIPE_BUF, "written to the pipe as a whole or not at all");

struct pt_child {
	const struct pt_child_work *work;
	void *arg;
	struct event *done; /* the child has told its outcome, or died */
	pid_t pid;
};

/* The agent's signals and sockets are none of the child's business; above all the listening socket
 * must not outlive an agent that is killed. */
static _Noreturn void run(const struct pt_child_work *work, int pipe_fd)
{
	_Alignas(max_align_t) char outcome[PT_CHILD_TELLS] = {};

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	alarm(work->seconds); /* kills a child that hangs */
	if (dup2(pipe_fd, STDERR_FILENO + 1) < 0 || close_range(STDERR_FILENO + 2, ~0u, 0) ||
	    fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC))
		_exit(1);

	work->run(outcome);
	_exit(write(STDERR_FILENO + 1, outcome, work->size) != (ssize_t)work->size);
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(max_align_t) char outcome[PT_CHILD_TELLS];
	struct pt_child *child = arg;
	int status = 0;
	char text[64];
	ssize_t size;

	(void)what;
	size = read(fd, outcome, sizeof(outcome));
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;

	if (size == (ssize_t)child->work->size) {
		child->work->done(outcome, NULL, child->arg);
		return;
	}
	snprintf(text, sizeof(text), "the child process ended by %s %d",
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	child->work->done(NULL, text, child->arg);
}

struct pt_child *pt_child_new(struct event_base *base, const struct pt_child_work *work, void *arg)
{
	struct pt_child *child = calloc(1, sizeof(*child));
	int fds[2], err;

	if (!child)
		return NULL;
	if (pipe2(fds, O_CLOEXEC)) {
		free(child);
		return NULL;
	}
	child->work = work;
	child->arg = arg;
	child->done = event_new(base, fds[0], EV_READ, on_done, child);
	child->pid = child->done ? fork() : -1;
	if (!child->pid)
		run(work, fds[1]);

	err = child->pid < 0 ? errno : 0;
	close(fds[1]);
	if (!err && event_add(child->done, NULL))
		err = ENOMEM; /* the child finishes unheard */
	if (!err)
		return child;
	if (!child->done)
		close(fds[0]);
	pt_child_free(child);
	errno = err;
	return NULL;
}

void pt_child_free(struct pt_child *child)
{
	if (!child)
		return;
	if (child->done) {
		close(event_get_fd(child->done));
		event_free(child->done);
	}
	free(child);
}
