// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The small readers and cleaners of text from outside: names, labels, a pod's cgroup path. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/exposition.h"
#include "agent/log.h"
#include "bpf/pods.h"
#include "cni/cgroup.h"
#include "cni/name.h"
#include "cni/text.h"
#include "tests/fuzz/fuzz.h"

/* Clean, terminated and in its place; and what was clean before is not touched. */
static void clean(const char *text, size_t size)
{
	char *ret = malloc(size);
	size_t length = strlen(text);

	must(ret || !size);
	pt_text_clean(ret, size, text);
	if (size) {
		must(strnlen(ret, size) < size && fuzz_is_clean(ret, strlen(ret)));
		if (fuzz_is_clean(text, length))
			must(!strncmp(ret, text, strlen(ret)));
		if (length < size)
			must(strlen(ret) == length);
	}
	free(ret);
}

/* Two long texts that differ stay two. */
static void fit(const char *text, size_t size)
{
	char *ret = malloc(size), *other = malloc(size), *longer;
	size_t length = strlen(text);

	must(ret && other);
	pt_text_fit(ret, size, text);
	must(strnlen(ret, size) < size);
	if (length < size)
		must(!strcmp(ret, text));
	else if (size > 17)
		must(strlen(ret) >= 17 && ret[strlen(ret) - 17] == '~');
	else
		must(strlen(ret) == size - 1 && *ret == '~');
	if (fuzz_is_clean(text, length))
		must(fuzz_is_field(ret, size));
	longer = malloc(length + 2);
	must(longer);
	strcat(strcpy(longer, text), "x");
	pt_text_fit(other, size, longer);
	must(memcmp(ret, other, size));
	free(longer);
	free(other);
	free(ret);
}

/* Below the mount, and not the mount itself: each component goes one down, none up. */
static void find_cgroup(const char *text, size_t size)
{
	char *ret = malloc(size + 1), *rest, *component;
	int depth = 0, err;

	must(ret);
	err = pt_cgroup_relative(text, ret, size);
	must(!err || err == -EINVAL);
	if (!err) {
		must(strnlen(ret, size) < size && *ret != '/');
		for (rest = ret; (component = strsep(&rest, "/"));) {
			must(strcmp(component, ".."));
			depth += *component && strcmp(component, ".");
		}
		must(depth);
	}
	free(ret);
}

static void name(const char *text)
{
	if (pt_name_is_valid(text))
		must(*text && fuzz_is_clean(text, strlen(text)) && !strpbrk(text, "/ \"\\"));
	if (pt_ifname_is_valid(text))
		must(*text && strlen(text) < 16 && !strpbrk(text, "/: \n") && strcmp(text, ".."));
}

/* It comes to the end, by one byte at least each time, and takes for text what is. */
static void walk(const char *text, size_t size)
{
	const char *at = text, *before;
	bool replaced = false;

	while (at < text + size) {
		before = at;
		replaced |= pt_utf8_next(&at, text + size) == 0xfffd &&
			    (at - before != 3 || memcmp(before, "\xef\xbf\xbd", 3));
		must(at > before && at <= text + size);
	}
	must(replaced == !fuzz_is_utf8(text, size));
}

/* One line of logfmt, whatever the message: its quote ends where the line does. */
static void log_line(const char *message)
{
	const char *text, *at;
	size_t size;

	fuzz_written(STDERR_FILENO, &size);
	pt_agent_log(PT_LOG_ERROR, "%s", message);
	text = fuzz_written(STDERR_FILENO, &size);
	at = strstr(text, " level=error msg=\"");
	must(at && strlen(text) == size);
	for (at += strlen(" level=error msg=\""); *at != '"'; at++) {
		must((unsigned char)*at >= ' ' && *at != 0x7f);
		at += *at == '\\';
	}
	must(!strcmp(at, "\"\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	uint8_t room = fuzz_byte(&in);
	size_t length;
	char *text = fuzz_rest(&in, &length), *exact = malloc(length);

	clean(text, room);
	fit(text, 16 + room); /* an interface's name, the smallest of the fields */
	find_cgroup(text, 1 + room);
	name(text);
	log_line(text);
	if (length)
		memcpy(exact, text, length); /* so that one byte too far is seen */
	walk(exact, length);
	free(exact);
	free(text);
	return 0;
}
