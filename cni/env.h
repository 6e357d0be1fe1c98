/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The CNI_* environment of one call. */
#ifndef PT_ENV_H
#define PT_ENV_H

#include <stdbool.h>

#include "bpf/types.h"
#include "cni/error.h"

/* An empty variable counts as unset, because libcni sets all of them always. Texts are NULL when
 * unset, or when the command has no use for them. */
struct pt_env {
	enum pt_command command; /* PT_COMMAND_COUNT: an unknown one */
	const char *container_id;
	const char *netns; /* path */
	const char *ifname;
	bool netns_override; /* the caller's own namespace is meant on purpose */

	/* from CNI_ARGS */
	const char *pod_namespace;
	const char *pod_name;
	const char *pod_uid;

	char *args; /* owns what the three above point to */
};

/* The command's name as in CNI_COMMAND. */
extern const char *const pt_command_names[PT_COMMAND_COUNT];

/* Reads and validates the environment for CNI_COMMAND, which must not be empty. Returns 0, or -1
 * with *err filled. Call pt_env_done() in both cases. */
int pt_env_read(struct pt_env *ret, struct pt_error *err);

/* Takes one of CNI_ARGS' pairs; a key that is not known means nothing. The value must stay. */
void pt_env_set_arg(struct pt_env *env, const char *key, const char *value);

/* A zeroed env is fine. */
void pt_env_done(struct pt_env *env);

#endif
