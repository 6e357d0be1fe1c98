// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of install/conflist.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "install/conflist.h"

#define HEAD  "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":"
#define CAPS  "\"capabilities\":{\"cgroupPath\":true,\"io.kubernetes.cri.pod-annotations\":true}"
#define ENTRY "{\"type\":\"podtag\"," CAPS "}"
#define WIDE                                                                                       \
	"{ \"type\": \"podtag\", \"capabilities\": { \"cgroupPath\": true, "                       \
	"\"io.kubernetes.cri.pod-annotations\": true } }"

/* What becomes of a list, byte for byte. */
static const struct {
	const char *before;
	const char *after;
} lists[] = {
	{ HEAD "[{\"type\":\"a\"}]}", HEAD "[{\"type\":\"a\"}," ENTRY "]}" },
	{ HEAD "[ { \"type\": \"a\" } ]}\n", HEAD "[ { \"type\": \"a\" }, " WIDE " ]}\n" },
	{ HEAD "[{\"type\":\"a\"}\n,{\"type\":\"b\"}  ] }",
	  HEAD "[{\"type\":\"a\"}\n,{\"type\":\"b\"}," ENTRY "  ] }" },
	/* what is no double, nor 64 bits, nor in canonical form */
	{ HEAD "[{\"type\":\"a\",\"n\":123456789012345678901234567890,\"f\":1.50e+10,\"s\":"
	       "\"\\u002F\\/\"}]}",
	  HEAD
	  "[{\"type\":\"a\",\"n\":123456789012345678901234567890,\"f\":1.50e+10,\"s\":\"\\u002F\\/"
	  "\"}," ENTRY "]}" },
	/* other places by that name, and the same name spelled otherwise */
	{ "{\"name\":\"n\",\"args\":{\"plugins\":[1]},\"\\u0070lugins\":[{\"plugins\":[],\"type\":"
	  "\"]}\"}],\"x\":\"\\\"plugins\\\":[\"}",
	  "{\"name\":\"n\",\"args\":{\"plugins\":[1]},\"\\u0070lugins\":[{\"plugins\":[],\"type\":"
	  "\"]}\"}," ENTRY "],\"x\":\"\\\"plugins\\\":[\"}" },
	{ HEAD "[],\"plugins\":[{\"type\":\"a\"}]}",
	  HEAD "[],\"plugins\":[{\"type\":\"a\"}," ENTRY "]}" },
	/* indented by tabs, with CRLF */
	{ "{\r\n\t\"name\": \"n\",\r\n\t\"plugins\": [\r\n\t\t{\r\n\t\t\t\"type\": "
	  "\"a\"\r\n\t\t}\r\n\t]\r\n}",
	  "{\r\n\t\"name\": \"n\",\r\n\t\"plugins\": [\r\n\t\t{\r\n\t\t\t\"type\": \"a\"\r\n\t\t},"
	  "\r\n\t\t{\r\n\t\t\t\"type\": \"podtag\",\r\n\t\t\t\"capabilities\": {"
	  "\r\n\t\t\t\t\"cgroupPath\": true,"
	  "\r\n\t\t\t\t\"io.kubernetes.cri.pod-annotations\": true"
	  "\r\n\t\t\t}\r\n\t\t}\r\n\t]\r\n}" },
	/* brackets that share a line */
	{ "{\n  \"name\": \"n\",\n  \"plugins\": [{\n    \"type\": \"a\"\n  }]\n}\n",
	  "{\n  \"name\": \"n\",\n  \"plugins\": [{\n    \"type\": \"a\"\n  },{\n    \"type\": "
	  "\"podtag\","
	  "\n    \"capabilities\": {\n      \"cgroupPath\": true,"
	  "\n      \"io.kubernetes.cri.pod-annotations\": true\n    }\n  }]\n}\n" },
};

static const struct {
	const char *text;
	const char *why;
} refused[] = {
	{ "", "not a JSON object" },
	{ "\n", "not a JSON object" },
	{ "[]", "not a JSON object" },
	{ HEAD "[{\"type\":\"a\"}]", "not a JSON object" },
	{ HEAD "[{\"type\":\"a\"},]}", "not a JSON object" },
	{ HEAD "[{\"type\":\"a\"}]} x", "not a JSON object" },
	{ "\xef\xbb\xbf" HEAD "[{\"type\":\"a\"}]}", "not a JSON object" },
	{ "{\"plugins\":[{\"type\":\"a\"}]}", "\"name\" is missing" },
	{ "{\"name\":\"a b\",\"plugins\":[{\"type\":\"a\"}]}", "\"name\" is no valid name" },
	{ "{\"name\":\"n\"}", "\"plugins\" is missing" },
	{ HEAD "{\"type\":\"a\"}}", "\"plugins\" is not an array" },
	{ HEAD "[]}", "\"plugins\" is empty" },
	{ HEAD "[{\"type\":\"a\"},{}]}", "plugin 1 has no \"type\"" },
	{ HEAD "[{\"type\":\"\"}]}", "plugin 0 has no \"type\"" },
	{ HEAD "[{\"type\":1}]}", "plugin 0 has no \"type\"" },
	{ HEAD "[3]}", "plugin 0 has no \"type\"" },
};

static struct pt_chain chain_of(const char *text)
{
	struct pt_chain chain;
	char why[256] = "";

	if (pt_chain_read(text, strlen(text), true, &chain, why, sizeof(why)))
		fail_msg("%s: %s", text, why);
	return chain;
}

static void the_entry_comes_last_and_goes_without_a_trace(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const char *before = lists[i].before;
		struct pt_chain chain;
		char *after, *again;

		print_message("  %s\n", before);
		assert_int_equal(chain_of(before).podtags, 0);
		after = pt_conflist_add(before, strlen(before));
		assert_string_equal(after, lists[i].after);
		chain = chain_of(after);
		assert_int_equal(chain.podtags, 1);
		assert_true(chain.last);
		again = pt_conflist_remove(after, strlen(after));
		assert_string_equal(again, before);
		free(again);
		free(after);
	}
}

static void every_entry_is_removed(void **state)
{
	static const char *const cases[][2] = {
		{ "[{\"type\":\"podtag\"}, {\"type\":\"a\"}]", "[{\"type\":\"a\"}]" },
		{ "[ {\"type\":\"podtag\"},{\"type\":\"a\"} , {\"type\":\"podtag\"} ]",
		  "[ {\"type\":\"a\"} ]" },
		{ "[{\"type\":\"a\"},{\"type\":\"podtag\"},{\"type\":\"podtag\",\"n\":1},{\"type\":"
		  "\"b\"}]",
		  "[{\"type\":\"a\"},{\"type\":\"b\"}]" },
		{ "[{\"type\":\"a\",\"x\":{\"type\":\"podtag\"}}]",
		  "[{\"type\":\"a\",\"x\":{\"type\":\"podtag\"}}]" },
		/* a list of nothing would be none */
		{ "[{\"type\":\"podtag\"}]", "[{\"type\":\"podtag\"}]" },
	};
	char text[256], expected[256], *left;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), HEAD "%s}", cases[i][0]);
		snprintf(expected, sizeof(expected), HEAD "%s}", cases[i][1]);
		left = pt_conflist_remove(text, strlen(text));
		assert_string_equal(left, expected);
		free(left);
	}
}

static void says_what_a_runtime_would_refuse(void **state)
{
	struct pt_chain chain;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const char *text = refused[i].text;

		print_message("  %s\n", text);
		assert_int_equal(pt_chain_read(text, strlen(text), true, &chain, why, sizeof(why)),
				 -1);
		assert_memory_equal(why, refused[i].why, strlen(refused[i].why));
	}
}

static void reads_the_chain(void **state)
{
	struct pt_chain chain = chain_of(HEAD "[{\"type\":\"podtag\"},{\"type\":\"b\"}]}");

	(void)state;
	assert_string_equal(chain.name, "net");
	assert_string_equal(chain.version, "1.0.0");
	assert_string_equal(chain.first_type, "podtag");
	assert_string_equal(chain.types, "podtag b");
	assert_int_equal(chain.plugins, 2);
	assert_int_equal(chain.podtags, 1);
	assert_false(chain.last);
}

static void a_conf_becomes_a_list_that_is_known_again(void **state)
{
	static const char conf[] = "\n{ \"cniVersion\" : \"0.3.1\",\n\t\"name\":\"n\\u0061\","
				   "\"type\":\"ptp\", \"mtu\":1e3 }\n\n";
	static const char expected[] =
		"{\n  \"cniVersion\": \"0.3.1\",\n  \"name\": \"n\\u0061\",\n  \"plugins\": [\n    "
		"{ \"cniVersion\" : \"0.3.1\",\n\t\"name\":\"n\\u0061\",\"type\":\"ptp\", "
		"\"mtu\":1e3 }"
		",\n    {\n      \"type\": \"podtag\",\n      \"capabilities\": {\n"
		"        \"cgroupPath\": true,\n        \"io.kubernetes.cri.pod-annotations\": "
		"true\n"
		"      }\n    }\n  ]\n}\n";
	struct pt_chain chain;
	char why[256], *list, *less;

	(void)state;
	assert_int_equal(pt_chain_read(conf, strlen(conf), false, &chain, why, sizeof(why)), 0);
	assert_string_equal(chain.types, "ptp");
	list = pt_conflist_from_conf(conf, strlen(conf));
	assert_string_equal(list, expected);
	assert_true(chain_of(list).last);
	assert_true(pt_conflist_is_from_conf(list, strlen(list)));

	list[strlen(list) - 1] = ' ';
	assert_false(pt_conflist_is_from_conf(list, strlen(list)));
	less = pt_conflist_remove(list, strlen(list));
	assert_false(pt_conflist_is_from_conf(less, strlen(less)));
	free(less);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entry_comes_last_and_goes_without_a_trace),
		cmocka_unit_test(every_entry_is_removed),
		cmocka_unit_test(says_what_a_runtime_would_refuse),
		cmocka_unit_test(reads_the_chain),
		cmocka_unit_test(a_conf_becomes_a_list_that_is_known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
