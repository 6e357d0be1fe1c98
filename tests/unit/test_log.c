// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/log.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cni/log.h"

static char folder[] = "/tmp/test_log.XXXXXX";
static char file[64], rotated[64];

static int saved_stderr; /* cmocka writes there, too */

static int make_folder(void **state)
{
	int null;
	(void)state;

	saved_stderr = dup(STDERR_FILENO);
	null = open("/dev/null", O_WRONLY);
	dup2(null, STDERR_FILENO);
	close(null);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/log", folder);
	snprintf(rotated, sizeof(rotated), "%s/log.1", folder);
	pt_log_setup(PT_LOG_INFO, file, "ADD", "abc");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	unlink(file);
	unlink(rotated);
	return rmdir(folder);
}

static long file_size(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (long)st.st_size;
}

static void writes_one_clean_line_with_time_and_container(void **state)
{
	char line[256] = "";
	FILE *in;
	(void)state;

	pt_log(PT_LOG_DEBUG, "not at this level");
	assert_int_equal(file_size(file), -1);
	pt_log(PT_LOG_WARN, "two\nlines %d \xff", 7);

	in = fopen(file, "r");
	assert_non_null(fgets(line, sizeof(line), in));
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
	assert_non_null(strstr(line, "]"));
	assert_string_equal(strstr(line, "]"), "] warn: ADD abc: two?lines 7 ?\n");
	assert_int_equal(line[10], 'T'); /* 2006-01-02T15:04:05.000Z podtag[1] */
	assert_memory_equal(line + 23, "Z podtag[", 9);
}

static void cleans_the_container_id_too(void **state)
{
	char line[256] = "";
	FILE *in;
	(void)state;

	pt_log_setup(PT_LOG_INFO, file, "GC", "a\n2006-01-02 podtag[1] \xff");
	pt_log(PT_LOG_WARN, "text");
	in = fopen(file, "r");
	assert_non_null(fgets(line, sizeof(line), in));
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
	assert_string_equal(strstr(line, "]"), "] warn: GC a?2006-01-02 podtag[1] ?: text\n");
}

static void renames_a_full_file(void **state)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0640);
	(void)state;

	assert_int_equal(ftruncate(fd, PT_LOG_FILE_MAX - 1), 0);
	close(fd);
	pt_log(PT_LOG_WARN, "the last line");
	assert_int_equal(file_size(rotated), -1);
	assert_true(file_size(file) > PT_LOG_FILE_MAX);

	pt_log(PT_LOG_WARN, "the first line");
	assert_true(file_size(rotated) > PT_LOG_FILE_MAX);
	assert_in_range(file_size(file), 1, 200);
}

static void follows_no_link_and_waits_for_no_reader(void **state)
{
	struct stat st;
	(void)state;

	assert_int_equal(symlink(rotated, file), 0);
	pt_log(PT_LOG_ERROR, "into a link");
	assert_int_equal(file_size(rotated), -1);
	assert_int_equal(unlink(file), 0);

	assert_int_equal(mkfifo(file, 0600), 0);
	pt_log(PT_LOG_ERROR, "into a FIFO");
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void loses_a_line_rather_than_fail(void **state)
{
	(void)state;

	pt_log_setup(PT_LOG_INFO, "/nowhere/at/all", NULL, NULL);
	pt_log(PT_LOG_ERROR, "lost");
	pt_log_setup(PT_LOG_INFO, "/", NULL, NULL);
	pt_log(PT_LOG_ERROR, "lost");
	pt_log_setup(PT_LOG_INFO, NULL, NULL, NULL);
	pt_log(PT_LOG_ERROR, "lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_one_clean_line_with_time_and_container,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(cleans_the_container_id_too, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(renames_a_full_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(follows_no_link_and_waits_for_no_reader,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(loses_a_line_rather_than_fail, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
