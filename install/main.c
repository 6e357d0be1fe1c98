// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-install: put podtag into a node's CNI chain, keep it there, take it out. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cni/io.h"
#include "install/install.h"

#define BAD_USAGE 2

static const struct command {
	const char *word;
	int (*run)(const struct pt_options *options);
	bool dry_run; /* is an option of it, */
	bool json;    /* and this */
	const char *description;
} commands[] = {
	{ "install", pt_install, true, false,
	  "put the plugin on the node, and its entry into the chain" },
	{ "watch", pt_watch, false, false,
	  "install, wait for the base CNI if need be, and repair what others undo" },
	{ "status", pt_status, false, true, "what is installed; exits 1 when something is amiss" },
	{ "uninstall", pt_uninstall, true, false,
	  "take podtag out of the chain and out of the kernel" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fprintf(out, "Usage: podtag-install COMMAND [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-11s%s\n", commands[i].word, commands[i].description);
	fprintf(out, "  help       this text\n"
		     "  version    the version of podtag\n"
		     "\nOptions:\n"
		     "  --cni-bin-dir DIR   the runtime's folder of plugins, such as /opt/cni/bin\n"
		     "  --cni-conf-dir DIR  its folder of network configurations, such as "
		     "/etc/cni/net.d\n"
		     "                      (what is not given is looked for where distributions "
		     "have it)\n"
		     "  --dry-run           of install and uninstall: change nothing, print what "
		     "would be\n"
		     "  --json              of status\n");
}

/* What is said again and again in a watch is of no use after the first time. */
static char said[8][1024];
static unsigned int said_count;

static bool is_news(const char *text)
{
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		if (!strcmp(said[i], text))
			return false;
	strcpy(said[said_count++ % (sizeof(said) / sizeof(*said))], text);
	return true;
}

int pt_complain(int err, const char *format, ...)
{
	char text[sizeof(*said)];
	size_t used;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	used = strlen(text);
	if (err)
		snprintf(text + used, sizeof(text) - used, ": %s", strerror(-err));
	if (is_news(text))
		fprintf(stderr, "podtag-install: %s\n", text);
	return -1;
}

void pt_say(const char *format, ...)
{
	va_list args;

	/* from now on another state: what is wrong then is news */
	memset(said, 0, sizeof(said));
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "podtag-install: %s: %s\n", what, why);
	return BAD_USAGE;
}

static int check_dir(const char *option, const char *dir)
{
	if (dir && (*dir != '/' || strlen(dir) >= PATH_MAX - NAME_MAX - 64))
		return refuse(option, "not an absolute path");
	return 0;
}

static int run(const char *word, const struct pt_options *options)
{
	const struct command *command = NULL;
	int status;

	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(word, commands[i].word))
			command = &commands[i];
	if (!command)
		return refuse(word, "no such command; see podtag-install help");
	if (options->dry_run && !command->dry_run)
		return refuse("--dry-run", "an option of install and uninstall");
	if (options->json && !command->json)
		return refuse("--json", "an option of status");
	if (check_dir("--cni-bin-dir", options->bin_dir) ||
	    check_dir("--cni-conf-dir", options->conf_dir))
		return BAD_USAGE;

	status = command->run(options);
	if (fflush(stdout) || ferror(stdout)) {
		pt_complain(0, "stdout cannot be written");
		status = 1;
	}
	return status;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "cni-bin-dir", required_argument, NULL, 'b' },
		{ "cni-conf-dir", required_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	struct pt_options options = {};
	const char *word = NULL;
	int option;

	pt_stdio_reserve();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "hV", known, NULL)) >= 0) {
		switch (option) {
		case 'b':
			options.bin_dir = optarg;
			break;
		case 'c':
			options.conf_dir = optarg;
			break;
		case 'n':
			options.dry_run = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			word = "help";
			break;
		case 'V':
			word = "version";
			break;
		default:
			return BAD_USAGE; /* getopt has said why */
		}
	}
	if (!word && argc - optind == 1)
		word = argv[optind];
	if (!word || argc - optind > 1) {
		usage(stderr);
		return BAD_USAGE;
	}
	if (!strcmp(word, "help"))
		usage(stdout);
	else if (!strcmp(word, "version"))
		printf("podtag-install %s\n", PODTAG_VERSION);
	else
		return run(word, &options);
	return 0;
}
