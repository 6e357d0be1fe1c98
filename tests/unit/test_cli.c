// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of podtag as a person runs it, with nothing loaded. */
#include "tests/unit/exec.h"

#include <jansson.h>

static const char *const no_env[] = { "CNI_COMMAND=", NULL };

static struct exec run(const char *const *argv)
{
	struct exec exec = { .argv = argv, .env = no_env };

	exec_run(&exec);
	assert_true(WIFEXITED(exec.status));
	return exec;
}

static void says_what_it_is_when_called_without_words(void **state)
{
	struct exec exec = run(NULL);
	(void)state;

	assert_int_equal(WEXITSTATUS(exec.status), 0);
	assert_string_equal(exec.output, "");
	assert_non_null(strstr(
		exec.errors, "CNI protocol versions supported: 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"));
	assert_non_null(strstr(exec.errors, "Usage: podtag"));
	free(exec.output);
}

static void shows_its_usage_for_wrong_words(void **state)
{
	static const char *const wrong[][4] = {
		{ "lode" },       { "dump" },         { "dump", "pod" },
		{ "load", "it" }, { "-x", "status" }, { "--jsonn", "status" },
		{ "" },           { "-j" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct exec exec = run(wrong[i]);

		assert_int_equal(WEXITSTATUS(exec.status), 1);
		assert_string_equal(exec.output, "");
		assert_non_null(strstr(exec.errors, "Usage: podtag"));
		free(exec.output);
	}
}

static void prints_help_and_version_on_stdout(void **state)
{
	static const char *const words[][2] = { { "help" }, { "-h" }, { "version" }, { "-V" } };
	(void)state;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct exec exec = run(words[i]);

		assert_int_equal(WEXITSTATUS(exec.status), 0);
		assert_non_null(
			strstr(exec.output, i < 2 ? "Usage: podtag" : "podtag " PODTAG_VERSION));
		assert_string_equal(exec.errors, "");
		free(exec.output);
	}
}

static void says_that_nothing_is_loaded(void **state)
{
	static const char *const status[] = { "status", NULL };
	static const char *const status_json[] = { "status", "--json", NULL };
	static const char *const dump[] = { "dump", "pods", NULL };
	struct exec exec;
	(void)state;

	if (geteuid()) {
		print_message("  only root may read bpffs\n");
		skip();
	}
	exec = run(status);
	assert_int_equal(WEXITSTATUS(exec.status), 1);
	assert_string_equal(exec.output, "not loaded\n");
	free(exec.output);

	exec = run(status_json);
	assert_int_equal(WEXITSTATUS(exec.status), 1);
	assert_string_equal(exec.output, "{\"loaded\":false}\n");
	free(exec.output);

	exec = run(dump);
	assert_int_equal(WEXITSTATUS(exec.status), 1);
	assert_string_equal(exec.errors, "podtag: not loaded\n");
	free(exec.output);
}

static void checks_the_kernel_in_words_and_json_alike(void **state)
{
	static const char *const words[] = { "check", NULL };
	static const char *const json[] = { "-p", "check", NULL };
	struct exec text = run(words), parsed = run(json);
	json_t *root = json_loads(parsed.output, 0, NULL), *feature;
	bool supported = json_is_true(json_object_get(root, "supported"));
	size_t i;
	(void)state;

	assert_non_null(root);
	assert_int_equal(text.status, parsed.status);
	assert_int_equal(WEXITSTATUS(text.status), supported ? 0 : 1);
	assert_true(json_array_size(json_object_get(root, "features")) >= 10);
	json_array_foreach (json_object_get(root, "features"), i, feature) {
		const char *result = json_string_value(json_object_get(feature, "result"));

		assert_non_null(
			strstr(text.output, json_string_value(json_object_get(feature, "name"))));
		assert_int_equal(!strcmp(result, "ok"), !json_object_get(feature, "meaning"));
	}
	json_decref(root);
	free(text.output);
	free(parsed.output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_it_is_when_called_without_words),
		cmocka_unit_test(shows_its_usage_for_wrong_words),
		cmocka_unit_test(prints_help_and_version_on_stdout),
		cmocka_unit_test(says_that_nothing_is_loaded),
		cmocka_unit_test(checks_the_kernel_in_words_and_json_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
