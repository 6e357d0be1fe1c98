// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/error.c and cni/text.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "cni/error.h"
#include "cni/text.h"

static void writes_what_libcni_reads(void **state)
{
	struct pt_error err;
	char *text;
	(void)state;

	assert_int_equal(pt_fail(&err, PT_CNI_CONFIG, "bad %s", "key"), -1);
	text = pt_error_json(&err, "0.4.0");
	assert_string_equal(text, "{\"cniVersion\":\"0.4.0\",\"code\":7,\"msg\":\"bad key\"}");
	free(text);

	assert_int_equal(pt_fail_details(&err, "line %d", 3), -1);
	text = pt_error_json(&err, "1.1.0");
	assert_string_equal(text, "{\"cniVersion\":\"1.1.0\",\"code\":7,\"msg\":\"bad key\","
				  "\"details\":\"line 3\"}");
	free(text);
}

static void stays_json_whatever_is_in_the_message(void **state)
{
	char hostile[4096];
	(void)state;

	srandom(1);
	for (int i = 0; i < 2000; i++) {
		size_t size = random() % sizeof(hostile);
		struct pt_error err;
		json_t *root;
		char *text;

		for (size_t j = 0; j < size; j++)
			hostile[j] = random();
		hostile[size ? size - 1 : 0] = '\0';
		pt_fail(&err, PT_CNI_DECODE, "%s", hostile);
		pt_fail_details(&err, "\"%s\"\\", hostile);
		text = pt_error_json(&err, "1.1.0");
		assert_non_null(text);
		assert_true(strlen(text) < 4096);
		root = json_loads(text, 0, NULL);
		assert_non_null(root);
		json_decref(root);
		free(text);
	}
}

static const struct {
	const char *text, *clean;
} cleaned[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a\nb\tc\x7f\x1b[0m", "a?b?c??[0m" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xff\xfe", "??" },
	{ "\xc3", "?" },
	{ "\xc3(", "?(" },
	{ "\xe2\x82", "??" },
	{ "\xc0\xaf", "??" },                 /* overlong */
	{ "\xe0\x80\xaf", "???" },            /* overlong */
	{ "\xf0\x80\x80\xaf", "????" },       /* overlong */
	{ "\xed\xa0\x80", "???" },            /* surrogate */
	{ "\xf4\x90\x80\x80", "????" },       /* past U+10FFFF */
	{ "\xc2\x85\xc2\xa0", "??\xc2\xa0" }, /* a control character of Latin-1 */
};

static void cleans_what_is_no_text(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(cleaned) / sizeof(*cleaned); i++) {
		char ret[64];

		pt_text_clean(ret, sizeof(ret), cleaned[i].text);
		assert_string_equal(ret, cleaned[i].clean);
	}
}

static void never_cuts_inside_a_character(void **state)
{
	char ret[4];
	(void)state;

	pt_text_clean(ret, 4, "abcdef");
	assert_string_equal(ret, "abc");
	pt_text_clean(ret, 4, "ab\xc3\xa4");
	assert_string_equal(ret, "ab");
	pt_text_clean(ret, 4,
		      "\xe2\x82\xac"
		      "d");
	assert_string_equal(ret, "\xe2\x82\xac");
	pt_text_clean(ret, 3, "\xe2\x82\xac");
	assert_string_equal(ret, "");
	pt_text_clean(ret, 1, "a");
	assert_string_equal(ret, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_libcni_reads),
		cmocka_unit_test(stays_json_whatever_is_in_the_message),
		cmocka_unit_test(cleans_what_is_no_text),
		cmocka_unit_test(never_cuts_inside_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
