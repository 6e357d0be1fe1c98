// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag: a CNI plugin when a runtime calls it, a tool when a person does. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "cni/cli.h"
#include "cni/io.h"
#include "cni/plugin.h"

/* Nothing but this writes to stdout, once and last. (At the deadline it is written instead.) */
static int plugin_main(void)
{
	struct pt_plugin plugin = {};
	int status;

	signal(SIGPIPE, SIG_IGN); /* a runtime that went away is an error, not a signal */
	pt_plugin_run(&plugin);
	status = plugin.status;
	if (pt_write_all(STDOUT_FILENO, plugin.output, plugin.output_size))
		status = 1;
	pt_plugin_done(&plugin);
	return status;
}

int main(int argc, char **argv)
{
	const char *command = getenv("CNI_COMMAND");

	pt_stdio_reserve();
	libbpf_set_print(NULL);

	if (command && *command)
		return plugin_main();
	return pt_cli_main(argc, argv);
}
