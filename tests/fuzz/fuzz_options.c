// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The agent's flags and its config file.
 *
 * An input is the arguments, each with a NUL behind it, an empty one, and the file's content,
 * whatever its name.
 */
#include <string.h>

#include "agent/options.h"
#include "tests/fuzz/fuzz.h"

#define ARGS_MAX 8

static struct fuzz file;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (strcmp(mode, "re")) /* the fuzzer itself has files too */
		return __real_fopen(path, mode);
	return *path ? fmemopen((void *)file.at, file.left, "r") : NULL;
}

static void check_options(const struct pt_agent_options *options)
{
	struct sockaddr_storage again;
	socklen_t size;

	must(options->log_level >= PT_LOG_ERROR && options->log_level <= PT_LOG_DEBUG);
	must(strnlen(options->listen_text, sizeof(options->listen_text)) <
	     sizeof(options->listen_text));
	must(!pt_agent_address_parse(options->listen_text, &again, &size));
	must(size == options->listen_len && !memcmp(&again, &options->listen, size));
	must(again.ss_family == AF_INET || again.ss_family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pt_agent_options options, untouched;
	struct fuzz in = { data, size };
	char *argv[ARGS_MAX + 2] = { "podtag-agent" };
	char error[128] = "";
	int argc = 1, result;

	while (argc <= ARGS_MAX && *(argv[argc] = fuzz_text(&in)))
		argc++;
	if (argc <= ARGS_MAX)
		free(argv[argc]);
	argv[argc] = NULL;
	file = in;

	memset(&options, 0x5a, sizeof(options));
	untouched = options;
	result = pt_agent_options_parse(argc, argv, &options, error, sizeof(error));
	must(result == -1 || result == PT_OPTIONS_RUN || result == PT_OPTIONS_HELP ||
	     result == PT_OPTIONS_VERSION);
	if (result == PT_OPTIONS_RUN)
		check_options(&options);
	else
		must(!memcmp(&options, &untouched, sizeof(options)));
	must((result == -1) == (*error != '\0') && memchr(error, '\0', sizeof(error)));
	while (--argc)
		free(argv[argc]);
	return 0;
}
