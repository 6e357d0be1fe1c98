// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One CNI call from its input to what main() is to write. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cni/deadline.h"
#include "cni/io.h"
#include "cni/log.h"
#include "cni/netns.h"
#include "cni/plugin.h"
#include "cni/verbs.h"

static void reply_with(struct pt_plugin *plugin, const char *text, size_t size, int status)
{
	plugin->output = text;
	plugin->output_size = size;
	plugin->status = status;
}

static void reply_error(struct pt_plugin *plugin, const struct pt_error *err)
{
	static const char no_memory[] = "{\"code\":5,\"msg\":\"no memory\"}";
	const char *version = plugin->conf.cni_version;

	if (!version && plugin->input)
		version = pt_conf_version(plugin->input, plugin->input_size);
	free(plugin->reply);
	plugin->reply = pt_error_json(err, version ? version : PT_CNI_VERSION_NEWEST);
	if (plugin->reply)
		reply_with(plugin, plugin->reply, strlen(plugin->reply), 1);
	else
		reply_with(plugin, no_memory, strlen(no_memory), 1);
}

static void run_version(struct pt_plugin *plugin)
{
	pt_read_all(STDIN_FILENO, PT_VERSION_QUIET_MS, &plugin->input, &plugin->input_size);
	plugin->reply = pt_conf_version_reply(plugin->input, plugin->input_size);
	if (plugin->reply)
		reply_with(plugin, plugin->reply, strlen(plugin->reply), 0);
	else
		reply_with(plugin, "", 0, 1);
}

static int read_input(struct pt_plugin *plugin, struct pt_error *err)
{
	int ret = pt_read_all(STDIN_FILENO, -1, &plugin->input, &plugin->input_size);

	if (ret == -EFBIG)
		return pt_fail(err, PT_CNI_DECODE, "network config is larger than %d bytes",
			       PT_STDIN_MAX);
	if (ret)
		return pt_fail(err, PT_CNI_IO, "error reading from stdin: %s", strerror(-ret));
	return pt_conf_parse(plugin->input, plugin->input_size, plugin->env.command, &plugin->conf,
			     err);
}

/* A caller that forgot to make a namespace means the node's, whose traffic is no pod's. */
static int refuse_own_netns(const struct pt_env *env, struct pt_error *err)
{
	if (env->command != PT_ADD && env->command != PT_CHECK)
		return 0;
	if (env->netns_override || pt_netns_is_own(env->netns) != 1)
		return 0;
	return pt_fail(err, PT_CNI_NETNS,
		       "plugin's netns and netns from CNI_NETNS should not be the same");
}

/* What the runtime gets in any case, and at the deadline. */
static void prepare_reply(struct pt_plugin *plugin)
{
	const struct pt_conf *conf = &plugin->conf;
	enum pt_command command = plugin->env.command;
	struct pt_error late;

	if (conf->closed && (command == PT_ADD || command == PT_CHECK)) {
		pt_fail(&late, PT_CNI_TRY_LATER, "podtag was not done within %d ms",
			PT_DEADLINE_MS);
		reply_error(plugin, &late);
	} else if (command == PT_ADD) {
		reply_with(plugin, conf->prev_text.text, conf->prev_text.size, 0);
	} else {
		reply_with(plugin, "", 0, 0);
	}
}

static int run_verb(struct pt_plugin *plugin, struct pt_session *session, struct pt_error *err)
{
	static pt_verb_fn *const verbs[PT_COMMAND_COUNT] = {
		[PT_ADD] = pt_add,
		[PT_DEL] = pt_del,
		[PT_CHECK] = pt_check,
		[PT_GC] = pt_gc,
	};
	pt_verb_fn *verb = verbs[plugin->env.command];

	return verb ? verb(&plugin->env, &plugin->conf, session, err) : 0;
}

void pt_plugin_run(struct pt_plugin *plugin)
{
	struct pt_session session = { .command = PT_COMMAND_COUNT };
	const struct pt_env *env = &plugin->env;
	struct pt_error err;
	int ret;

	ret = pt_env_read(&plugin->env, &err);
	if (!ret && env->command == PT_VERSION) {
		run_version(plugin);
		return;
	}
	session.command = env->command;
	if (!ret)
		ret = read_input(plugin, &err);
	if (env->command < PT_COMMAND_COUNT)
		pt_log_setup(plugin->conf.log_level, plugin->conf.log_file,
			     pt_command_names[env->command], env->container_id);
	if (!ret && plugin->conf.bad_options)
		pt_log(PT_LOG_WARN, "%s", err.msg);
	if (!ret)
		ret = refuse_own_netns(env, &err);
	if (!ret) {
		prepare_reply(plugin);
		pt_deadline_start(PT_DEADLINE_MS, env->command, plugin->status, plugin->output,
				  plugin->output_size);
		ret = run_verb(plugin, &session, &err);
	}
	pt_deadline_stop();
	pt_session_end(&session, ret);

	if (ret) {
		pt_log(PT_LOG_ERROR, "code %d: %s%s%s", err.code, err.msg, *err.details ? ": " : "",
		       err.details);
		reply_error(plugin, &err);
	} else if (env->command == PT_ADD) {
		reply_with(plugin, plugin->conf.prev_text.text, plugin->conf.prev_text.size, 0);
	} else {
		reply_with(plugin, "", 0, 0);
	}
}

void pt_plugin_done(struct pt_plugin *plugin)
{
	pt_env_done(&plugin->env);
	pt_conf_done(&plugin->conf);
	free(plugin->input);
	free(plugin->reply);
}
