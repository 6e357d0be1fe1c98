/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Run the podtag that was built beside this test, as a runtime or a person would. */
#ifndef PT_TEST_EXEC_H
#define PT_TEST_EXEC_H

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cni/io.h"

struct exec {
	const char *const *argv; /* NULL: no arguments */
	const char *const *env;
	const char *input;
	size_t input_size;
	const char *root; /* chroot into it, where the binary is /podtag */
	bool close_stdin;
	bool close_stdout;
	bool break_stdout; /* a pipe that nobody reads from */

	/* results */
	int status; /* as waitpid() tells it */
	char *output;
	size_t output_size;
	char errors[8192];
};

/* build/tests/unit/test_x -> build/<name>, or the source tree's file for "../<name>" */
static inline void exec_path(char *ret, size_t size, const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	assert_true((size_t)snprintf(ret, size, "%s/%s", self, name) < size);
}

static inline int exec_memfd(const char *text, size_t size)
{
	int fd = memfd_create("exec", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pt_write_all(fd, text, size), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void exec_child(const struct exec *exec, const char *path, int in, int out, int err)
{
	static const char *const no_words[] = { NULL };
	const char *const *words = exec->argv ? exec->argv : no_words;
	const char *argv[16] = { "podtag" };
	int broken[2];

	for (int i = 0; words[i] && i < 14; i++)
		argv[i + 1] = words[i];
	/* as root: pins of its own, so that nothing of the machine's is met or left */
	if (!unshare(CLONE_NEWNS)) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
	}
	if (exec->root && (chroot(exec->root) || chdir("/")))
		_exit(99);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	if (exec->break_stdout && !pipe2(broken, O_CLOEXEC)) {
		dup2(broken[1], 1);
		close(broken[0]);
	}
	dup2(err, 2);
	if (exec->close_stdin)
		close(0);
	if (exec->close_stdout)
		close(1);
	execve(exec->root ? "/podtag" : path, (char *const *)argv, (char *const *)exec->env);
	_exit(98);
}

/* The caller frees exec->output. */
static inline void exec_run(struct exec *exec)
{
	int in = exec_memfd(exec->input ? exec->input : "", exec->input_size);
	int err = exec_memfd("", 0), out[2];
	char path[PATH_MAX];
	ssize_t n;
	pid_t pid;

	exec_path(path, sizeof(path), "podtag");
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		exec_child(exec, path, in, out[1], err);
	assert_true(pid > 0);
	close(out[1]);
	assert_int_equal(pt_read_all(out[0], -1, &exec->output, &exec->output_size), 0);
	assert_int_equal(waitpid(pid, &exec->status, 0), pid);
	close(out[0]);
	n = pread(err, exec->errors, sizeof(exec->errors) - 1, 0);
	exec->errors[n > 0 ? n : 0] = '\0';
	close(in);
	close(err);
}

#endif
