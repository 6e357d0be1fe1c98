// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the person who starts the agent asks for: flags, and a JSON file under them. */
#include "agent/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/datapath.h"
#include "bpf/words.h"

struct setting {
	const char *flag;
	const char *key; /* of the file */
	int (*set)(struct pt_agent_options *options, const char *value);
	const char *wanted;
};

static int fail(char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return -1;
}

static int parse_port(const char *text, in_port_t *ret)
{
	unsigned long port;

	/* strtoul() would also take a sign and blanks */
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return -1;

	port = strtoul(text, NULL, 10);
	if (port > 65535)
		return -1;

	*ret = htons(port);
	return 0;
}

int pt_agent_address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	const char *address = host;
	bool is_v6, is_bracketed;
	size_t len;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || parse_port(colon + 1, &in.sin_port))
		return -1;

	len = colon - text;
	memcpy(host, text, len);
	host[len] = '\0';
	in6.sin6_port = in.sin_port;

	is_bracketed = len && host[0] == '[' && host[len - 1] == ']';
	if (is_bracketed) {
		host[len - 1] = '\0';
		address++;
	}
	/* in brackets either family, for who puts in an address that is not known beforehand */
	is_v6 = !len || (is_bracketed && inet_pton(AF_INET6, address, &in6.sin6_addr) == 1);
	if (!is_v6 && inet_pton(AF_INET, address, &in.sin_addr) != 1)
		return -1;

	memset(ret, 0, sizeof(*ret));
	*ret_len = is_v6 ? sizeof(in6) : sizeof(in);
	memcpy(ret, is_v6 ? (void *)&in6 : (void *)&in, *ret_len);
	return 0;
}

static int set_listen(struct pt_agent_options *options, const char *value)
{
	if (strlen(value) >= sizeof(options->listen_text))
		return -1;
	if (pt_agent_address_parse(value, &options->listen, &options->listen_len))
		return -1;

	strcpy(options->listen_text, value);
	return 0;
}

static int set_log_level(struct pt_agent_options *options, const char *value)
{
	int level = pt_agent_level_parse(value);

	if (level < 0)
		return -1;

	options->log_level = level;
	return 0;
}

static int set_web_config(struct pt_agent_options *options, const char *value)
{
	if (strlen(value) >= sizeof(options->web_config_file))
		return -1;

	strcpy(options->web_config_file, value);
	return 0;
}

static int set_tls(struct pt_agent_options *options, const char *value)
{
	for (int mode = PT_TLS_OFF; mode < PT_TLS_MODES; mode++) {
		if (strcmp(value, pt_tls_modes[mode]))
			continue;
		options->tls = mode;
		return 0;
	}
	return -1;
}

static int set_tls_budget(struct pt_agent_options *options, const char *value)
{
	unsigned long percent;

	if (!*value || strspn(value, "0123456789") != strlen(value) || strlen(value) > 3)
		return -1;

	percent = strtoul(value, NULL, 10);
	if (percent < 1 || percent > 100)
		return -1;

	options->tls_budget = percent;
	return 0;
}

/* The order is that of the flags' numbers in parse_flags(). */
static const struct setting settings[] = {
	{ "listen-address", "listenAddress", set_listen,
	  "an address and port such as 127.0.0.1:9435 or [::1]:9435" },
	{ "log-level", "logLevel", set_log_level, "one of error, warn, info, debug" },
	{ "web.config.file", "webConfigFile", set_web_config, "a path of less than 4096 bytes" },
	{ "tls", "tls", set_tls, "one of off, on, auto" },
	{ "tls-budget", "tlsBudget", set_tls_budget, "a whole number of percent, 1 to 100" },
};
#define SETTINGS (sizeof(settings) / sizeof(*settings))

static int apply_key(struct pt_agent_options *options, const char *file, const char *key,
		     const json_t *value, char *error, size_t size)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(key, settings[i].key))
			continue;
		if (!json_is_string(value))
			return fail(error, size, "%s: \"%s\" is not a string but has to be %s",
				    file, key, settings[i].wanted);
		if (settings[i].set(options, json_string_value(value)))
			return fail(error, size, "%s: \"%s\": \"%s\" is not %s", file, key,
				    json_string_value(value), settings[i].wanted);
		return 0;
	}

	return fail(error, size,
		    "%s: unknown key \"%s\"; the known ones are \"listenAddress\", \"logLevel\", "
		    "\"tls\", \"tlsBudget\" and \"webConfigFile\"",
		    file, key);
}

static int apply_file(struct pt_agent_options *options, const char *file, char *error, size_t size)
{
	json_auto_t *root = NULL;
	json_error_t jerr;
	const char *key;
	json_t *value;
	FILE *in;

	/* opened here, because jansson's message for a missing file has no line but says line -1 */
	in = fopen(file, "re");
	if (!in)
		return fail(error, size, "--config: \"%s\" can't be read: %s", file,
			    strerror(errno));

	root = json_loadf(in, JSON_REJECT_DUPLICATES, &jerr);
	fclose(in);
	if (!root)
		return fail(error, size, "%s: line %d: %s", file, jerr.line, jerr.text);
	if (!json_is_object(root))
		return fail(error, size, "%s: not a JSON object", file);

	json_object_foreach (root, key, value)
		if (apply_key(options, file, key, value, error, size))
			return -1;

	return 0;
}

/* Collects the flags' values, so that the file can be applied before them. */
static int parse_flags(int argc, char **argv, const char **values, const char **ret_file,
		       char *error, size_t size)
{
	static const struct option flags[] = {
		{ "listen-address", required_argument, NULL, 0 },
		{ "log-level", required_argument, NULL, 1 },
		{ "web.config.file", required_argument, NULL, 2 },
		{ "tls", required_argument, NULL, 3 },
		{ "tls-budget", required_argument, NULL, 4 },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	int flag;

	optind = 0; /* glibc: start over, whatever was parsed before */
	opterr = 0;
	while ((flag = getopt_long(argc, argv, ":hV", flags, NULL)) != -1) {
		switch (flag) {
		case 'h':
			return PT_OPTIONS_HELP;
		case 'V':
			return PT_OPTIONS_VERSION;
		case 'c':
			*ret_file = optarg;
			break;
		case ':':
			return fail(error, size, "%s: a value is missing", argv[optind - 1]);
		case '?':
			/* a long one leaves nothing in optopt, or the letter it stands for */
			if (!optopt || strchr("hV", optopt))
				return fail(error, size, "unknown option %s", argv[optind - 1]);
			return fail(error, size,
				    isgraph((unsigned char)optopt) ? "unknown option -%c"
								   : "unknown option -\\x%02x",
				    (unsigned char)optopt);
		default:
			values[flag] = optarg;
		}
	}
	if (optind < argc)
		return fail(error, size, "unexpected argument \"%s\"", argv[optind]);

	return PT_OPTIONS_RUN;
}

int pt_agent_options_parse(int argc, char **argv, struct pt_agent_options *ret, char *error,
			   size_t size)
{
	struct pt_agent_options options = {
		.log_level = PT_LOG_INFO,
		.tls = PT_TLS_OFF,
		.tls_budget = PT_TLS_BUDGET_DEFAULT,
	};
	const char *values[SETTINGS] = {}, *file = NULL;
	int result;

	set_listen(&options, PT_LISTEN_DEFAULT);
	result = parse_flags(argc, argv, values, &file, error, size);
	if (result != PT_OPTIONS_RUN)
		return result;

	if (file && apply_file(&options, file, error, size))
		return -1;

	for (size_t i = 0; i < SETTINGS; i++)
		if (values[i] && settings[i].set(&options, values[i]))
			return fail(error, size, "--%s: \"%s\" is not %s", settings[i].flag,
				    values[i], settings[i].wanted);

	*ret = options;
	return PT_OPTIONS_RUN;
}

void pt_agent_options_help(FILE *out)
{
	fputs("Usage: podtag-agent [OPTION]...\n"
	      "\n"
	      "Loads podtag's programs into the kernel if they are not there yet, and serves\n"
	      "what they count about each pod of this node to Prometheus. Needs root. When it\n"
	      "ends, only the serving ends: the programs stay and go on counting.\n"
	      "\n"
	      "      --listen-address ADDR:PORT  where to serve: [ADDR]:PORT for IPv6 (IPv4 may\n"
	      "                                  be so, too), :PORT for all addresses (default\n"
	      "                                  " PT_LISTEN_DEFAULT ")\n"
	      "      --web.config.file FILE      TLS and passwords, as of other Prometheus "
	      "exporters\n"
	      "      --tls off|on|auto           probe the TLS libraries of pods, which costs\n"
	      "                                  their processes a few traps a request; auto:\n"
	      "                                  within a budget. A pod's annotation "
	      "podtag.io/tls\n"
	      "                                  wins, but not over off (default off)\n"
	      "      --tls-budget PERCENT        of a CPU that the probes of one library's file "
	      "may\n"
	      "                                  cost in mode auto; past it they are taken off "
	      "for\n"
	      "                                  10 minutes or longer (default " PT_STRINGIFY(
		      PT_TLS_BUDGET_DEFAULT) ")\n"
					     "      --log-level LEVEL           error, warn, info "
					     "or debug (default info)\n"
					     "      --config FILE               read settings from "
					     "this JSON file; flags win\n"
					     "  -h, --help                      show this text\n"
					     "  -V, --version                   show the version\n"
					     "\n"
					     "Paths served:\n"
					     "  /          the node's pods, for people with a "
					     "browser\n"
					     "  /metrics   the metrics, as Prometheus text or "
					     "OpenMetrics, gzip if asked for\n"
					     "  /readyz    200 when the programs are loaded, else "
					     "503 and the reason\n"
					     "  /healthz   200 while the agent runs\n"
					     "\n"
					     "The config file has the same settings; "
					     "--web.config.file is \"webConfigFile\":\n"
					     "  { \"listenAddress\": \"" PT_LISTEN_DEFAULT
					     "\", \"logLevel\": \"info\" }\n"
					     "\n"
					     "Exit status: 0 after SIGTERM or SIGINT, 1 if it "
					     "can't serve, 2 if an option is\n"
					     "wrong.\n",
	      out);
}
