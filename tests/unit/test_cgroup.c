// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/cgroup.c (its path part) and of the marks in cni/attach.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "cni/attach.h"
#include "cni/cgroup.h"

static const struct {
	const char *path;
	const char *relative; /* NULL: refused */
} paths[] = {
	/* containerd, cgroupfs and systemd */
	{ "/kubepods/burstable/pod1-2", "kubepods/burstable/pod1-2" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice",
	  "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice" },
	/* CRI-O with systemd */
	{ "kubepods-burstable-pod1_2.slice",
	  "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice" },
	{ "/kubepods-pod1_2.slice", "kubepods.slice/kubepods-pod1_2.slice" },
	{ "user.slice", "user.slice" },
	{ "pod-1", "pod-1" },
	{ "//a//b/", "a//b/" },
	{ "./a/.", "./a/." },
	{ ".a", ".a" },
	{ "a/..b/b../...", "a/..b/b../..." },
	/* no slice that systemd could have made */
	{ "a--b.slice", NULL },
	{ "-a.slice", NULL },
	{ "a-.slice", NULL },
	{ "-.slice", NULL },
	/* the root, or outside */
	{ "", NULL },
	{ "/", NULL },
	{ ".", NULL },
	{ "./", NULL },
	{ "/./.", NULL },
	{ "//.//", NULL },
	{ "..", NULL },
	{ "/..", NULL },
	{ "../a", NULL },
	{ "a/../../b", NULL },
	{ "a/..", NULL },
	{ "a//../b", NULL },
};

static void knows_where_a_pods_cgroup_is(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char ret[256];

		print_message("  %s\n", paths[i].path);
		assert_int_equal(pt_cgroup_relative(paths[i].path, ret, sizeof(ret)),
				 paths[i].relative ? 0 : -EINVAL);
		if (paths[i].relative)
			assert_string_equal(ret, paths[i].relative);
	}
}

static void refuses_paths_that_do_not_fit(void **state)
{
	char ret[64], path[8192];
	(void)state;

	for (size_t size = 1; size < sizeof("kubepods.slice/kubepods-poda.slice"); size++)
		assert_int_equal(pt_cgroup_relative("kubepods-poda.slice", ret, size), -EINVAL);
	assert_int_equal(pt_cgroup_relative("kubepods-poda.slice", ret,
					    sizeof("kubepods.slice/kubepods-poda.slice")),
			 0);

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(pt_cgroup_relative(path, ret, sizeof(ret)), -EINVAL);
	strcpy(path + sizeof(path) - sizeof("-b.slice"), "-b.slice");
	assert_int_equal(pt_cgroup_relative(path, ret, sizeof(ret)), -EINVAL);
}

static void makes_marks_that_fit_the_mask(void **state)
{
	static const struct {
		__u64 pod_id;
		__u32 mask;
		__u32 mark; /* 0: does not fit */
	} cases[] = {
		{ 1, 0x00ff0000, 0x00010000 },
		{ 255, 0x00ff0000, 0x00ff0000 },
		{ 256, 0x00ff0000, 0 },
		{ 1, 1, 1 },
		{ 2, 1, 0 },
		{ 1, 0x80000000, 0x80000000 },
		{ 0xffffffff, 0xffffffff, 0xffffffff },
		{ 0x100000000, 0xffffffff, 0 },
		{ 0x100000001, 0x000000ff, 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u32 mark = 0;

		assert_int_equal(pt_mark_make(cases[i].pod_id, cases[i].mask, &mark),
				 cases[i].mark ? 0 : -EOVERFLOW);
		assert_int_equal(mark, cases[i].mark);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_where_a_pods_cgroup_is),
		cmocka_unit_test(refuses_paths_that_do_not_fit),
		cmocka_unit_test(makes_marks_that_fit_the_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
