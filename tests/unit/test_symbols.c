// SPDX-License-Identifier: BSD-2-Clause
/* Functions in ELF files: this program's own, and what pods may put in the place of one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>

#include "agent/mappings.h"
#include "agent/symbols.h"
#include "tests/unit/alarm.h"

int here(int number); /* found by its name, so it has one */

__attribute__((noinline)) int here(int number)
{
	return number + 1;
}

struct place {
	uint64_t address, offset;
};

static int find(const struct pt_mapping *mapping, void *arg)
{
	struct place *place = arg;

	if (place->address < mapping->start || place->address >= mapping->end)
		return 0;
	place->offset = place->address - mapping->start + mapping->offset;
	return 1;
}

static void a_function_is_where_the_kernel_has_mapped_it(void **state)
{
	static const char *const names[] = { "nothing_like_it", "here", "main", "puts" };
	struct place place = { .address = (uint64_t)(uintptr_t)here };
	int fd = open("/proc/self/exe", O_RDONLY);
	uint64_t offsets[4];

	(void)state;
	assert_int_equal(here(1), 2);
	assert_int_equal(pt_mappings_read(getpid(), SIZE_MAX, find, &place), 1);
	assert_int_equal(pt_symbols_find(fd, names, 4, offsets), 2);
	assert_int_equal(offsets[0], 0);
	assert_int_equal(offsets[1], place.offset);
	assert_int_not_equal(offsets[2], 0);
	assert_int_equal(offsets[3], 0); /* used here, and code of another file's */
	close(fd);
}

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static void what_is_no_elf_file_is_refused(void **state)
{
	static const char *const names[] = { "here" };
	static const char half[] = "\177ELF\2\1\1";
	uint64_t offset;
	int fd;

	(void)state;
	fd = file_of("", 0);
	assert_int_equal(pt_symbols_find(fd, names, 1, &offset), -ENOEXEC);
	close(fd);
	fd = file_of("#!/bin/sh\n", 10);
	assert_int_equal(pt_symbols_find(fd, names, 1, &offset), -ENOEXEC);
	close(fd);
	fd = file_of(half, sizeof(half));
	assert_int_equal(pt_symbols_find(fd, names, 1, &offset), -ENOEXEC);
	close(fd);
	assert_int_equal(pt_symbols_find(-1, names, 1, &offset), -ENOEXEC);
}

/* Cut anywhere, and with any byte of its headers another: whatever comes of it, it ends. */
static void a_broken_file_does_no_harm(void **state)
{
	static const char *const names[] = { "here", "main" };
	int fd = open("/proc/self/exe", O_RDONLY), copy;
	uint64_t offsets[2];
	unsigned char *bytes;
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc(st.st_size);
	assert_int_equal(pread(fd, bytes, st.st_size, 0), st.st_size);
	close(fd);
	for (off_t size = st.st_size; size > 0; size -= st.st_size / 50) {
		copy = file_of(bytes, size);
		pt_symbols_find(copy, names, 2, offsets);
		close(copy);
	}
	copy = file_of(bytes, st.st_size);
	for (int i = 4; i < 64 + 13 * 56; i++) { /* the file's header and its segments' */
		unsigned char broken = bytes[i] ^ 0xff;

		assert_int_equal(pwrite(copy, &broken, 1, i), 1);
		pt_symbols_find(copy, names, 2, offsets);
		assert_int_equal(pwrite(copy, &bytes[i], 1, i), 1);
	}
	close(copy);
	free(bytes);
}

/* A library with two version definitions: what each says of the next is the test's. */
struct library {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	struct {
		Elf64_Verdef definition;
		Elf64_Verdaux name;
	} versions[2];
	char strings[24];
};

static struct library library_of(const char *strings, size_t size)
{
	struct library library = {
		.header = { .e_ident = ELFMAG "\2\1\1", .e_type = ET_DYN, .e_version = EV_CURRENT },
		.sections[1] = { .sh_type = SHT_GNU_verdef, .sh_info = UINT32_MAX, .sh_link = 2 },
		.sections[2] = { .sh_type = SHT_STRTAB },
	};

	library.header.e_shoff = offsetof(struct library, sections);
	library.header.e_shentsize = sizeof(library.sections[0]);
	library.header.e_shnum = 3;
	library.sections[1].sh_offset = offsetof(struct library, versions);
	library.sections[1].sh_size = sizeof(library.versions);
	library.sections[2].sh_offset = offsetof(struct library, strings);
	library.sections[2].sh_size = size;
	memcpy(library.strings, strings, size);
	for (int i = 0; i < 2; i++) {
		library.versions[i].definition.vd_version = 1;
		library.versions[i].definition.vd_aux = sizeof(Elf64_Verdef);
		library.versions[i].definition.vd_next = sizeof(library.versions[0]);
	}
	library.versions[1].name.vda_name = 12; /* behind "OPENSSL_1.0" and its end */
	return library;
}

static void assert_version(const struct library *library, const char *expected)
{
	int fd = file_of(library, sizeof(*library));
	char version[16];

	pt_symbols_version(fd, version, sizeof(version));
	assert_string_equal(version, expected);
	close(fd);
}

#define STRINGS "OPENSSL_1.0\0OPENSSL_3.5"

static void the_newest_version_is_told(void **state)
{
	struct library library = library_of(STRINGS, sizeof(STRINGS));

	(void)state;
	assert_version(&library, "3.5");
	library.versions[0].definition.vd_next = 0;
	assert_version(&library, "1.0");
	library.versions[0].name.vda_name = UINT32_MAX;
	assert_version(&library, "");
}

static void versions_that_go_round_come_to_an_end(void **state)
{
	struct library library = library_of(STRINGS, sizeof(STRINGS));

	(void)state;
	library.versions[1].definition.vd_next = -(Elf64_Word)sizeof(library.versions[0]);
	alarm_after(10); /* four thousand million of them take minutes */
	assert_version(&library, "3.5");
	alarm_after(0);
	library.versions[0].definition.vd_next = UINT32_MAX;
	assert_version(&library, "1.0");
	library.versions[0].definition.vd_aux = INT32_MAX;
	assert_version(&library, "");
}

static void strings_without_an_end_are_none(void **state)
{
	struct library library = library_of(STRINGS, sizeof(STRINGS) - 1);

	(void)state;
	assert_version(&library, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_where_the_kernel_has_mapped_it),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(a_broken_file_does_no_harm),
		cmocka_unit_test(the_newest_version_is_told),
		cmocka_unit_test(versions_that_go_round_come_to_an_end),
		cmocka_unit_test(strings_without_an_end_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
