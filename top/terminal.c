// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The terminal on stdin and stdout: taken over, and given back however the process ends.
 *
 * Signals that end the process are never blocked: their handler gives the terminal back and lets
 * the signal do what it does. So a terminal that takes no more output keeps nobody from being
 * ended. The others are let in while keys are waited for.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cni/io.h"
#include "top/terminal.h"

/* The other screen, no cursor, nothing wrapped at the right edge; and all of it back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

static const int ending[] = {
	SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1,
	SIGUSR2, SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
};

static const int waiting[] = { SIGWINCH, SIGTSTP, SIGCONT };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct termios before, raw;
static sigset_t while_waiting;
static volatile sig_atomic_t is_ours, is_spoilt;

const char *pt_terminal_lacks(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO))
		return "stdout is no terminal";
	if (!isatty(STDIN_FILENO))
		return "stdin is no terminal";
	if (!term || !*term || !strcmp(term, "dumb"))
		return "the terminal cannot place a cursor, says $TERM";
	return NULL;
}

bool pt_terminal_has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	/* DEC's own terminals have none; whatever else takes these sequences has the eight */
	return (!no || !*no) && term && strncmp(term, "vt", 2) && !strstr(term, "mono");
}

static int positive(const char *variable, int otherwise)
{
	const char *text = getenv(variable);
	int value = text ? atoi(text) : 0;

	return value > 0 ? value : otherwise;
}

void pt_terminal_size(int *rows, int *columns)
{
	struct winsize size = {};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size = (struct winsize){};
	*rows = size.ws_row ? size.ws_row : positive("LINES", 24);
	*columns = size.ws_col ? size.ws_col : positive("COLUMNS", 80);
}

/* In the background this stops the process, as the shell expects. */
static void take(void)
{
	is_ours = is_spoilt = true;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	pt_write_all(STDOUT_FILENO, ENTER, strlen(ENTER));
}

static bool in_background(void)
{
	const pid_t group = tcgetpgrp(STDIN_FILENO);

	return group >= 0 && group != getpgrp();
}

/* Called by handlers, so all that it calls is safe there. Output that is held up is not waited for.
 */
static void give_back(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (!is_ours)
		return;
	is_ours = false;
	if (in_background())
		return; /* it was never taken back from the shell */
	tcflow(STDOUT_FILENO, TCOON);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	if (poll(&out, 1, 0) > 0)
		pt_write_all(STDOUT_FILENO, LEAVE, strlen(LEAVE));
}

/* Lets a signal do what it does to a process without handlers; returns when that was to stop it. */
static void do_default(int number)
{
	struct sigaction ours, standard = { .sa_handler = SIG_DFL };
	sigset_t mask, this;

	sigemptyset(&this);
	sigaddset(&this, number);
	sigaction(number, &standard, &ours);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &this, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(number, &ours, NULL);
}

static void on_signal(int number)
{
	const int saved = errno;

	if (number == SIGWINCH) {
		is_spoilt = true;
	} else if (number == SIGCONT) {
		take(); /* the shell has used the terminal meanwhile */
	} else {
		give_back();
		do_default(number);
		take();
	}
	errno = saved;
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }, now;

	for (size_t i = 0; i < COUNT(waiting); i++)
		sigaddset(&action.sa_mask, waiting[i]);
	for (size_t i = 0; i < COUNT(waiting); i++)
		sigaction(waiting[i], &action, NULL);
	for (size_t i = 0; i < COUNT(ending); i++)
		sigaddset(&action.sa_mask, ending[i]);
	for (size_t i = 0; i < COUNT(ending); i++)
		if (!sigaction(ending[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL); /* ignored ones are nohup's */
}

int pt_terminal_enter(void)
{
	sigset_t held;

	if (tcgetattr(STDIN_FILENO, &before))
		return -errno;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT(waiting); i++)
		sigaddset(&held, waiting[i]);
	sigprocmask(SIG_BLOCK, &held, &while_waiting);
	for (size_t i = 0; i < COUNT(waiting); i++)
		sigdelset(&while_waiting, waiting[i]);
	handle_signals();
	take();
	return 0;
}

void pt_terminal_leave(void)
{
	give_back();
}

int pt_terminal_wait(int timeout_ms, unsigned char *keys, int max)
{
	const struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000l };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t size;

	if (ppoll(&in, 1, &timeout, &while_waiting) < 0)
		return errno == EINTR ? 0 : -errno;
	if (!in.revents)
		return 0;
	size = read(STDIN_FILENO, keys, max);
	if (size < 0)
		return errno == EINTR ? 0 : -errno;
	return size ? (int)size : -EIO;
}

bool pt_terminal_is_spoilt(void)
{
	bool is = is_spoilt;

	is_spoilt = false;
	return is;
}
