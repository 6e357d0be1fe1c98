// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The CNI_* environment of one call. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cni/env.h"
#include "cni/name.h"

#define ON(command) (1u << PT_##command)
#define ON_POD      (ON(ADD) | ON(DEL) | ON(CHECK))

const char *const pt_command_names[PT_COMMAND_COUNT] = {
	[PT_ADD] = "ADD",       [PT_DEL] = "DEL", [PT_CHECK] = "CHECK",
	[PT_STATUS] = "STATUS", [PT_GC] = "GC",   [PT_VERSION] = "VERSION",
};

/* Which command cannot do without which variable, as in the CNI project's own skel package. */
static const struct variable {
	const char *name;
	unsigned int required_by;
	bool (*is_valid)(const char *text);
	size_t offset;
} variables[] = {
	{ "CNI_CONTAINERID", ON_POD, pt_name_is_valid, offsetof(struct pt_env, container_id) },
	{ "CNI_NETNS", ON(ADD) | ON(CHECK), NULL, offsetof(struct pt_env, netns) },
	{ "CNI_IFNAME", ON_POD, pt_ifname_is_valid, offsetof(struct pt_env, ifname) },
};

static const char *variable_get(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

static int read_command(struct pt_env *env, struct pt_error *err)
{
	const char *text = variable_get("CNI_COMMAND");

	for (int i = 0; i < PT_COMMAND_COUNT; i++) {
		if (text && !strcmp(text, pt_command_names[i])) {
			env->command = i;
			return 0;
		}
	}
	env->command = PT_COMMAND_COUNT;
	/* libcni looks for these words to tell an old plugin from a broken one */
	return pt_fail(err, PT_CNI_ENVIRONMENT, "unknown CNI_COMMAND: %s", text ? text : "");
}

static int read_variables(struct pt_env *env, struct pt_error *err)
{
	char missing[128] = "";

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const struct variable *var = &variables[i];
		const char *text = variable_get(var->name);

		if (var->required_by & 1u << env->command) {
			if (!text)
				strcat(strcat(missing, *missing ? "," : ""), var->name);
			else if (var->is_valid && !var->is_valid(text))
				return pt_fail(err, PT_CNI_ENVIRONMENT, "invalid %s: %s", var->name,
					       text);
		}
		*(const char **)((char *)env + var->offset) = text;
	}
	/* of no use here, but its absence shows a caller that is no CNI runtime */
	if (!variable_get("CNI_PATH"))
		strcat(strcat(missing, *missing ? "," : ""), "CNI_PATH");
	if (*missing)
		return pt_fail(err, PT_CNI_ENVIRONMENT, "required env variables [%s] missing",
			       missing);
	return 0;
}

/* K8S_POD_INFRA_CONTAINER_ID is not read: it is CNI_CONTAINERID again, without its guarantees. */
void pt_env_set_arg(struct pt_env *env, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **value;
	} known[] = {
		{ "K8S_POD_NAMESPACE", &env->pod_namespace },
		{ "K8S_POD_NAME", &env->pod_name },
		{ "K8S_POD_UID", &env->pod_uid },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(key, known[i].key))
			*known[i].value = *value ? value : NULL;
	}
}

/* K=V;K=V in any order; what has another form, or another key, is somebody else's. */
static int read_args(struct pt_env *env)
{
	const char *args = variable_get("CNI_ARGS");
	char *pair, *value, *rest;

	if (!args)
		return 0;
	env->args = rest = strdup(args);
	if (!rest)
		return -1;
	while ((pair = strsep(&rest, ";"))) {
		value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = '\0';
		pt_env_set_arg(env, pair, value);
	}
	return 0;
}

int pt_env_read(struct pt_env *ret, struct pt_error *err)
{
	const char *override = variable_get("CNI_NETNS_OVERRIDE");

	*ret = (struct pt_env){};
	if (read_command(ret, err))
		return -1;
	if (ret->command == PT_VERSION)
		return 0; /* its variables hold "dummy" */
	if (read_variables(ret, err))
		return -1;
	ret->netns_override = override && (!strcasecmp(override, "TRUE") || !strcmp(override, "1"));
	if (read_args(ret))
		return pt_fail(err, PT_CNI_IO, "no memory for CNI_ARGS");
	return 0;
}

void pt_env_done(struct pt_env *env)
{
	free(env->args);
	*env = (struct pt_env){};
}
