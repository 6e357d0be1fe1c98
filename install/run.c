// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Run another program and wait for it, for a bounded time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cni/io.h"
#include "install/run.h"

static _Noreturn void become(const struct pt_program *program, const int *in, const int *out,
			     int told)
{
	char *argv[] = { "podtag", (char *)program->argument, NULL };
	char *envp[] = { (char *)program->variable, NULL };
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	if (program->path)
		execve(program->path, argv, envp);
	else
		fexecve(program->fd, argv, envp);
	err = -errno;
	(void)!write(told, &err, sizeof(err));
	_exit(127);
}

/* Its exit status, 0 or not; or a negative errno. */
static int wait_for(pid_t pid, int seconds)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };
	int status;

	for (int tries = seconds * 100; waitpid(pid, &status, WNOHANG) == 0; tries--) {
		if (tries <= 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int pt_run(const struct pt_program *program, char **ret_output)
{
	int in[2], out[2], told[2], err, failed = 0;
	size_t size;
	pid_t pid;

	/* an empty stdin: its other end is closed at once. told closes at exec, or says why not. */
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(told, O_CLOEXEC))
		return -errno;
	*ret_output = NULL;
	pid = fork();
	if (pid == 0)
		become(program, in, out, told[1]);
	err = pid < 0 ? -errno : 0;
	close(in[0]);
	close(in[1]);
	close(out[1]);
	close(told[1]);
	if (!err && read(told[0], &failed, sizeof(failed)) == sizeof(failed))
		err = failed;
	if (!err)
		err = pt_read_all(out[0], program->seconds * 1000, ret_output, &size);
	close(out[0]);
	close(told[0]);
	if (pid > 0) {
		int status = wait_for(pid, program->seconds);

		if (!err)
			err = status;
	}
	if (err) {
		free(*ret_output);
		*ret_output = NULL;
	}
	return err;
}
