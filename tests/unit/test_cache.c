// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of cni/cache.c and cni/base64.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "cni/base64.h"
#include "cni/cache.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *text;
	const char *bytes;
	size_t size;
} encoded[] = {
	/* RFC 4648, section 10 */
	{ "", "", 0 },
	{ "Zg==", "f", 1 },
	{ "Zm8=", "fo", 2 },
	{ "Zm9v", "foo", 3 },
	{ "Zm9vYg==", "foob", 4 },
	{ "Zm9vYmE=", "fooba", 5 },
	{ "Zm9vYmFy", "foobar", 6 },
	{ "+/+/AP8=", "\xfb\xff\xbf\x00\xff", 5 },
};

static void decodes_base64(void **state)
{
	(void)state;

	for (size_t i = 0; i < LENGTH(encoded); i++) {
		size_t size;
		char *bytes = pt_base64_decode(encoded[i].text, &size);

		print_message("  '%s'\n", encoded[i].text);
		assert_non_null(bytes);
		assert_int_equal(size, encoded[i].size);
		assert_memory_equal(bytes, encoded[i].bytes, size);
		assert_int_equal(bytes[size], '\0');
		free(bytes);
	}
}

static const char *const no_base64[] = {
	"Z",
	"Zg",
	"Zg=",
	"=",
	"====",
	"Z===",
	"Zg==Zg==",
	"Zm=v",
	"Zm9v\n",
	"Zm9v ",
	"Zm 9",
	"Zm-_",
	"Zh==",
	"Zm9=",
	"Zg=a",
	"Zm9vYg=",
	"\xff\xff\xff\xff",
	"Zm9!",
	"Zm9vYg=a",
};

static void refuses_what_is_no_base64(void **state)
{
	size_t size;

	(void)state;
	for (size_t i = 0; i < LENGTH(no_base64); i++) {
		print_message("  '%s'\n", no_base64[i]);
		errno = 0;
		assert_null(pt_base64_decode(no_base64[i], &size));
		assert_int_equal(errno, EINVAL);
	}
}

/* {"name":"net","plugins":[{"type":"bridge"},{"type":"podtag","cgroup":"node"}]} */
#define LIST                                                                                       \
	"eyJuYW1lIjoibmV0IiwicGx1Z2lucyI6W3sidHlwZSI6ImJyaWRnZSJ9LHsidHlwZSI6InBvZHRhZyIsIm"       \
	"Nncm91cCI6Im5vZGUifV19"
#define HEAD "{\"kind\":\"cniCacheV1\","
#define IDS  "\"containerId\":\"c1\",\"ifName\":\"eth0\",\"networkName\":\"net\","
#define NS   "\"netns\":\"/run/netns/a\","
#define CONF "\"config\":\"" LIST "\","
#define REST "\"result\":{\"cniVersion\":\"1.0.0\"}}"

static void reads_what_libcni_writes(void **state)
{
	static const char text[] = HEAD IDS NS CONF
		"\"cniArgs\":[[\"IgnoreUnknown\",\"1\"],[\"K8S_POD_NAME\",\"web\"]],"
		"\"capabilityArgs\":{\"cgroupPath\":\"/kubepods/pod1\"}," REST;
	struct pt_cache cache;
	struct pt_error err;

	(void)state;
	assert_int_equal(pt_cache_parse(text, strlen(text), &cache, &err), 0);
	assert_string_equal(cache.container_id, "c1");
	assert_string_equal(cache.ifname, "eth0");
	assert_string_equal(cache.network, "net");
	assert_string_equal(cache.netns, "/run/netns/a");
	assert_int_equal(json_array_size(cache.args), 2);
	assert_string_equal(json_string_value(json_object_get(cache.capabilities, "cgroupPath")),
			    "/kubepods/pod1");
	assert_string_equal(json_string_value(json_object_get(cache.result, "cniVersion")),
			    "1.0.0");
	assert_string_equal(json_string_value(json_object_get(pt_cache_entry(&cache), "cgroup")),
			    "node");
	pt_cache_done(&cache);
}

/* Before 1.2 libcni wrote no netns. */
static const struct {
	const char *interfaces;
	const char *netns;
} results[] = {
	{ "[{\"name\":\"cni0\"},{\"name\":\"veth1\"},{\"name\":\"eth0\",\"sandbox\":\"/run/netns/"
	  "b\"}]",
	  "/run/netns/b" },
	{ "[{\"name\":\"eth0\"}]", NULL },
	{ "[{\"name\":\"eth1\",\"sandbox\":\"/run/netns/b\"}]", NULL },
	{ "[{\"name\":\"eth0\",\"sandbox\":\"1\"}]", NULL },
	{ "[{\"name\":\"eth0\",\"sandbox\":{}},7]", NULL },
	{ "{}", NULL },
};

static void finds_the_netns_in_the_result(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(results); i++) {
		struct pt_error err = {};
		struct pt_cache cache;
		char text[1024];

		print_message("  %s\n", results[i].interfaces);
		snprintf(text, sizeof(text), "%s\"result\":{\"interfaces\":%s}}", HEAD IDS CONF,
			 results[i].interfaces);
		assert_int_equal(pt_cache_parse(text, strlen(text), &cache, &err), 0);
		if (results[i].netns)
			assert_string_equal(cache.netns, results[i].netns);
		else
			assert_null(cache.netns);
		pt_cache_done(&cache);
	}
}

/* A runtime other than Kubernetes'. */
static void args_may_be_missing_or_null(void **state)
{
	static const char *const texts[] = {
		HEAD IDS NS "\"config\":\"e30=\"," REST,
		HEAD IDS NS "\"config\":\"e30=\",\"cniArgs\":null,\"capabilityArgs\":null," REST,
	};
	struct pt_cache cache;
	struct pt_error err;

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		assert_int_equal(pt_cache_parse(texts[i], strlen(texts[i]), &cache, &err), 0);
		assert_null(cache.args);
		assert_null(cache.capabilities);
		assert_null(pt_cache_entry(&cache));
		pt_cache_done(&cache);
	}
}

static const struct {
	const char *text;
	const char *msg;
} refused[] = {
	{ "", "not valid JSON: line 1, column 0: '[' or '{' expected near end of file" },
	{ "{\"kind\":", "not valid JSON: line 1, column 8: unexpected token near end of file" },
	{ "[]", "not a JSON object" },
	/* the result alone, as libcni before 0.8 wrote it */
	{ "{\"cniVersion\":\"0.4.0\"}", "kind is missing" },
	{ "{\"kind\":\"cniCacheV2\"}", "invalid value for \"kind\": \"cniCacheV2\"" },
	{ "{\"kind\":true}", "invalid value for \"kind\": true" },
	{ HEAD NS CONF REST, "containerId is missing" },
	{ HEAD "\"containerId\":\"../a\"}", "invalid value for \"containerId\": \"../a\"" },
	{ HEAD "\"containerId\":\"a\\u0000b\"}",
	  "invalid value for \"containerId\": \"a\\u0000b\"" },
	{ HEAD "\"containerId\":\"a\",\"ifName\":\"a/b\"}",
	  "invalid value for \"ifName\": \"a/b\"" },
	{ HEAD "\"containerId\":\"a\",\"ifName\":\"e\",\"networkName\":\"\"}",
	  "invalid value for \"networkName\": \"\"" },
	{ HEAD IDS "\"netns\":\"\"," CONF REST, "invalid value for \"netns\": \"\"" },
	{ HEAD IDS "\"netns\":\"a\"," CONF REST, "invalid value for \"netns\": \"a\"" },
	{ HEAD IDS NS CONF "\"result\":[]}", "invalid value for \"result\": []" },
	{ HEAD IDS NS CONF "\"a\":1}", "result is missing" },
	{ HEAD IDS NS CONF "\"cniArgs\":{}," REST, "invalid value for \"cniArgs\": {}" },
	{ HEAD IDS NS CONF "\"cniArgs\":[[\"a\"]]," REST,
	  "invalid value for \"cniArgs\": [\"a\"]" },
	{ HEAD IDS NS CONF "\"cniArgs\":[[\"a\",null]]," REST,
	  "invalid value for \"cniArgs\": [\"a\",null]" },
	{ HEAD IDS NS CONF "\"capabilityArgs\":\"x\"," REST,
	  "invalid value for \"capabilityArgs\": \"x\"" },
	{ HEAD IDS NS REST, "config is missing" },
	{ HEAD IDS NS "\"config\":{}," REST, "config is not base64" },
	{ HEAD IDS NS "\"config\":\"e3\"," REST, "config is not base64" },
	{ HEAD IDS NS "\"config\":\"W10=\"," REST, "config is not a JSON object" },
	{ HEAD IDS NS "\"config\":\"Zm9v\"," REST,
	  "config is not JSON: '[' or '{' expected near 'foo'" },
};

static void names_the_field_that_is_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct pt_error err = {};
		struct pt_cache cache;

		print_message("  %s\n", refused[i].text);
		assert_int_equal(
			pt_cache_parse(refused[i].text, strlen(refused[i].text), &cache, &err), -1);
		assert_string_equal(err.msg, refused[i].msg);
		pt_cache_done(&cache);
	}
}

static void write_file(int dir, const char *name, const char *text, time_t age)
{
	const struct timespec times[2] = { { .tv_sec = time(NULL) - age },
					   { .tv_sec = time(NULL) - age } };
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void tells_a_file_that_is_broken_from_one_being_written(void **state)
{
	char path[] = "/tmp/podtag-cache-XXXXXX";
	struct pt_error err = {};
	struct pt_cache cache;
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	write_file(dir, "whole", HEAD IDS NS CONF REST, 0);
	write_file(dir, "half", HEAD IDS, 0);
	write_file(dir, "old", HEAD IDS, 60);
	write_file(dir, "new", HEAD "\"containerId\":\"a\"}", 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(symlinkat("whole", dir, "link"), 0);

	assert_int_equal(pt_cache_read(dir, "whole", &cache, &err), 0);
	assert_string_equal(cache.container_id, "c1");
	pt_cache_done(&cache);
	assert_int_equal(pt_cache_read(dir, "half", &cache, &err), -EAGAIN);
	assert_int_equal(pt_cache_read(dir, "old", &cache, &err), -EINVAL);
	assert_int_equal(pt_cache_read(dir, "new", &cache, &err), -EINVAL);
	pt_cache_done(&cache);
	assert_int_equal(pt_cache_read(dir, "none", &cache, &err), -ENOENT);
	assert_int_equal(pt_cache_read(dir, "fifo", &cache, &err), -EINVAL);
	assert_string_equal(err.msg, "not a regular file");
	assert_int_equal(pt_cache_read(dir, "link", &cache, &err), -ELOOP);

	for (size_t i = 0; i < 6; i++) {
		static const char *const names[] = {
			"whole", "half", "old", "new", "fifo", "link"
		};

		unlinkat(dir, names[i], 0);
	}
	close(dir);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_base64),
		cmocka_unit_test(refuses_what_is_no_base64),
		cmocka_unit_test(reads_what_libcni_writes),
		cmocka_unit_test(finds_the_netns_in_the_result),
		cmocka_unit_test(args_may_be_missing_or_null),
		cmocka_unit_test(names_the_field_that_is_broken),
		cmocka_unit_test(tells_a_file_that_is_broken_from_one_being_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
