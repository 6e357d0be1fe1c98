// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-pass: what is left of podtag on a node that it was removed from.
 *
 * A runtime may have the chain with podtag in its memory or in its cache for as long as a pod
 * lives, and cannot delete the pod when a plugin of the chain is missing. This one passes on what
 * the plugin before it said, and does nothing else. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cni/conf.h"
#include "cni/env.h"
#include "cni/io.h"

static int reply(const char *text, size_t size, int status)
{
	return pt_write_all(STDOUT_FILENO, text, size) ? 1 : status;
}

static int reply_error(const struct pt_error *err, const char *input, size_t size)
{
	char *text = pt_error_json(err, pt_conf_version(input, size));
	int status = text ? reply(text, strlen(text), 1) : 1;

	free(text);
	return status;
}

static int reply_version(const char *input, size_t size)
{
	char *text = pt_conf_version_reply(input, size);
	int status = text ? reply(text, strlen(text), 0) : 1;

	free(text);
	return status;
}

static int run(const struct pt_env *env, const char *input, size_t size)
{
	struct pt_conf conf = {};
	struct pt_error err;
	int status;

	if (env->command == PT_VERSION)
		return reply_version(input, size);
	if (pt_conf_parse(input, size, env->command, &conf, &err))
		status = reply_error(&err, input, size);
	else if (env->command == PT_ADD)
		status = reply(conf.prev_text.text, conf.prev_text.size, 0);
	else
		status = 0;
	pt_conf_done(&conf);
	return status;
}

int main(void)
{
	const char *command = getenv("CNI_COMMAND");
	struct pt_env env = {};
	struct pt_error err;
	char *input = NULL;
	size_t size = 0;
	int status, ret, read;

	pt_stdio_reserve();
	signal(SIGPIPE, SIG_IGN);
	if (!command || !*command) {
		fprintf(stderr, "podtag-pass %s: podtag was removed from this node\n",
			PODTAG_VERSION);
		return 0;
	}

	ret = pt_env_read(&env, &err);
	read = ret ? 0
		   : pt_read_all(STDIN_FILENO, env.command == PT_VERSION ? PT_VERSION_QUIET_MS : -1,
				 &input, &size);
	if (read)
		ret = pt_fail(&err, PT_CNI_IO, "error reading from stdin: %s", strerror(-read));
	status = ret ? reply_error(&err, "", 0) : run(&env, input, size);
	free(input);
	pt_env_done(&env);
	return status;
}
