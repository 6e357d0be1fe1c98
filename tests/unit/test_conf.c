// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/conf.c and cni/options.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cni/conf.h"
#include "cni/io.h"

#define HEAD "\"name\":\"n\",\"type\":\"podtag\","
#define PREV "\"prevResult\":{}"
#define V1   "{\"cniVersion\":\"1.0.0\"," HEAD
#define V11  "{\"cniVersion\":\"1.1.0\"," HEAD

static int parse(const char *text, enum pt_command command, struct pt_conf *conf,
		 struct pt_error *err)
{
	*err = (struct pt_error){};
	return pt_conf_parse(text, strlen(text), command, conf, err);
}

static const struct {
	const char *text;
	enum pt_command command;
	int code;
	const char *msg; /* part of it */
} refused[] = {
	/* undecodable */
	{ "", PT_ADD, PT_CNI_DECODE, "not valid JSON" },
	{ "{", PT_ADD, PT_CNI_DECODE, "not valid JSON" },
	{ "[]", PT_ADD, PT_CNI_DECODE, "not a JSON object" },
	{ V1 PREV "} x", PT_ADD, PT_CNI_DECODE, "not valid JSON" },
	{ V1 "\"a\":\"\xff\"," PREV "}", PT_ADD, PT_CNI_DECODE, "not valid JSON" },
	{ "\xef\xbb\xbf" V1 PREV "}", PT_ADD, PT_CNI_DECODE, "not valid JSON" },
	{ "{\"cniVersion\":1," HEAD PREV "}", PT_ADD, PT_CNI_DECODE, "cniVersion" },
	/* the network's name */
	{ "{\"cniVersion\":\"1.0.0\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "missing network name" },
	{ "{\"name\":\"\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "missing network name" },
	{ "{\"name\":\"a/b\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"name\": \"a/b\"" },
	{ "{\"name\":\"a\\u0000b\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"name\"" },
	{ "{\"name\":7," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"name\": 7" },
	/* versions */
	{ "{" HEAD PREV "}", PT_ADD, PT_CNI_VERSION, "incompatible" },
	{ "{\"cniVersion\":\"\"," HEAD PREV "}", PT_ADD, PT_CNI_VERSION, "incompatible" },
	{ "{\"cniVersion\":\"0.2.0\"," HEAD PREV "}", PT_ADD, PT_CNI_VERSION, "incompatible" },
	{ "{\"cniVersion\":\"1.0\"," HEAD PREV "}", PT_ADD, PT_CNI_VERSION, "incompatible" },
	{ "{\"cniVersion\":\"1.2.0\"," HEAD PREV "}", PT_DEL, PT_CNI_VERSION, "incompatible" },
	{ "{\"cniVersion\":\"1.0.0\\u0000\"," HEAD PREV "}", PT_ADD, PT_CNI_VERSION, "incompat" },
	{ "{\"cniVersion\":\"0.3.1\"," HEAD PREV "}", PT_CHECK, PT_CNI_VERSION,
	  "config version does not allow CHECK" },
	{ V1 PREV "}", PT_GC, PT_CNI_VERSION, "config version does not allow GC" },
	{ V1 PREV "}", PT_STATUS, PT_CNI_VERSION, "config version does not allow STATUS" },
	/* podtag's keys */
	{ V1 "\"failurePolicy\":\"maybe\"," PREV "}", PT_ADD, PT_CNI_CONFIG,
	  "\"failurePolicy\": \"maybe\"" },
	{ V1 "\"failurePolicy\":true," PREV "}", PT_CHECK, PT_CNI_CONFIG,
	  "\"failurePolicy\": true" },
	{ V1 "\"cgroup\":\"\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"cgroup\": \"\"" },
	{ V1 "\"cgroup\":null," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"cgroup\": null" },
	{ V1 "\"logFile\":\"relative\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"logFile\"" },
	{ V1 "\"logFile\":\"/a\\u0000b\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"logFile\"" },
	{ V1 "\"logLevel\":\"WARN\"," PREV "}", PT_ADD, PT_CNI_CONFIG, "\"logLevel\": \"WARN\"" },
	{ V11 "\"logLevel\":{\"a\":[1]}}", PT_STATUS, PT_CNI_CONFIG, "\"logLevel\": {\"a\":[" },
	/* prevResult */
	{ V1 "\"a\":1}", PT_ADD, PT_CNI_CONFIG, "must be called as chained plugin" },
	{ V1 "\"a\":1}", PT_CHECK, PT_CNI_CONFIG, "must be called as chained plugin" },
	{ V1 "\"prevResult\":null}", PT_ADD, PT_CNI_CONFIG, "must be called as chained plugin" },
	{ V1 "\"prevResult\":[]}", PT_ADD, PT_CNI_CONFIG, "\"prevResult\": []" },
	{ V1 "\"prevResult\":\"{}\"}", PT_ADD, PT_CNI_CONFIG, "\"prevResult\": \"{}\"" },
};

static void refuses_bad_configs_with_the_right_code(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct pt_error err;
		struct pt_conf conf;

		print_message("  %s\n", refused[i].text);
		assert_int_equal(parse(refused[i].text, refused[i].command, &conf, &err), -1);
		assert_int_equal(err.code, refused[i].code);
		assert_non_null(strstr(err.msg, refused[i].msg));
		pt_conf_done(&conf);
	}
}

static void says_which_versions_it_supports(void **state)
{
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	assert_int_equal(parse("{" HEAD PREV "}", PT_ADD, &conf, &err), -1);
	assert_string_equal(err.msg, "incompatible CNI versions");
	assert_string_equal(err.details, "config is \"0.1.0\", plugin supports "
					 "[\"0.3.0\" \"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"]");
	pt_conf_done(&conf);
}

static const struct {
	const char *text;
	enum pt_command command;
} accepted[] = {
	{ "{\"cniVersion\":\"0.3.0\"," HEAD PREV "}", PT_ADD },
	{ "{\"cniVersion\":\"0.3.1\"," HEAD PREV "}", PT_ADD },
	{ "{\"cniVersion\":\"0.4.0\"," HEAD PREV "}", PT_CHECK },
	{ V1 PREV "}", PT_CHECK },
	{ V11 PREV "}", PT_ADD },
	{ " \t\r\n" V1 PREV "}\n", PT_ADD },
	{ "{\"cniVersion\":\"0.3.0\",\"name\":\"n\"}", PT_DEL },
	{ V1 "\"prevResult\":17}", PT_DEL },
	{ V11 "\"prevResult\":17}", PT_GC },
	{ V11 "\"a\":1}", PT_STATUS },
	/* other people's keys, whatever is in them */
	{ V1 "\"capabilities\":{\"cgroupPath\":true},\"args\":{\"cni\":{}},\"x\":null," PREV "}",
	  PT_ADD },
	{ V1 "\"runtimeConfig\":[1]," PREV "}", PT_ADD },
	{ V1 "\"runtimeConfig\":{\"cgroupPath\":7,\"portMappings\":\"?\"}," PREV "}", PT_ADD },
	{ V1 "\"x\":\"a\\u0000b\",\"y\":123456789012345678901234567890,\"z\":1e308," PREV "}",
	  PT_ADD },
	/* an error at DEL would only keep the pod from going away */
	{ V1 "\"failurePolicy\":\"maybe\"}", PT_DEL },
	{ V11 "\"markMask\":[]}", PT_GC },
};

static void accepts_what_a_runtime_sends(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
		struct pt_error err;
		struct pt_conf conf;

		print_message("  %s\n", accepted[i].text);
		assert_int_equal(parse(accepted[i].text, accepted[i].command, &conf, &err), 0);
		assert_string_equal(conf.name, "n");
		assert_null(conf.cgroup_path);
		pt_conf_done(&conf);
	}
}

static void reads_every_key(void **state)
{
	const char *text =
		V1 "\"failurePolicy\":\"closed\",\"cgroup\":\"pod\",\"markMask\":16711680,"
		   "\"logFile\":\"/l\",\"logLevel\":\"debug\","
		   "\"runtimeConfig\":{\"cgroupPath\":\"/kubepods/poda\"},"
		   "\"prevResult\": {\"a\" : 1.50} }";
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	assert_int_equal(parse(text, PT_ADD, &conf, &err), 0);
	assert_string_equal(conf.cni_version, "1.0.0");
	assert_true(conf.closed);
	assert_int_equal(conf.cgroup, PT_CGROUP_POD);
	assert_int_equal(conf.mark_mask, 0x00ff0000);
	assert_string_equal(conf.log_file, "/l");
	assert_int_equal(conf.log_level, PT_LOG_DEBUG);
	assert_string_equal(conf.cgroup_path, "/kubepods/poda");
	assert_int_equal(conf.prev_text.size, strlen("{\"a\" : 1.50}"));
	assert_memory_equal(conf.prev_text.text, "{\"a\" : 1.50}", conf.prev_text.size);
	pt_conf_done(&conf);
}

#define ANNOTATED(annotations)                                                                     \
	V1 "\"runtimeConfig\":{\"io.kubernetes.cri.pod-annotations\":" annotations "}," PREV "}"

/* What is said there is a person's, and none of it keeps a pod from starting. */
static void takes_the_annotation_or_leaves_it(void **state)
{
	static const struct {
		const char *text;
		enum pt_tls_mode tls;
		const char *bad;
	} cases[] = {
		{ V1 PREV "}", PT_TLS_UNSAID, NULL },
		{ ANNOTATED("{\"podtag.io/tls\":\"off\"}"), PT_TLS_OFF, NULL },
		{ ANNOTATED("{\"a\":\"b\",\"podtag.io/tls\":\"on\"}"), PT_TLS_ON, NULL },
		{ ANNOTATED("{\"podtag.io/tls\":\"auto\"}"), PT_TLS_AUTO, NULL },
		{ ANNOTATED("{\"podtag.io/TLS\":\"off\"}"), PT_TLS_UNSAID, NULL },
		{ ANNOTATED("{\"podtag.io/tls\":\"\"}"), PT_TLS_UNSAID, "\"\"" },
		{ ANNOTATED("{\"podtag.io/tls\":\"Off\"}"), PT_TLS_UNSAID, "\"Off\"" },
		{ ANNOTATED("{\"podtag.io/tls\":\"off\\u0000\"}"), PT_TLS_UNSAID,
		  "\"off\\u0000\"" },
		{ ANNOTATED("{\"podtag.io/tls\":false}"), PT_TLS_UNSAID, "false" },
		{ ANNOTATED("{\"podtag.io/tls\":[\"off\"]}"), PT_TLS_UNSAID, "[\"off\"]" },
		{ ANNOTATED("[\"podtag.io/tls\"]"), PT_TLS_UNSAID, NULL },
		{ ANNOTATED("7"), PT_TLS_UNSAID, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pt_error err;
		struct pt_conf conf;
		char *bad;

		print_message("  %s\n", cases[i].text);
		assert_int_equal(parse(cases[i].text, PT_ADD, &conf, &err), 0);
		assert_int_equal(conf.tls, cases[i].tls);
		bad = conf.bad_tls ? json_dumps(conf.bad_tls, JSON_COMPACT | JSON_ENCODE_ANY)
				   : strdup("none");
		assert_string_equal(bad, cases[i].bad ? cases[i].bad : "none");
		free(bad);
		pt_conf_done(&conf);
	}
}

static void has_the_documented_defaults(void **state)
{
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	assert_int_equal(parse(V1 PREV "}", PT_ADD, &conf, &err), 0);
	assert_false(conf.closed);
	assert_int_equal(conf.cgroup, PT_CGROUP_AUTO);
	assert_int_equal(conf.mark_mask, 0);
	assert_null(conf.log_file);
	assert_int_equal(conf.log_level, PT_LOG_WARN);
	pt_conf_done(&conf);
}

static const struct {
	const char *value;
	__u32 mask; /* 0: refused */
} masks[] = {
	{ "1", 1 },
	{ "16711680", 0x00ff0000 },
	{ "4294967295", 0xffffffff },
	{ "\"0x00ff0000\"", 0x00ff0000 },
	{ "\"0XFF\"", 0xff },
	{ "\"0xffffffff\"", 0xffffffff },
	{ "\"0x80000000\"", 0x80000000 },
	{ "\"240\"", 240 },
	{ "0", 0 },
	{ "-1", 0 },
	{ "1.5", 0 },
	{ "5", 0 },
	{ "4294967296", 0 },
	{ "18446744073709551616", 0 },
	{ "\"0x\"", 0 },
	{ "\"\"", 0 },
	{ "\"0x0\"", 0 },
	{ "\"0x0f0f\"", 0 },
	{ "\"0x100000000\"", 0 },
	{ "\"0x0x1\"", 0 },
	{ "\" 1\"", 0 },
	{ "\"+1\"", 0 },
	{ "\"-1\"", 0 },
	{ "\"ff\"", 0 },
	{ "\"1\\u0000\"", 0 },
	{ "true", 0 },
	{ "null", 0 },
	{ "[255]", 0 },
};

static void reads_mark_masks_of_adjacent_bits_only(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		struct pt_error err;
		struct pt_conf conf;
		char text[256];

		snprintf(text, sizeof(text), V1 "\"markMask\":%s," PREV "}", masks[i].value);
		print_message("  %s\n", masks[i].value);
		assert_int_equal(parse(text, PT_ADD, &conf, &err), masks[i].mask ? 0 : -1);
		assert_int_equal(conf.mark_mask, masks[i].mask);
		if (!masks[i].mask) {
			assert_int_equal(err.code, PT_CNI_CONFIG);
			assert_non_null(strstr(err.msg, "\"markMask\": "));
		}
		pt_conf_done(&conf);
	}
}

static void refuses_a_config_cut_at_any_byte(void **state)
{
	const char *text =
		V1 "\"runtimeConfig\":{\"cgroupPath\":\"/a\\u00e9\"},\"markMask\":\"0xff\","
		   "\"prevResult\":{\"ips\":[{\"address\":\"10.0.0.1/8\"}],\"x\":-1.5e3}}";
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	for (size_t size = 0; size < strlen(text); size++) {
		char *cut = malloc(size ? size : 1); /* so that ASan sees a read past its end */

		memcpy(cut, text, size);
		assert_int_equal(pt_conf_parse(cut, size, PT_ADD, &conf, &err), -1);
		assert_int_equal(err.code, PT_CNI_DECODE);
		pt_conf_done(&conf);
		free(cut);
	}
	assert_int_equal(parse(text, PT_ADD, &conf, &err), 0);
	pt_conf_done(&conf);
}

static void refuses_a_nul_byte(void **state)
{
	static const char text[] = V1 "\"a\":\"b\0c\"," PREV "}";
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	assert_int_equal(pt_conf_parse(text, sizeof(text) - 1, PT_ADD, &conf, &err), -1);
	assert_int_equal(err.code, PT_CNI_DECODE);
	pt_conf_done(&conf);
}

static void survives_nesting_of_any_depth(void **state)
{
	const size_t depth = 100000, head = strlen(V1 "\"a\":");
	char *text = malloc(head + 2 * depth + 64);
	struct pt_error err;
	struct pt_conf conf;
	(void)state;

	memcpy(text, V1 "\"a\":", head);
	memset(text + head, '[', depth);
	memset(text + head + depth, ']', depth);
	strcpy(text + head + 2 * depth, "," PREV "}");
	assert_int_equal(parse(text, PT_ADD, &conf, &err), -1);
	assert_int_equal(err.code, PT_CNI_DECODE);
	pt_conf_done(&conf);
	free(text);
}

static void reads_the_list_of_valid_attachments(void **state)
{
	static const struct {
		const char *text;
		int size; /* -1: no list */
	} cases[] = {
		{ V11 "\"a\":1}", -1 },
		{ V11 "\"cni.dev/valid-attachments\":null}", -1 },
		{ V11 "\"cni.dev/valid-attachments\":{}}", -1 },
		{ V11 "\"cni.dev/valid-attachments\":[]}", 0 },
		{ V11 "\"cni.dev/valid-attachments\":[{},{}]}", 2 },
		{ V11 "\"cni.dev/attachments\":[{}]}", 1 },
		{ V11 "\"cni.dev/attachments\":[{}],\"cni.dev/valid-attachments\":[]}", 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pt_error err;
		struct pt_conf conf;

		assert_int_equal(parse(cases[i].text, PT_GC, &conf, &err), 0);
		if (cases[i].size < 0)
			assert_null(conf.valid_attachments);
		else
			assert_int_equal(json_array_size(conf.valid_attachments), cases[i].size);
		pt_conf_done(&conf);
	}
}

static void answers_in_the_version_it_was_asked_in(void **state)
{
	static const struct {
		const char *text, *version;
	} cases[] = {
		{ "", "1.1.0" },
		{ "x", "1.1.0" },
		{ "{}", "1.1.0" },
		{ "{\"cniVersion\":\"0.3.1\"}", "0.3.1" },
		{ "{\"cniVersion\":\"1.0.0\"}", "1.0.0" },
		{ "{\"cniVersion\":\"9.9.9\"}", "1.1.0" },
		{ "{\"cniVersion\":[]}", "1.1.0" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(pt_conf_version(cases[i].text, strlen(cases[i].text)),
				    cases[i].version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_configs_with_the_right_code),
		cmocka_unit_test(says_which_versions_it_supports),
		cmocka_unit_test(accepts_what_a_runtime_sends),
		cmocka_unit_test(reads_every_key),
		cmocka_unit_test(takes_the_annotation_or_leaves_it),
		cmocka_unit_test(has_the_documented_defaults),
		cmocka_unit_test(reads_mark_masks_of_adjacent_bits_only),
		cmocka_unit_test(refuses_a_config_cut_at_any_byte),
		cmocka_unit_test(refuses_a_nul_byte),
		cmocka_unit_test(survives_nesting_of_any_depth),
		cmocka_unit_test(reads_the_list_of_valid_attachments),
		cmocka_unit_test(answers_in_the_version_it_was_asked_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
