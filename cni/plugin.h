/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One CNI call from its input to what main() is to write. */
#ifndef PT_PLUGIN_H
#define PT_PLUGIN_H

#include "cni/conf.h"
#include "cni/env.h"

struct pt_plugin {
	struct pt_env env;
	struct pt_conf conf;
	char *input; /* stdin */
	size_t input_size;
	char *reply; /* owns the output, unless that is a part of the input */

	/* for main() */
	const char *output;
	size_t output_size;
	int status;
};

/* Does what the environment and stdin ask for. *plugin is zeroed; call pt_plugin_done(). */
void pt_plugin_run(struct pt_plugin *plugin);

void pt_plugin_done(struct pt_plugin *plugin);

#endif
