// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag as a person runs it: words, options and what the commands share. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cni/cli.h"
#include "cni/conf.h"
#include "cni/text.h"

static int help(const struct pt_cli *cli);
static int version(const struct pt_cli *cli);

static const struct command {
	const char *words[2]; /* the second may be missing */
	int (*run)(const struct pt_cli *cli);
	const char *description;
} commands[] = {
	{ { "load" }, pt_cli_load, "load the programs into the kernel, or upgrade them in place" },
	{ { "load", "http" },
	  pt_cli_load_http,
	  "... the HTTP programs alone, which ADD leaves out" },
	{ { "unload" }, pt_cli_unload, "detach the programs and forget all pods and counts" },
	{ { "adopt" }, pt_cli_adopt, "attach pods that run already; exits 1 when one cannot be" },
	{ { "status" },
	  pt_cli_status,
	  "what is loaded, and what gave up; exits 1 when nothing is" },
	{ { "check" }, pt_cli_check, "what this kernel lacks; exits 1 when podtag cannot work" },
	{ { "dump", "pods" }, pt_cli_dump_pods, "the pods and their counters" },
	{ { "top" }, pt_cli_top, "the pods live, busiest first; podtag top --help says more" },
	{ { "help" }, help, "this text" },
	{ { "version" }, version, "the version of podtag" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fprintf(out, "Usage: podtag [OPTIONS] COMMAND\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *const *words = commands[i].words;
		int used = fprintf(out, "  %s%s%s", words[0], words[1] ? " " : "",
				   words[1] ? words[1] : "");

		fprintf(out, "%*s%s\n", 14 - used, "", commands[i].description);
	}
	fprintf(out,
		"\nOptions:\n"
		"  -j, --json    JSON on one line\n"
		"  -p, --pretty  JSON, indented\n"
		"\nCalled by a container runtime, with CNI_COMMAND set, podtag is a chained CNI "
		"plugin.\n");
}

static int help(const struct pt_cli *cli)
{
	(void)cli;
	usage(stdout);
	return 0;
}

static int version(const struct pt_cli *cli)
{
	json_t *versions;

	if (!cli->json) {
		printf("podtag %s\n", PODTAG_VERSION);
		return 0;
	}
	versions = json_array();
	for (size_t i = 0; pt_cni_versions[i]; i++)
		json_array_append_new(versions, json_string(pt_cni_versions[i]));
	return pt_cli_print_json(
		cli, json_pack("{s:s, s:o}", "version", PODTAG_VERSION, "cni_versions", versions));
}

/* What the CNI project's own plugins say to somebody who runs them without CNI_COMMAND. */
static int about(void)
{
	fprintf(stderr,
		"podtag %s: tags pods in the kernel and counts their traffic\n"
		"CNI protocol versions supported: ",
		PODTAG_VERSION);
	for (size_t i = 0; pt_cni_versions[i]; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", pt_cni_versions[i]);
	fprintf(stderr, "\n\n");
	usage(stderr);
	return 0;
}

int pt_cli_fail(int err, const char *what)
{
	fprintf(stderr, "podtag: %s%s%s\n", what, err ? ": " : "", err ? strerror(-err) : "");
	return 1;
}

int pt_cli_print_json(const struct pt_cli *cli, json_t *value)
{
	char *text = value ? json_dumps(value, cli->pretty ? JSON_INDENT(2) : JSON_COMPACT) : NULL;

	json_decref(value);
	if (!text)
		return pt_cli_fail(0, "no memory");
	puts(text);
	free(text);
	return 0;
}

json_t *pt_cli_text(const char *text)
{
	char clean[1024];

	pt_text_clean(clean, sizeof(clean), text);
	return json_string(clean);
}

static const struct command *find_command(int count, char **words)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *const *want = commands[i].words;

		if (count == (want[1] ? 2 : 1) && !strcmp(words[0], want[0]) &&
		    (!want[1] || !strcmp(words[1], want[1])))
			return &commands[i];
	}
	return NULL;
}

int pt_cli_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "once", no_argument, NULL, 'o' },
		{ "delay", required_argument, NULL, 'd' },
		{ "sort", required_argument, NULL, 's' },
		{ "filter", required_argument, NULL, 'f' },
		{},
	};
	const struct command *command;
	struct pt_cli cli = {};
	int option, status;

	if (argc <= 1)
		return about();
	while ((option = getopt_long(argc, argv, "jphVd:s:f:", options, NULL)) >= 0) {
		if (option == 'V')
			return version(&cli);
		if (option == '?') {
			usage(stderr);
			return 1;
		}
		cli.help |= option == 'h';
		cli.json |= option == 'j' || option == 'p';
		cli.pretty |= option == 'p';
		if (strchr("odsf", option) && pt_cli_top_option(&cli.top, option, optarg))
			return 1;
	}
	command = find_command(argc - optind, argv + optind);
	if (cli.help && (!command || command->run != pt_cli_top))
		return help(&cli);
	if (!command || (cli.top.is_given && command->run != pt_cli_top)) {
		usage(stderr);
		return 1;
	}

	status = command->run(&cli);
	if (fflush(stdout) || ferror(stdout))
		return pt_cli_fail(0, "stdout cannot be written");
	return status;
}
