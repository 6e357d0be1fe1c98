// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/span.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cni/span.h"

static const struct {
	const char *text;
	const char *value; /* of "k", NULL: there is none */
} cases[] = {
	{ "{}", NULL },
	{ " { } ", NULL },
	{ "{\"k\":1}", "1" },
	{ "{\"k\":-1.50e+10}", "-1.50e+10" },
	{ "{\"k\":123456789012345678901234567890}", "123456789012345678901234567890" },
	{ "{\"k\":true,\"a\":0}", "true" },
	{ "{\"k\":null }", "null" },
	{ " {\n\t\"k\" \r: \"v\" , \"a\" : [ ] } ", "\"v\"" },
	{ "{\"k\":{ \"b\":1, \"a\":[ 1,2 ] }}", "{ \"b\":1, \"a\":[ 1,2 ] }" },
	{ "{\"k\":[{},[[]],\"]\"],\"a\":1}", "[{},[[]],\"]\"]" },
	{ "{\"k\":[]}", "[]" },
	{ "{\"k\":{}}", "{}" },
	/* not on the top level */
	{ "{\"a\":{\"k\":1}}", NULL },
	{ "{\"a\":[{\"k\":1}],\"b\":\"k\"}", NULL },
	{ "{\"a\":{\"k\":1},\"k\":2}", "2" },
	/* text that looks like structure */
	{ "{\"a\":\"\\\"k\\\":1\",\"k\":\"}{\\\\\"}", "\"}{\\\\\"" },
	{ "{\"a\":\"\\\\\",\"k\":\"\\\"\"}", "\"\\\"\"" },
	{ "{\"k\":\"\\u0000\xc3\xa4\"}", "\"\\u0000\xc3\xa4\"" },
	/* keys that are longer, shorter, or spelled with escapes */
	{ "{\"kk\":1,\"\":2,\"K\":3}", NULL },
	{ "{\"\\u006b\":1}", "1" },
	{ "{\"\\u006B\\u0000\":1}", NULL },
	{ "{\"k\\u0000\":1,\"k\\\\\":2}", NULL },
	/* the last of duplicates */
	{ "{\"k\":1,\"k\":2}", "2" },
	{ "{\"k\":{},\"a\":0,\"\\u006b\":[3],\"b\":0}", "[3]" },
};

static void finds_the_bytes_of_a_top_level_value(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pt_span span = {};
		bool found;

		print_message("  %s\n", cases[i].text);
		found = pt_span_find(cases[i].text, strlen(cases[i].text), "k", &span);
		assert_int_equal(found, cases[i].value != NULL);
		if (!found)
			continue;
		assert_int_equal(span.size, strlen(cases[i].value));
		assert_memory_equal(span.text, cases[i].value, span.size);
	}
}

static void finds_the_bytes_of_an_element(void **state)
{
	static const char text[] = " [ 1e3 ,\t\"],[\" , {\"a\":[1,2]},[[]], null]";
	static const char *const elements[] = { "1e3", "\"],[\"", "{\"a\":[1,2]}", "[[]]", "null" };
	const size_t count = sizeof(elements) / sizeof(*elements);
	struct pt_span span;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_true(pt_span_element(text, strlen(text), i, &span));
		assert_int_equal(span.size, strlen(elements[i]));
		assert_memory_equal(span.text, elements[i], span.size);
	}
	assert_false(pt_span_element(text, strlen(text), count, &span));
	assert_false(pt_span_element("[]", 2, 0, &span));
	assert_false(pt_span_element(" [ ] ", 5, 0, &span));
	assert_false(pt_span_element("{}", 2, 0, &span));
	assert_false(pt_span_element("", 0, 0, &span));
}

static void expect_inside(const char *text, size_t size)
{
	char *copy = malloc(size ? size : 1); /* so that ASan sees a read past its end */
	struct pt_span span;

	memcpy(copy, text, size);
	if (pt_span_find(copy, size, "k", &span)) {
		assert_true(span.text >= copy);
		assert_true(span.text + span.size <= copy + size);
	}
	for (size_t i = 0; i < 3; i++) {
		if (!pt_span_element(copy, size, i, &span))
			break;
		assert_true(span.text >= copy);
		assert_true(span.text + span.size <= copy + size);
	}
	free(copy);
}

static void never_leaves_a_text_that_is_no_json(void **state)
{
	static const char letters[] = "{}[]\",:\\k 1";
	char text[24];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t size = 0; size <= strlen(cases[i].text); size++)
			expect_inside(cases[i].text, size);
	}
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		text[0] = '{';
		for (size_t j = 1; j < sizeof(text); j++)
			text[j] = letters[random() % (sizeof(letters) - 1)];
		expect_inside(text, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_bytes_of_a_top_level_value),
		cmocka_unit_test(finds_the_bytes_of_an_element),
		cmocka_unit_test(never_leaves_a_text_that_is_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
