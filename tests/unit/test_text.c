// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Texts of any length in the maps' fixed fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bpf/pods.h"

static void what_fits_is_copied(void **state)
{
	char field[17];
	(void)state;

	for (size_t size = 1; size <= sizeof(field); size++) {
		memset(field, 'x', sizeof(field));
		pt_text_fit(field, size, "");
		assert_memory_equal(field, (char[17]){}, size);
	}
	memset(field, 'x', sizeof(field));
	pt_text_fit(field, 16, "eth0");
	assert_memory_equal(field, "eth0\0\0\0\0\0\0\0\0\0\0\0\0x", 17);
	pt_text_fit(field, 16, "exactly15bytes!");
	assert_string_equal(field, "exactly15bytes!");
}

static void what_does_not_fit_stays_two(void **state)
{
	static const char *const texts[] = { "0123456789abcdef", "0123456789abcdeg",
					     "0123456789abcdef-and-longer-than-that" };
	char fields[3][16], longer[24];
	(void)state;

	for (int i = 0; i < 3; i++) {
		pt_text_fit(fields[i], sizeof(fields[i]), texts[i]);
		assert_int_equal(strlen(fields[i]), 15);
		assert_int_equal(fields[i][0], '~');
	}
	assert_string_not_equal(fields[0], fields[1]);
	assert_string_not_equal(fields[0], fields[2]);

	pt_text_fit(longer, sizeof(longer), "01234\xe2\x82\xac-and-longer-than-that");
	assert_memory_equal(longer, "01234~", 6); /* no half of a character */
	assert_int_equal(strlen(longer), 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_copied),
		cmocka_unit_test(what_does_not_fit_stays_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
