// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of the plugin as a runtime runs it: environment and stdin in, stdout and status out.
 *
 * CNI_NETNS names nothing that exists, so that no test touches the kernel's state; with it, ADD
 * must let the pod start all the same.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/exec.h"

#include <jansson.h>

#define POD                                                                                        \
	"CNI_CONTAINERID=0123abcd", "CNI_NETNS=/nowhere/netns", "CNI_IFNAME=eth0",                 \
		"CNI_PATH=/opt/cni/bin",                                                           \
		"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web"

static const char *const env_add[] = { "CNI_COMMAND=ADD", POD, NULL };
static const char *const env_check[] = { "CNI_COMMAND=CHECK", POD, NULL };
static const char *const env_del[] = { "CNI_COMMAND=DEL", "CNI_CONTAINERID=0123abcd", "CNI_NETNS=",
				       "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin",    NULL };
static const char *const env_gc[] = { "CNI_COMMAND=GC", "CNI_CONTAINERID=", "CNI_NETNS=",
				      "CNI_IFNAME=",    "CNI_PATH=/x",      NULL };
static const char *const env_status[] = { "CNI_COMMAND=STATUS", "CNI_PATH=/x", NULL };
static const char *const env_version[] = { "CNI_COMMAND=VERSION", "CNI_NETNS=dummy",
					   "CNI_IFNAME=dummy",    "CNI_PATH=dummy",
					   "CNI_CONTAINERID=",    NULL };

#define CONF(version, rest)                                                                        \
	"{\"cniVersion\":\"" version "\",\"name\":\"n\",\"type\":\"podtag\"" rest "}"

static struct exec run(const char *const *env, const char *input)
{
	struct exec exec = { .env = env, .input = input, .input_size = strlen(input) };

	exec_run(&exec);
	assert_true(WIFEXITED(exec.status));
	return exec;
}

static void expect(const char *const *env, const char *input, int status, const char *output)
{
	struct exec exec = run(env, input);

	assert_int_equal(WEXITSTATUS(exec.status), status);
	assert_string_equal(exec.output, output);
	free(exec.output);
}

/* stdout must hold one JSON object and nothing else. */
static void expect_error(const char *const *env, const char *input, int code)
{
	struct exec exec = run(env, input);
	json_t *root = json_loads(exec.output, 0, NULL);

	assert_int_equal(WEXITSTATUS(exec.status), 1);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "code")), code);
	assert_true(json_string_length(json_object_get(root, "msg")) > 0);
	assert_true(json_string_length(json_object_get(root, "cniVersion")) > 0);
	json_decref(root);
	free(exec.output);
}

static char *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	assert_true(fd >= 0);
	assert_int_equal(pt_read_all(fd, -1, &text, size), 0);
	close(fd);
	return text;
}

static void expect_passed_through(const char *version, const char *prev)
{
	char *input;

	assert_true(asprintf(&input,
			     "{\"type\":\"podtag\",\"prevResult\":%s,\"name\":\"n\","
			     "\"cniVersion\":\"%s\",\"capabilities\":{\"cgroupPath\":true}}",
			     prev, version) > 0);
	expect(env_add, input, 0, prev);
	free(input);
}

static void passes_the_results_of_base_plugins_on_byte_for_byte(void **state)
{
	char folder[PATH_MAX], path[PATH_MAX + 300];
	struct dirent *entry;
	int count = 0;
	DIR *dir;
	(void)state;

	exec_path(folder, sizeof(folder), "../tests/unit/fixtures");
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t size;
		json_t *root;
		char *text;

		if (!strstr(entry->d_name, ".json"))
			continue;
		print_message("  %s\n", entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		text = read_file(path, &size);
		assert_int_equal(text[size - 1], '\n');
		text[size - 1] = '\0';
		root = json_loads(text, 0, NULL);
		assert_non_null(root);
		expect_passed_through(json_string_value(json_object_get(root, "cniVersion")), text);
		json_decref(root);
		free(text);
		count++;
	}
	closedir(dir);
	assert_true(count >= 12);
}

static void passes_odd_results_on_byte_for_byte(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{ }",
		"{\"z\":1,\"a\":2,\"z\":3}",
		"{\"ips\":null,\"interfaces\":17}",
		"{\"ips\":[1,\"a\",{},{\"address\":7},{\"address\":\"x\"},{\"address\":\"999.1.1.1/"
		"8\"}]}",
		"{\"a\":1.0,\"b\":1e2,\"c\":-0.0,\"d\":100000000000000000000000000000000}",
		"{\"a\":\"\\u0000\\/\\u00e4\xc3\xa4\\ud83d\\ude00\"}",
		"{\n\t\"prevResult\": {\"prevResult\": \"}\"}\r\n}",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		expect_passed_through("1.0.0", odd[i]);
}

static void takes_the_last_of_duplicate_keys(void **state)
{
	(void)state;

	expect(env_add, CONF("1.0.0", ",\"prevResult\":{\"a\":1},\"prevResult\":{\"b\":2}"), 0,
	       "{\"b\":2}");
	expect_error(env_add, CONF("1.0.0", ",\"prevResult\":{},\"prevResult\":null"), 7);
}

static void says_nothing_on_stdout_where_cni_wants_nothing(void **state)
{
	(void)state;

	expect(env_check, CONF("0.4.0", ",\"prevResult\":{}"), 0, "");
	expect(env_del, CONF("0.3.0", ""), 0, "");
	expect(env_del, CONF("1.0.0", ",\"prevResult\":{\"a\":1}"), 0, "");
	expect(env_del, CONF("1.0.0", ",\"failurePolicy\":\"closed\""), 0, "");
	expect(env_del, CONF("1.0.0", ",\"failurePolicy\":\"perhaps\""), 0, "");
	expect(env_gc, CONF("1.1.0", ""), 0, "");
	expect(env_gc, CONF("1.1.0", ",\"cni.dev/valid-attachments\":[]"), 0, "");
	expect(env_gc, CONF("1.1.0", ",\"cni.dev/valid-attachments\":[7]"), 0, "");
	expect(env_status, CONF("1.1.0", ""), 0, "");
}

static void answers_version_to_anything(void **state)
{
#define SUPPORTED "\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}"
	struct exec closed = { .env = env_version, .close_stdin = true };
	(void)state;

	expect(env_version, "", 0, "{\"cniVersion\":\"1.1.0\"," SUPPORTED);
	expect(env_version, "{\"cniVersion\":\"0.3.1\"}", 0,
	       "{\"cniVersion\":\"0.3.1\"," SUPPORTED);
	expect(env_version, "{\"cniVersion\":\"0.1.0\"}", 0,
	       "{\"cniVersion\":\"1.1.0\"," SUPPORTED);
	expect(env_version, "\xff{", 0, "{\"cniVersion\":\"1.1.0\"," SUPPORTED);

	exec_run(&closed);
	assert_int_equal(closed.status, 0);
	assert_string_equal(closed.output, "{\"cniVersion\":\"1.1.0\"," SUPPORTED);
	free(closed.output);
}

static void refuses_bad_input_with_an_error_on_stdout(void **state)
{
	static const char *const no_ifname[] = { "CNI_COMMAND=ADD", "CNI_CONTAINERID=a",
						 "CNI_NETNS=/n", "CNI_PATH=/x", NULL };
	static const char *const own[] = { "CNI_COMMAND=ADD", "CNI_CONTAINERID=a",
					   "CNI_IFNAME=eth0", "CNI_NETNS=/proc/self/ns/net",
					   "CNI_PATH=/x",     NULL };
	static const char *const unknown[] = { "CNI_COMMAND=UPDATE", NULL };
	struct exec no_stdin = { .env = env_add, .close_stdin = true };
	(void)state;

	expect_error(unknown, "", 4);
	expect_error(no_ifname, "", 4);
	expect_error(env_add, "", 6);
	expect_error(env_add, "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"a\":\"\xff\"}", 6);
	expect_error(env_add, CONF("1.0.0", ",\"prevResult\":{\"a\":1e999}"), 6);
	expect_error(env_add, CONF("9.0.0", ",\"prevResult\":{}"), 1);
	expect_error(env_check, CONF("0.3.1", ",\"prevResult\":{}"), 1);
	expect_error(env_gc, CONF("1.0.0", ""), 1);
	expect_error(env_status, CONF("1.0.0", ""), 1);
	expect_error(env_add, CONF("1.0.0", ""), 7);
	expect_error(env_add, CONF("1.0.0", ",\"markMask\":\"\xc3\xa4\",\"prevResult\":{}"), 7);
	expect_error(own, CONF("1.0.0", ",\"prevResult\":{}"), 8);

	exec_run(&no_stdin);
	assert_int_equal(WEXITSTATUS(no_stdin.status), 1);
	assert_non_null(strstr(no_stdin.output, "\"code\":5"));
	free(no_stdin.output);
}

static void is_strict_when_told_so(void **state)
{
	(void)state;

	expect_error(env_add, CONF("1.0.0", ",\"failurePolicy\":\"closed\",\"prevResult\":{}"),
		     100);
	expect_error(env_check, CONF("1.0.0", ",\"failurePolicy\":\"closed\",\"prevResult\":{}"),
		     101);
	expect(env_add, CONF("1.0.0", ",\"failurePolicy\":\"open\",\"prevResult\":{}"), 0, "{}");
}

static void takes_four_mebibytes_and_no_more(void **state)
{
	static const char head[] =
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"prevResult\":{\"a\":\"";
	struct exec exec = { .env = env_add, .input_size = PT_STDIN_MAX };
	char *input = malloc(PT_STDIN_MAX + 1);
	(void)state;

	memset(input, 'x', PT_STDIN_MAX);
	memcpy(input, head, strlen(head));
	memcpy(input + PT_STDIN_MAX - 3, "\"}} ", 4);
	exec.input = input;
	exec_run(&exec);
	assert_int_equal(exec.status, 0);
	assert_int_equal(exec.output_size, PT_STDIN_MAX - strlen(head) + strlen("{\"a\":\"") - 1);
	free(exec.output);

	exec.input_size++;
	exec_run(&exec);
	assert_int_equal(WEXITSTATUS(exec.status), 1);
	assert_non_null(strstr(exec.output, "\"code\":6,\"msg\":\"network config is larger than"));
	free(exec.output);
	free(input);
}

static void fails_without_a_signal_when_stdout_is_closed(void **state)
{
	static const char input[] = CONF("1.0.0", ",\"prevResult\":{}");
	(void)state;

	for (int i = 0; i < 2; i++) {
		struct exec exec = {
			.env = env_add,
			.input = input,
			.input_size = strlen(input),
			.close_stdout = i == 0,
			.break_stdout = i == 1,
		};

		exec_run(&exec);
		assert_true(WIFEXITED(exec.status));
		assert_int_equal(WEXITSTATUS(exec.status), 1);
		assert_int_equal(exec.output_size, 0);
		free(exec.output);
	}
}

static void runs_in_an_empty_root_directory(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	(void)state;
	print_message("  a build with sanitizers is not static\n");
	skip();
#else
	static const char input[] = CONF("1.0.0", ",\"prevResult\":{ \"ips\":[] }");
	char root[] = "/tmp/test_plugin.XXXXXX", path[PATH_MAX], copy[64];
	struct exec exec = {
		.env = env_add,
		.input = input,
		.input_size = strlen(input),
		.root = root,
	};
	size_t size;
	char *binary;
	int fd;
	(void)state;

	if (geteuid()) {
		print_message("  only root may change its root directory\n");
		skip();
	}
	assert_non_null(mkdtemp(root));
	snprintf(copy, sizeof(copy), "%s/podtag", root);
	exec_path(path, sizeof(path), "podtag");
	binary = read_file(path, &size);
	fd = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(pt_write_all(fd, binary, size), 0);
	close(fd);
	free(binary);

	exec_run(&exec);
	unlink(copy);
	rmdir(root);
	assert_int_equal(exec.status, 0);
	assert_string_equal(exec.output, "{ \"ips\":[] }");
	free(exec.output);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_the_results_of_base_plugins_on_byte_for_byte),
		cmocka_unit_test(passes_odd_results_on_byte_for_byte),
		cmocka_unit_test(takes_the_last_of_duplicate_keys),
		cmocka_unit_test(says_nothing_on_stdout_where_cni_wants_nothing),
		cmocka_unit_test(answers_version_to_anything),
		cmocka_unit_test(refuses_bad_input_with_an_error_on_stdout),
		cmocka_unit_test(is_strict_when_told_so),
		cmocka_unit_test(takes_four_mebibytes_and_no_more),
		cmocka_unit_test(fails_without_a_signal_when_stdout_is_closed),
		cmocka_unit_test(runs_in_an_empty_root_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
