// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* How samples are written: escaping, hostile names, numbers, both formats. */
#include "tests/unit/page.h"

static void label_values_are_escaped_and_made_utf8(void **state)
{
	static const struct {
		const char *why, *value, *shown;
	} cases[] = {
		{ "plain", "web-0", "web-0" },
		{ "empty", "", "" },
		{ "backslash", "a\\b", "a\\\\b" },
		{ "quote", "a\"b", "a\\\"b" },
		{ "newline", "a\nb", "a\\nb" },
		{ "a sample of its own", "\"} 1\nx{y=\"", "\\\"} 1\\nx{y=\\\"" },
		{ "two bytes", "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "three bytes", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "four bytes", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "the last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "U+FFFD itself", "\xef\xbf\xbd", "\xef\xbf\xbd" },
		{ "no first byte", "a\x80z", "a\xef\xbf\xbdz" },
		{ "never a byte of UTF-8", "\xff", "\xef\xbf\xbd" },
		{ "cut short at the end", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut short by a quote", "\xc3\"", "\xef\xbf\xbd\\\"" },
		{ "cut short by a newline", "\xe2\x82\n", "\xef\xbf\xbd\xef\xbf\xbd\\n" },
		{ "overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "overlong in three", "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "past U+10FFFF", "\xf4\x90\x80\x80",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	const struct pt_family family = { "x", PT_GAUGE, NULL, "X." };
	char wanted[256], *text;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct pt_page page = { .out = evbuffer_new() };

		print_message("  %s\n", cases[i].why);
		pt_page_family(&page, &family);
		pt_page_label(&page, "v", cases[i].value, 64);
		pt_page_count(&page, 1);
		pt_page_end(&page);
		text = take(page.out);
		snprintf(wanted, sizeof(wanted), "# HELP x X.\n# TYPE x gauge\nx{v=\"%s\"} 1\n",
			 cases[i].shown);
		assert_string_equal(text, wanted);
		free(text);
	}
}

static void a_label_ends_at_its_array(void **state)
{
	const struct pt_family family = { "x", PT_GAUGE, NULL, "X." };
	struct pt_page page = { .out = evbuffer_new() };
	char *text;

	(void)state;
	pt_page_family(&page, &family);
	pt_page_label(&page, "v", "abc\xe2\x82\xac", 5); /* in the midst of a character, too */
	pt_page_count(&page, UINT64_MAX);
	pt_page_end(&page);
	text = take(page.out);
	assert_has(text, "x{v=\"abc\xef\xbf\xbd\xef\xbf\xbd\"} 18446744073709551615");
	free(text);
}

/* What might take more room than there is, is not there at all, and the others are whole. */
static void a_label_without_room_is_left_out(void **state)
{
	const struct pt_family family = { "x", PT_GAUGE, NULL, "X." };
	char value[PT_LABELS_MAX], wanted[2 * PT_LABELS_MAX], *text;
	const int fits = (PT_LABELS_MAX - (int)sizeof("v,=\"\"")) / 3;

	(void)state;
	memset(value, '\xff', sizeof(value));
	for (int size = fits; size <= fits + 1; size++) {
		struct pt_page page = { .out = evbuffer_new() };

		pt_page_family(&page, &family);
		pt_page_label(&page, "v", value, size);
		pt_page_count(&page, 1);
		pt_page_label(&page, "a", "b", 1);
		pt_page_label(&page, "v", value, fits);
		pt_page_label(&page, "c", "", 0);
		pt_page_count(&page, 2);
		pt_page_end(&page);
		text = take(page.out);
		strcpy(wanted, "x");
		if (size == fits) {
			strcat(wanted, "{v=\"");
			for (int i = 0; i < size; i++)
				strcat(wanted, "\xef\xbf\xbd");
			strcat(wanted, "\"}");
		}
		strcat(wanted, " 1\nx{a=\"b\",c=\"\"} 2\n");
		assert_string_equal(strstr(text, "gauge\n") + 6, wanted);
		free(text);
	}
}

static void kept_labels_are_those_of_all_that_follow(void **state)
{
	const struct pt_family family = { "x", PT_COUNTER, NULL, "X." };
	struct pt_page page = { .out = evbuffer_new() };
	char *text;

	(void)state;
	pt_page_family(&page, &family);
	pt_page_label(&page, "a", "1", 1);
	pt_page_keep_labels(&page);
	pt_page_label(&page, "b", "2", 1);
	pt_page_count(&page, 1);
	pt_page_label(&page, "b", "3", 1);
	pt_page_seconds(&page, 2500000000);
	pt_page_count(&page, 3);
	pt_page_drop_labels(&page);
	pt_page_label(&page, "a", "4", 1);
	pt_page_keep_labels(&page);
	pt_page_count(&page, 4);
	pt_page_family(&page, &family);
	pt_page_count(&page, 5);
	pt_page_end(&page);
	text = take(page.out);
	assert_string_equal(strstr(text, "counter\n") + 8, "x_total{a=\"1\",b=\"2\"} 1\n"
							   "x_total{a=\"1\",b=\"3\"} 2.5\n"
							   "x_total{a=\"1\"} 3\n"
							   "x_total{a=\"4\"} 4\n"
							   "# HELP x_total X.\n"
							   "# TYPE x_total counter\n"
							   "x_total 5\n");
	free(text);
}

static void numbers_are_written_to_the_last_digit(void **state)
{
	static const uint64_t numbers[] = {
		0,          1,           9,           10,           99,
		100,        999999999,   1000000000,  1000000001,   1100000000,
		1000000010, 10000000000, 12345678901, 987654321012, UINT64_MAX - 1,
		UINT64_MAX,
	};
	const struct pt_family family = { "x", PT_GAUGE, NULL, "X." };
	char wanted[128], *text;

	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++) {
		struct pt_page page = { .out = evbuffer_new() };
		const unsigned long long n = numbers[i];
		int len;

		pt_page_family(&page, &family);
		pt_page_count(&page, n);
		pt_page_seconds(&page, n);
		pt_page_end(&page);
		text = take(page.out);
		len = snprintf(wanted, sizeof(wanted), "x %llu\nx %llu.%09llu", n, n / 1000000000,
			       n % 1000000000);
		while (wanted[len - 1] == '0')
			len--;
		strcpy(wanted + len - (wanted[len - 1] == '.'), "\n");
		assert_string_equal(strstr(text, "gauge\n") + 6, wanted);
		free(text);
	}
}

static void help_is_escaped_as_each_format_wants(void **state)
{
	const struct pt_family family = { "x", PT_GAUGE, NULL, "A \"b\" \\ c\nd" };
	static const char *const wanted[] = {
		[PT_TEXT] = "# HELP x A \"b\" \\\\ c\\nd\n# TYPE x gauge\n",
		[PT_OPENMETRICS] = "# HELP x A \\\"b\\\" \\\\ c\\nd\n# TYPE x gauge\n# EOF\n",
	};
	char *text;

	(void)state;
	for (int format = PT_TEXT; format <= PT_OPENMETRICS; format++) {
		struct pt_page page = { .out = evbuffer_new(), .format = format };

		pt_page_family(&page, &family);
		pt_page_end(&page);
		text = take(page.out);
		assert_string_equal(text, wanted[format]);
		free(text);
	}
}

static void counters_and_units_are_named_as_each_format_wants(void **state)
{
	const struct pt_family family = { "run_seconds", PT_COUNTER, "seconds", "Run." };
	static const char *const wanted[] = {
		[PT_TEXT] = "# HELP run_seconds_total Run.\n"
			    "# TYPE run_seconds_total counter\n"
			    "run_seconds_total 1.000000002\n"
			    "run_seconds_total{a=\"b\",c=\"d\"} 1.5\n"
			    "run_seconds_total 20\n"
			    "run_seconds_total 0\n",
		[PT_OPENMETRICS] = "# HELP run_seconds Run.\n"
				   "# TYPE run_seconds counter\n"
				   "# UNIT run_seconds seconds\n"
				   "run_seconds_total 1.000000002\n"
				   "run_seconds_total{a=\"b\",c=\"d\"} 1.5\n"
				   "run_seconds_total 20\n"
				   "run_seconds_total 0\n"
				   "# EOF\n",
	};
	char *text;

	(void)state;
	for (int format = PT_TEXT; format <= PT_OPENMETRICS; format++) {
		struct pt_page page = { .out = evbuffer_new(), .format = format };

		pt_page_family(&page, &family);
		pt_page_seconds(&page, 1000000002);
		pt_page_label(&page, "a", "b", 2);
		pt_page_label(&page, "c", "d", 2);
		pt_page_seconds(&page, 1500000000);
		pt_page_seconds(&page, 20000000000);
		pt_page_seconds(&page, 0);
		pt_page_end(&page);
		text = take(page.out);
		assert_string_equal(text, wanted[format]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_values_are_escaped_and_made_utf8),
		cmocka_unit_test(a_label_ends_at_its_array),
		cmocka_unit_test(a_label_without_room_is_left_out),
		cmocka_unit_test(kept_labels_are_those_of_all_that_follow),
		cmocka_unit_test(numbers_are_written_to_the_last_digit),
		cmocka_unit_test(help_is_escaped_as_each_format_wants),
		cmocka_unit_test(counters_and_units_are_named_as_each_format_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
