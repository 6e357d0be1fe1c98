// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/deadline.c and cni/io.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "cni/deadline.h"
#include "cni/io.h"

/* Shared with the child, as the kernel's maps are. */
static struct counters {
	struct pt_gave_up gave_up[PT_REASON_COUNT];
	struct pt_cni_operations operations[PT_COMMAND_COUNT];
} * counters;

static int map_counters(void **state)
{
	(void)state;
	counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	return counters == MAP_FAILED;
}

static int unmap_counters(void **state)
{
	(void)state;
	return munmap(counters, sizeof(*counters));
}

/* A call that would take ten seconds, with the signal blocked as a caller might have left it. */
static void slow_call(int status, const char *text, size_t size)
{
	struct pt_datapath dp = {
		.gave_up = counters->gave_up,
		.operations = counters->operations,
	};
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	pt_deadline_start(30, PT_ADD, status, text, size);
	pt_deadline_watch(&dp);
	sleep(10);
	_exit(99);
}

/* Returns what the child wrote, its status in *status. */
static char *run_slow_call(int status_wanted, const char *text, size_t size, int *status)
{
	size_t output_size;
	int out[2];
	char *output;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		slow_call(status_wanted, text, size);
	}
	close(out[1]);
	assert_int_equal(pt_read_all(out[0], -1, &output, &output_size), 0);
	assert_int_equal(output_size, size);
	assert_int_equal(waitpid(pid, status, 0), pid);
	close(out[0]);
	return output;
}

static void writes_the_result_when_time_is_up(void **state)
{
	int status;
	char *output = run_slow_call(0, "{\"ips\":[]}", 10, &status);
	(void)state;

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(output, "{\"ips\":[]}");
	assert_int_equal(counters->gave_up[PT_DEADLINE].count, 1);
	assert_int_equal(counters->operations[PT_ADD].degraded, 1);
	assert_int_equal(counters->operations[PT_ADD].error, 0);
	free(output);
}

static void counts_an_error_as_one(void **state)
{
	int status;
	char *output = run_slow_call(1, "{}", 2, &status);
	(void)state;

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_int_equal(counters->operations[PT_ADD].degraded, 0);
	assert_int_equal(counters->operations[PT_ADD].error, 1);
	free(output);
}

static void writes_a_result_larger_than_a_pipe(void **state)
{
	const size_t size = 1024 * 1024;
	char *text = malloc(size), *output;
	int status;
	(void)state;

	memset(text, 'x', size);
	output = run_slow_call(0, text, size, &status);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_memory_equal(output, text, size);
	free(output);
	free(text);
}

static void does_nothing_when_stopped_in_time(void **state)
{
	(void)state;

	pt_deadline_start(20, PT_ADD, 99, "x", 1); /* would end this process with 99 */
	pt_deadline_stop();
	usleep(40000);
}

static void reads_at_most_what_a_runtime_may_send(void **state)
{
	char *text = calloc(1, PT_STDIN_MAX + 1), *read_back;
	int fd = memfd_create("stdin", MFD_CLOEXEC);
	size_t size;
	(void)state;

	assert_int_equal(pt_write_all(fd, text, PT_STDIN_MAX), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(pt_read_all(fd, -1, &read_back, &size), 0);
	assert_int_equal(size, PT_STDIN_MAX);
	free(read_back);

	assert_int_equal(pt_write_all(fd, text, 1), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(pt_read_all(fd, -1, &read_back, &size), -EFBIG);
	close(fd);
	assert_int_equal(pt_read_all(fd, -1, &read_back, &size), -EBADF);
	free(text);
}

static void does_not_wait_for_ever_where_it_need_not(void **state)
{
	int in[2];
	size_t size;
	char *text;
	(void)state;

	assert_int_equal(pipe2(in, O_NONBLOCK), 0);
	assert_int_equal(pt_write_all(in[1], "abc", 3), 0);
	assert_int_equal(pt_read_all(in[0], 20, &text, &size), 0);
	assert_string_equal(text, "abc");
	free(text);
	close(in[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pt_write_all(in[1], "abc", 3), -EPIPE);
	close(in[1]);
}

static void leaves_no_standard_descriptor_to_a_lock_or_a_map(void **state)
{
	int status;
	pid_t pid;
	(void)state;

	pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd <= 2; fd++)
			close(fd);
		pt_stdio_reserve();
		if (open("/", O_RDONLY) <= 2)
			_exit(1);
		_exit(write(1, "x", 1) == -1 && errno == EBADF ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_the_result_when_time_is_up, map_counters,
						unmap_counters),
		cmocka_unit_test_setup_teardown(counts_an_error_as_one, map_counters,
						unmap_counters),
		cmocka_unit_test_setup_teardown(writes_a_result_larger_than_a_pipe, map_counters,
						unmap_counters),
		cmocka_unit_test(does_nothing_when_stopped_in_time),
		cmocka_unit_test(reads_at_most_what_a_runtime_may_send),
		cmocka_unit_test(does_not_wait_for_ever_where_it_need_not),
		cmocka_unit_test(leaves_no_standard_descriptor_to_a_lock_or_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
