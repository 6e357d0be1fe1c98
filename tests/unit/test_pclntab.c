// SPDX-License-Identifier: BSD-2-Clause
/* Go programs, made by hand: what compilers do, and what pods may put in the place of it. */
#include <elf.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "agent/pclntab.h"
#include "tests/unit/alarm.h"

#define TEXT  0x1000 /* offsets in the file */
#define TABLE 0x2000
#define INFO  0x2800
#define SIZE  0x3000

/* in the table */
#define NAMES  72
#define UNITS  200
#define STACKS 300
#define FUNCS  400

static unsigned char file[SIZE];

static void put(size_t offset, uint64_t value, size_t size)
{
	memcpy(file + offset, &value, size);
}

static void section(size_t index, uint32_t name, uint32_t type, uint64_t offset, uint64_t size)
{
	const Elf64_Shdr header = { .sh_name = name,
				    .sh_type = type,
				    .sh_offset = offset,
				    .sh_addr = 0x400000 + offset,
				    .sh_size = size };

	memcpy(file + 0x200 + index * sizeof(header), &header, sizeof(header));
}

/* Function i begins at 64 * i, and its stack's rows at 32 * i. */
static void function(size_t i, uint32_t name, const char *stack, size_t size)
{
	uint32_t at = 64 + 32 * i; /* behind the list of functions */

	put(TABLE + FUNCS + 8 * i, 64 * i, 4);
	put(TABLE + FUNCS + 8 * i + 4, at, 4);
	put(TABLE + FUNCS + 8 * (i + 1), 64 * (i + 1), 4);
	put(TABLE + FUNCS + at, 64 * i, 4);
	put(TABLE + FUNCS + at + 4, name, 4);
	put(TABLE + FUNCS + at + 16, 32 * i, 4);
	memcpy(file + TABLE + STACKS + 32 * i, stack, size);
}

/* Rows of a stack: the change, twice its size, and for how many bytes of code. The first comes from
 * -1. */
#define ROWS(text) text, sizeof(text)

/* Text begins at TEXT + before. */
static void make(size_t before)
{
	static const char strings[] = "\0.shstrtab\0.text\0.gopclntab\0.go.buildinfo";
	static const char names[] = "x.Read\0p.Read\0p.Write\0p.Writer";
	const Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
				    .e_type = ET_EXEC,
				    .e_machine = EM_X86_64,
				    .e_version = 1,
				    .e_ehsize = sizeof(header),
				    .e_shoff = 0x200,
				    .e_shentsize = sizeof(Elf64_Shdr),
				    .e_shnum = 5,
				    .e_shstrndx = 1 };

	memset(file, 0, sizeof(file));
	memcpy(file, &header, sizeof(header));
	memcpy(file + 0x100, strings, sizeof(strings));
	section(1, 1, SHT_STRTAB, 0x100, sizeof(strings));
	section(2, 11, SHT_PROGBITS, TEXT, TABLE - TEXT);
	section(3, 17, SHT_PROGBITS, TABLE, INFO - TABLE);
	section(4, 28, SHT_PROGBITS, INFO, 64);
	memcpy(file + INFO, "\xff Go buildinf:\x08\x02", 16);
	memcpy(file + INFO + 32, "\x08go1.27.3", 9);

	put(TABLE, 0xfffffff1, 4);
	file[TABLE + 6] = 1;
	file[TABLE + 7] = 8;
	put(TABLE + 8, 3, 8);
	put(TABLE + 32, NAMES, 8);
	put(TABLE + 40, UNITS, 8);
	put(TABLE + 56, STACKS, 8);
	put(TABLE + 64, FUNCS, 8);
	memcpy(file + TABLE + NAMES, names, sizeof(names));

	function(0, 7, ROWS("\x02\x04\x20\x10\x1f\x01\x20\x09\x1f\x02\x00"));
	function(1, 0, ROWS("\x02\x20\x00"));
	function(2, 14, ROWS("\x02\x04\x20\x06\x1f\x12\x00"));
	/* p.Read returns at 20 and, before it asks for more, at 30; p.Write at 11, behind a nop */
	memset(file + TEXT, 0xcc, TABLE - TEXT);
	file[TEXT + before + 20] = 0xc3;
	file[TEXT + before + 30] = 0xc3;
	file[TEXT + before + 128 + 10] = 0x90;
	file[TEXT + before + 128 + 11] = 0xc3;
}

static int find(const char *first, const char *second, struct pt_go_function *ret)
{
	const char *const names[] = { first, second };
	int fd = memfd_create("go", MFD_CLOEXEC), found;

	assert_int_equal(write(fd, file, sizeof(file)), sizeof(file));
	found = pt_pclntab_find(fd, names, 2, ret);
	close(fd);
	return found;
}

static void a_function_returns_where_its_stack_is_as_before(void **state)
{
	struct pt_go_function got[2];

	(void)state;
	for (size_t before = 0; before <= 96; before += 32) {
		make(before);
		assert_int_equal(find("p.Read", "p.Write", got), 1);
		assert_int_equal(got[0].entry, TEXT + before);
		assert_int_equal(got[0].count, 2);
		assert_int_equal(got[0].returns[0], TEXT + before + 20);
		assert_int_equal(got[0].returns[1], TEXT + before + 30);
		assert_int_equal(got[1].entry, TEXT + before + 128);
		assert_int_equal(got[1].count, 1);
		assert_int_equal(got[1].returns[0], TEXT + before + 128 + 11);
	}
}

static void names_are_whole(void **state)
{
	struct pt_go_function got[2];

	(void)state;
	make(0);
	assert_int_equal(find(".Read", "p.Write", got), 0);
	assert_int_equal(find("p.Read", "p.Writ", got), 0);
	assert_int_equal(find("p.Read", "Write", got), 0);
	assert_int_equal(find("p.Read", "p.Writer", got), 0); /* a name of no function */
	file[TABLE + NAMES] = 'p';                            /* the first of all */
	function(1, 0, ROWS("\x02\x04\x20\x1b\x1f\x01\x20\x01\x00"));
	file[TEXT + 64 + 31] = 0xc3;
	file[TABLE + NAMES + 7] = 'y';
	assert_int_equal(find("p.Read", "p.Write", got), 1);
	assert_int_equal(got[0].entry, TEXT + 64);
	assert_int_equal(got[0].returns[0], TEXT + 64 + 31);
}

static void what_contradicts_itself_is_refused(void **state)
{
	struct pt_go_function got[2];

	(void)state;
	make(0);
	file[TEXT + 20] = 0x90; /* no return */
	assert_int_equal(find("p.Read", "p.Write", got), -EBADMSG);
	make(0);
	put(TABLE, 0xfffffffa, 4); /* of Go 1.16 */
	assert_int_equal(find("p.Read", "p.Write", got), -ENOTSUP);
	assert_int_equal(find("p.Read", "p.Wrote", got), 0);
	make(0);
	put(TABLE + 8, UINT64_MAX, 8);
	assert_int_equal(find("p.Read", "p.Write", got), -EBADMSG);
	make(0);
	put(TABLE + FUNCS + 4, UINT32_MAX, 4);
	assert_int_equal(find("p.Read", "p.Write", got), -EBADMSG);
	make(0);
	file[TABLE + STACKS + 3] = 0x7f; /* beyond the function's end */
	assert_int_equal(find("p.Read", "p.Write", got), -EBADMSG);
	make(0);
	section(3, 17, SHT_PROGBITS, TABLE, UINT64_MAX);
	assert_int_equal(find("p.Read", "p.Write", got), -EBADMSG);
}

/* Cut anywhere, and with any byte another: whatever comes of it, it ends. */
static void a_broken_file_does_no_harm(void **state)
{
	const char *const names[] = { "p.Read", "p.Write" };
	int fd = memfd_create("go", MFD_CLOEXEC);
	struct pt_go_function got[2];
	char version[16];

	(void)state;
	make(0);
	for (size_t i = 0; i < SIZE; i++) {
		unsigned char broken = file[i] ^ 0xff;

		if (!file[i] || file[i] == 0xcc)
			continue;
		assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
		assert_int_equal(pwrite(fd, &broken, 1, (off_t)i), 1);
		pt_pclntab_find(fd, names, 2, got);
		pt_pclntab_version(fd, version, sizeof(version));
	}
	for (off_t size = SIZE; size > 0; size -= 61) {
		assert_int_equal(ftruncate(fd, size), 0);
		pt_pclntab_find(fd, names, 2, got);
		pt_pclntab_version(fd, version, sizeof(version));
	}
	close(fd);
}

/* Both would take minutes if they were read to their ends. */
static void a_file_that_takes_too_long_is_given_up(void **state)
{
	const char *const names[] = { "p.Rea", "p.Writ" }, *const others[] = { "p.Read",
									       "p.Writer" };
	int fd = memfd_create("go", MFD_CLOEXEC);
	struct pt_go_function got[2];
	const uint32_t far = 1 << 20;

	(void)state;
	alarm_after(20);
	make(0);
	put(TABLE, 0, 4); /* of no version, so names are looked for, in all of it */
	section(3, 17, SHT_PROGBITS, TABLE, 1ull << 42);
	assert_int_equal(ftruncate(fd, 1ll << 42), 0);
	assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
	assert_int_equal(pt_pclntab_find(fd, names, 2, got), 0);

	make(0);
	section(3, 17, SHT_PROGBITS, TABLE, 1 << 30);
	put(TABLE + 8, 1 << 20, 8);
	memset(file + INFO, 0, SIZE - INFO);
	assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
	/* each second function is far from the one before it */
	for (off_t i = 101; i < 1 << 18; i += 2)
		assert_int_equal(pwrite(fd, &far, 4, TABLE + FUNCS + 8 * i + 4), 4);
	assert_int_equal(pt_pclntab_find(fd, others, 2, got), -EBADMSG);
	alarm_after(0);
	close(fd);
}

static void the_version_is_told(void **state)
{
	int fd = memfd_create("go", MFD_CLOEXEC);
	char version[16];

	(void)state;
	make(0);
	file[INFO + 32] = 0xff; /* longer than it may be */
	assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
	pt_pclntab_version(fd, version, sizeof(version));
	assert_string_equal(version, "");
	assert_int_equal(pwrite(fd, "\x08", 1, INFO + 32), 1);
	pt_pclntab_version(fd, version, sizeof(version));
	assert_string_equal(version, "1.27.3");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_returns_where_its_stack_is_as_before),
		cmocka_unit_test(names_are_whole),
		cmocka_unit_test(what_contradicts_itself_is_refused),
		cmocka_unit_test(a_broken_file_does_no_harm),
		cmocka_unit_test(a_file_that_takes_too_long_is_given_up),
		cmocka_unit_test(the_version_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
