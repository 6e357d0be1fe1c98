// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The end of the time a call may take, whatever it is doing at that moment. */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "cni/deadline.h"
#include "cni/io.h"

static struct {
	enum pt_command command;
	int status;
	const char *text;
	size_t size;
	struct pt_datapath *volatile dp;
} deadline;

/* Only what is async-signal-safe: the interrupted code may hold any lock of this process. The
 * counters are mapped memory, and the node's lock goes with the process. */
static void on_deadline(int signal)
{
	struct pt_datapath *dp = deadline.dp;

	(void)signal;
	if (dp) {
		struct pt_cni_operations *operations = &dp->operations[deadline.command];

		__atomic_add_fetch(&dp->gave_up[PT_DEADLINE].count, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(deadline.status ? &operations->error : &operations->degraded, 1,
				   __ATOMIC_RELAXED);
	}
	if (pt_write_all(STDOUT_FILENO, deadline.text, deadline.size))
		_exit(1);
	_exit(deadline.status);
}

void pt_deadline_start(int ms, enum pt_command command, int status, const char *text, size_t size)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 },
	};
	struct sigaction action = { .sa_handler = on_deadline };
	sigset_t alarm;

	deadline.command = command;
	deadline.status = status;
	deadline.text = text;
	deadline.size = size;

	/* the mask is inherited over exec, and a runtime may have any */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void pt_deadline_watch(struct pt_datapath *dp)
{
	deadline.dp = dp;
}

void pt_deadline_stop(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){}, NULL);
}
