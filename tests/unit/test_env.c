// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/env.c and cni/name.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cni/env.h"
#include "cni/name.h"

#define MAX_VARIABLES 8

static void set_environment(const char *const *variables)
{
	clearenv();
	for (int i = 0; variables[i]; i += 2)
		setenv(variables[i], variables[i + 1], 1);
}

static const struct {
	const char *variables[2 * MAX_VARIABLES];
	const char *msg;
} refused[] = {
	{ { "CNI_COMMAND", "FOO" }, "unknown CNI_COMMAND: FOO" },
	{ { "CNI_COMMAND", "add" }, "unknown CNI_COMMAND: add" },
	{ { "CNI_COMMAND", "ADD" },
	  "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing" },
	{ { "CNI_COMMAND", "ADD", "CNI_CONTAINERID", "a", "CNI_PATH", "/x" },
	  "required env variables [CNI_NETNS,CNI_IFNAME] missing" },
	{ { "CNI_COMMAND", "ADD", "CNI_CONTAINERID", "", "CNI_NETNS", "", "CNI_IFNAME", "eth0",
	    "CNI_PATH", "/x" },
	  "required env variables [CNI_CONTAINERID,CNI_NETNS] missing" },
	{ { "CNI_COMMAND", "CHECK", "CNI_CONTAINERID", "a", "CNI_PATH", "/x", "CNI_IFNAME", "e" },
	  "required env variables [CNI_NETNS] missing" },
	{ { "CNI_COMMAND", "DEL", "CNI_PATH", "/x" },
	  "required env variables [CNI_CONTAINERID,CNI_IFNAME] missing" },
	{ { "CNI_COMMAND", "DEL", "CNI_CONTAINERID", "a", "CNI_IFNAME", "eth0" },
	  "required env variables [CNI_PATH] missing" },
	{ { "CNI_COMMAND", "GC" }, "required env variables [CNI_PATH] missing" },
	{ { "CNI_COMMAND", "STATUS" }, "required env variables [CNI_PATH] missing" },
	{ { "CNI_COMMAND", "DEL", "CNI_CONTAINERID", "../a", "CNI_IFNAME", "eth0", "CNI_PATH",
	    "/x" },
	  "invalid CNI_CONTAINERID: ../a" },
	{ { "CNI_COMMAND", "DEL", "CNI_CONTAINERID", "a", "CNI_IFNAME", "a/b", "CNI_PATH", "/x" },
	  "invalid CNI_IFNAME: a/b" },
};

static void refuses_bad_environments_with_code_4(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct pt_error err = {};
		struct pt_env env;

		set_environment(refused[i].variables);
		assert_int_equal(pt_env_read(&env, &err), -1);
		assert_int_equal(err.code, PT_CNI_ENVIRONMENT);
		assert_string_equal(err.msg, refused[i].msg);
		pt_env_done(&env);
	}
}

static const struct {
	const char *variables[2 * MAX_VARIABLES];
	enum pt_command command;
} accepted[] = {
	{ { "CNI_COMMAND", "ADD", "CNI_CONTAINERID", "a", "CNI_NETNS", "/n", "CNI_IFNAME", "eth0",
	    "CNI_PATH", "/x" },
	  PT_ADD },
	{ { "CNI_COMMAND", "DEL", "CNI_CONTAINERID", "a", "CNI_NETNS", "", "CNI_IFNAME", "eth0",
	    "CNI_PATH", "/x" },
	  PT_DEL },
	{ { "CNI_COMMAND", "DEL", "CNI_CONTAINERID", "a", "CNI_IFNAME", "eth0", "CNI_PATH", "/x" },
	  PT_DEL },
	{ { "CNI_COMMAND", "CHECK", "CNI_CONTAINERID", "a", "CNI_NETNS", "/n", "CNI_IFNAME", "eth0",
	    "CNI_PATH", "/x" },
	  PT_CHECK },
	{ { "CNI_COMMAND", "GC", "CNI_CONTAINERID", "", "CNI_PATH", "/x" }, PT_GC },
	/* not required, so not looked at */
	{ { "CNI_COMMAND", "STATUS", "CNI_IFNAME", "///", "CNI_PATH", "/x" }, PT_STATUS },
	{ { "CNI_COMMAND", "VERSION" }, PT_VERSION },
	{ { "CNI_COMMAND", "VERSION", "CNI_CONTAINERID", "", "CNI_NETNS", "dummy", "CNI_IFNAME",
	    "dummy", "CNI_PATH", "dummy" },
	  PT_VERSION },
};

static void accepts_what_each_command_needs(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
		struct pt_error err = {};
		struct pt_env env;

		set_environment(accepted[i].variables);
		assert_int_equal(pt_env_read(&env, &err), 0);
		assert_int_equal(env.command, accepted[i].command);
		pt_env_done(&env);
	}
}

static void read_args(struct pt_env *env, const char *args)
{
	const char *variables[] = { "CNI_COMMAND", "DEL",        "CNI_CONTAINERID",
				    "a",           "CNI_IFNAME", "eth0",
				    "CNI_PATH",    "/x",         "CNI_ARGS",
				    args,          NULL };
	struct pt_error err;

	set_environment(variables);
	assert_int_equal(pt_env_read(env, &err), 0);
}

static void reads_the_pod_from_cni_args_in_any_order(void **state)
{
	struct pt_env env;
	(void)state;

	read_args(&env, "K8S_POD_UID=u;IgnoreUnknown=1;K8S_POD_NAME=web;"
			"K8S_POD_INFRA_CONTAINER_ID=a;K8S_POD_NAMESPACE=default");
	assert_string_equal(env.pod_namespace, "default");
	assert_string_equal(env.pod_name, "web");
	assert_string_equal(env.pod_uid, "u");
	pt_env_done(&env);
}

static void ignores_junk_in_cni_args(void **state)
{
	struct pt_env env;
	(void)state;

	read_args(&env, ";;=;=x;K8S_POD_UID;K8S_POD_UID_=no;k8s_pod_name=no;"
			"K8S_POD_NAME=a=b;K8S_POD_NAMESPACE=;\xff\xfe=\x01");
	assert_null(env.pod_namespace);
	assert_string_equal(env.pod_name, "a=b");
	assert_null(env.pod_uid);
	pt_env_done(&env);

	read_args(&env, "");
	assert_null(env.pod_name);
	pt_env_done(&env);
}

static void takes_the_override_as_skel_does(void **state)
{
	static const struct {
		const char *text;
		bool set;
	} cases[] = { { "TRUE", true }, { "true", true }, { "tRuE", true }, { "1", true },
		      { "", false },    { "0", false },   { "yes", false } };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *variables[] = { "CNI_COMMAND",        "STATUS",      "CNI_PATH", "/x",
					    "CNI_NETNS_OVERRIDE", cases[i].text, NULL };
		struct pt_error err;
		struct pt_env env;

		set_environment(variables);
		assert_int_equal(pt_env_read(&env, &err), 0);
		assert_int_equal(env.netns_override, cases[i].set);
		pt_env_done(&env);
	}
}

static void knows_which_names_cni_allows(void **state)
{
	static const char *const valid[] = { "a", "0", "a.b", "A_b-c.9", "k8s-pod-network" };
	static const char *const invalid[] = { "",    ".a",  "-a",       "_a",    "a/b",
					       "a b", "a\n", "\xc3\xa4", "a\xff", "a:b" };
	(void)state;

	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++)
		assert_true(pt_name_is_valid(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
		assert_false(pt_name_is_valid(invalid[i]));
}

static void knows_which_interface_names_the_kernel_allows(void **state)
{
	static const char *const valid[] = { "e", "eth0", "eth0.100",       "...",
					     "-", "a@b",  "123456789012345" };
	static const char *const invalid[] = { "",     ".",    "..",
					       "a/b",  "a:b",  "a b",
					       "a\tb", "a\nb", "1234567890123456" };
	(void)state;

	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++)
		assert_true(pt_ifname_is_valid(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
		assert_false(pt_ifname_is_valid(invalid[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_environments_with_code_4),
		cmocka_unit_test(accepts_what_each_command_needs),
		cmocka_unit_test(reads_the_pod_from_cni_args_in_any_order),
		cmocka_unit_test(ignores_junk_in_cni_args),
		cmocka_unit_test(takes_the_override_as_skel_does),
		cmocka_unit_test(knows_which_names_cni_allows),
		cmocka_unit_test(knows_which_interface_names_the_kernel_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
