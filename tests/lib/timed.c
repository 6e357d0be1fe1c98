// SPDX-License-Identifier: BSD-2-Clause
/* How long a program takes, from fork to its end.
 *
 * usage: timed STDIN-FILE PROGRAM [ARG...]
 *
 * Runs it with that standard input and no output, prints microseconds, exits as it did.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	double start_us, end_us;
	int in, out, status;
	pid_t child;

	if (argc < 3)
		return 2;
	in = open(argv[1], O_RDONLY);
	out = open("/dev/null", O_WRONLY);
	if (in < 0 || out < 0)
		return 2;

	start_us = now_us();
	child = vfork();
	if (child < 0)
		return 2;
	if (!child) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(child, &status, 0);
	end_us = now_us();

	printf("%.0f\n", end_us - start_us);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
