// SPDX-License-Identifier: BSD-2-Clause
/* The file of a mapping that perf has told of, when the mapping is no more what it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/mappings.h"

#define PAGES    5
#define TOO_MANY 1200 /* more than are looked at */

static size_t page;
static struct stat file;
static char *code;
static struct pt_mapping mapping;

static void map_file(void)
{
	int fd = memfd_create("library", MFD_CLOEXEC);

	if (geteuid()) {
		print_message("SKIP: needs root\n");
		skip();
	}
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * page), 0);
	assert_int_equal(fstat(fd, &file), 0);
	code = mmap(NULL, PAGES * page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	close(fd);
	mapping = (struct pt_mapping){
		.pid = getpid(),
		.start = (uintptr_t)code,
		.end = (uintptr_t)code + PAGES * page,
		.major = major(file.st_dev),
		.minor = minor(file.st_dev),
		.inode = file.st_ino,
	};
}

static void assert_opens(void)
{
	struct stat opened;
	int fd = pt_mapping_open(&mapping);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(opened.st_ino, file.st_ino);
	assert_int_equal(opened.st_dev, file.st_dev);
	close(fd);
}

/* As a loader does with a library's data. */
static void cut_out(int first, int pages)
{
	assert_ptr_equal(mmap(code + first * page, pages * page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 code + first * page);
}

static void a_mapping_that_is_cut_is_found(void **state)
{
	(void)state;
	map_file();
	assert_opens();
	cut_out(3, 2);
	assert_opens();
	cut_out(0, 1);
	assert_opens();
	munmap(code, PAGES * page);
	assert_int_equal(pt_mapping_open(&mapping), -ENOENT);
}

/* Nor is a file taken for it that is there now. */
static void another_file_is_none(void **state)
{
	(void)state;
	map_file();
	cut_out(3, 2);
	mapping.inode++;
	assert_int_equal(pt_mapping_open(&mapping), -ENOENT);
	munmap(code, PAGES * page);
}

static void a_process_that_has_ended_has_none(void **state)
{
	pid_t child = fork();

	(void)state;
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	map_file();
	mapping.pid = child;
	assert_int_equal(pt_mapping_open(&mapping), -ENOENT);
	munmap(code, PAGES * page);
}

/* A process with very many mappings costs no more than others, and is looked at in another way. */
static void the_search_has_a_bound(void **state)
{
	char *many;

	(void)state;
	many = mmap(NULL, (2 * TOO_MANY + PAGES) * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	assert_ptr_not_equal(many, MAP_FAILED);
	map_file();
	/* above all those */
	code = mremap(code, PAGES * page, PAGES * page, MREMAP_MAYMOVE | MREMAP_FIXED,
		      many + 2 * TOO_MANY * page);
	assert_ptr_equal(code, many + 2 * TOO_MANY * page);
	mapping.start = (uintptr_t)code;
	mapping.end = mapping.start + PAGES * page;
	cut_out(3, 2);
	assert_opens();
	for (size_t i = 0; i < TOO_MANY; i++)
		assert_int_equal(mprotect(many + 2 * i * page, page, PROT_NONE), 0);
	assert_int_equal(pt_mapping_open(&mapping), -ENOENT);
	munmap(many, (2 * TOO_MANY + PAGES) * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_that_is_cut_is_found),
		cmocka_unit_test(another_file_is_none),
		cmocka_unit_test(a_process_that_has_ended_has_none),
		cmocka_unit_test(the_search_has_a_bound),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
