/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* podtag as a person runs it. */
#ifndef PT_CLI_H
#define PT_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "top/live.h"

struct pt_cli {
	bool json;
	bool pretty;
	bool help;
	struct pt_top_options top; /* of the command top alone */
};

/* Returns the exit status. */
int pt_cli_main(int argc, char **argv);

/* The commands. Each returns the exit status. */
int pt_cli_load(const struct pt_cli *cli);
int pt_cli_load_http(const struct pt_cli *cli);
int pt_cli_unload(const struct pt_cli *cli);
int pt_cli_adopt(const struct pt_cli *cli);
int pt_cli_status(const struct pt_cli *cli);
int pt_cli_check(const struct pt_cli *cli);
int pt_cli_dump_pods(const struct pt_cli *cli);
int pt_cli_top(const struct pt_cli *cli);

/* Takes one of top's options, as getopt_long() has it. Returns 0, or 1, the exit status, having
 * said what is wrong with its value. */
int pt_cli_top_option(struct pt_top_options *top, int option, const char *value);

/* Says on stderr what went wrong, err being a negative errno or 0. Returns 1, the exit status. */
int pt_cli_fail(int err, const char *what);

/* Prints the value and takes it over. Returns the exit status. */
int pt_cli_print_json(const struct pt_cli *cli, json_t *value);

/* A JSON string of any bytes. */
json_t *pt_cli_text(const char *text);

#endif
