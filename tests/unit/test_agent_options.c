// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The agent's flags and its config file: what is taken, what is refused, and in which words. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/options.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static char config[] = "/tmp/podtag-test-options-XXXXXX";

/* Up to four arguments; the first NULL ends them. */
static int parse(const char *const args[4], struct pt_agent_options *ret, char *error, size_t size)
{
	char *argv[6] = { "podtag-agent" };
	int argc = 1;

	for (int i = 0; i < 4 && args[i]; i++)
		argv[argc++] = (char *)args[i];
	error[0] = '\0';
	return pt_agent_options_parse(argc, argv, ret, error, size);
}

static void write_config(const char *text)
{
	FILE *out = fopen(config, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void assert_listens(const struct pt_agent_options *options, int family, const char *address,
			   int port)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&options->listen;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&options->listen;
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(options->listen.ss_family, family);
	assert_int_equal(options->listen_len, family == AF_INET ? sizeof(*in) : sizeof(*in6));
	inet_ntop(family, family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr, text,
		  sizeof(text));
	assert_string_equal(text, address);
	assert_int_equal(ntohs(family == AF_INET ? in->sin_port : in6->sin6_port), port);
}

static void nothing_said_means_loopback_and_info(void **state)
{
	struct pt_agent_options options;
	char error[256];

	(void)state;
	assert_int_equal(parse((const char *[4]){}, &options, error, sizeof(error)),
			 PT_OPTIONS_RUN);
	assert_listens(&options, AF_INET, "127.0.0.1", 9435);
	assert_string_equal(options.listen_text, "127.0.0.1:9435");
	assert_int_equal(options.log_level, PT_LOG_INFO);
}

static void addresses_are_understood(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *address;
		int port;
	} cases[] = {
		{ "0.0.0.0:80", AF_INET, "0.0.0.0", 80 },
		{ "10.1.2.3:65535", AF_INET, "10.1.2.3", 65535 },
		{ "127.0.0.1:0", AF_INET, "127.0.0.1", 0 },
		{ "[::1]:9435", AF_INET6, "::1", 9435 },
		{ "[10.1.2.3]:9435", AF_INET, "10.1.2.3", 9435 },
		{ "[::]:1", AF_INET6, "::", 1 },
		{ "[2001:db8:1:2:3:4:5:6]:9435", AF_INET6, "2001:db8:1:2:3:4:5:6", 9435 },
		{ "[::ffff:255.255.255.255]:9435", AF_INET6, "::ffff:255.255.255.255", 9435 },
		{ ":9435", AF_INET6, "::", 9435 },
	};
	struct pt_agent_options options;
	char error[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %s\n", cases[i].text);
		assert_int_equal(parse((const char *[4]){ "--listen-address", cases[i].text },
				       &options, error, sizeof(error)),
				 PT_OPTIONS_RUN);
		assert_listens(&options, cases[i].family, cases[i].address, cases[i].port);
		assert_string_equal(options.listen_text, cases[i].text);
	}
}

static void bad_values_are_refused_by_name_and_value(void **state)
{
	static const char *const addresses[] = {
		"",
		"9435",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:100000",
		"127.0.0.1:80 ",
		"localhost:9435",
		"1.2.3:80",
		"256.0.0.1:80",
		"::1:9435",
		"[::1]",
		"[::1:9435",
		"[]:9435",
		"[127.0.0]:80",
		"[:]:80",
		"[:80",
		"[::1]x:80",
		"[::1%lo]:80",
		"127.0.0.1:0x50",
		"[2001:db8:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16]:80",
		"[2001:db8:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22]:80",
	};
	char error[256], path[18 + 4096 + 1] = {};
	struct pt_agent_options options;

	(void)state;
	for (size_t i = 0; i < LENGTH(addresses); i++) {
		print_message("  %s\n", addresses[i]);
		assert_int_equal(parse((const char *[4]){ "--listen-address", addresses[i] },
				       &options, error, sizeof(error)),
				 -1);
		assert_non_null(strstr(error, "--listen-address"));
		assert_non_null(strstr(error, addresses[i]));
	}

	memset(path, 'x', sizeof(path) - 1);
	memcpy(path, "--web.config.file=", 18);
	assert_int_equal(parse((const char *[4]){ path }, &options, error, sizeof(error)), -1);
	assert_memory_equal(error, "--web.config.file: \"xxx", 23);
	path[18 + 4095] = '\0';
	assert_int_equal(parse((const char *[4]){ path }, &options, error, sizeof(error)),
			 PT_OPTIONS_RUN);

	assert_int_equal(
		parse((const char *[4]){ "--log-level=loud" }, &options, error, sizeof(error)), -1);
	assert_string_equal(error, "--log-level: \"loud\" is not one of error, warn, info, debug");
}

static void tls_is_a_mode_and_a_budget(void **state)
{
	static const struct {
		const char *args[4];
		enum pt_tls_mode tls;
		unsigned int budget;
	} taken[] = {
		{ { NULL }, PT_TLS_OFF, 10 },
		{ { "--tls=off" }, PT_TLS_OFF, 10 },
		{ { "--tls=on", "--tls-budget=1" }, PT_TLS_ON, 1 },
		{ { "--tls", "auto", "--tls-budget", "100" }, PT_TLS_AUTO, 100 },
	};
	static const char *const budgets[] = {
		"", "0", "101", "1000", "-1", "+1", "1.5", "5%", " 5"
	};
	struct pt_agent_options options;
	char error[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(taken); i++) {
		assert_int_equal(parse(taken[i].args, &options, error, sizeof(error)),
				 PT_OPTIONS_RUN);
		assert_int_equal(options.tls, taken[i].tls);
		assert_int_equal(options.tls_budget, taken[i].budget);
	}
	assert_int_equal(parse((const char *[4]){ "--tls", "" }, &options, error, sizeof(error)),
			 -1);
	assert_string_equal(error, "--tls: \"\" is not one of off, on, auto");
	for (size_t i = 0; i < LENGTH(budgets); i++) {
		print_message("  %s\n", budgets[i]);
		assert_int_equal(parse((const char *[4]){ "--tls-budget", budgets[i] }, &options,
				       error, sizeof(error)),
				 -1);
		assert_memory_equal(error, "--tls-budget: \"", 15);
		assert_non_null(strstr(error, "is not a whole number of percent, 1 to 100"));
	}
}

static void wrong_arguments_are_refused_by_name(void **state)
{
	static const struct {
		const char *args[4];
		const char *error;
	} cases[] = {
		{ { "--nope" }, "unknown option --nope" },
		{ { "-x" }, "unknown option -x" },
		{ { "-\xc3\xa4" }, "unknown option -\\xc3" }, /* char has a sign on x86 only */
		{ { "--help=x" }, "unknown option --help=x" },
		{ { "-hx" }, NULL }, /* -h comes first, so help it is */
		{ { "--log-level" }, "--log-level: a value is missing" },
		{ { "--config" }, "--config: a value is missing" },
		{ { "--log-level", "debug", "more" }, "unexpected argument \"more\"" },
		{ { "--config", "/nonexistent/podtag.json" },
		  "--config: \"/nonexistent/podtag.json\" can't be read: No such file or "
		  "directory" },
	};
	struct pt_agent_options options;
	char error[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %s\n", cases[i].args[0]);
		assert_int_equal(parse(cases[i].args, &options, error, sizeof(error)),
				 cases[i].error ? -1 : PT_OPTIONS_HELP);
		assert_string_equal(error, cases[i].error ? cases[i].error : "");
	}
}

static void help_and_version_are_told_apart(void **state)
{
	struct pt_agent_options options;
	char error[256], *text;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(parse((const char *[4]){ "--help" }, &options, error, sizeof(error)),
			 PT_OPTIONS_HELP);
	assert_int_equal(parse((const char *[4]){ "-h" }, &options, error, sizeof(error)),
			 PT_OPTIONS_HELP);
	assert_int_equal(parse((const char *[4]){ "--version" }, &options, error, sizeof(error)),
			 PT_OPTIONS_VERSION);

	out = open_memstream(&text, &size);
	pt_agent_options_help(out);
	fclose(out);
	for (const char *const *word =
		     (const char *const[]){ "--listen-address", "--log-level", "--config", "--help",
					    "--version", "127.0.0.1:9435", "listenAddress",
					    "logLevel", "--web.config.file", "webConfigFile",
					    "--tls", "--tls-budget", "default 10", "/metrics",
					    NULL };
	     *word; word++)
		assert_non_null(strstr(text, *word));
	free(text);
}

static void the_file_is_read_and_flags_win(void **state)
{
	struct pt_agent_options options;
	char error[256];

	(void)state;
	write_config("{ \"listenAddress\": \"[::1]:80\", \"logLevel\": \"debug\","
		     " \"webConfigFile\": \"web.yml\", \"tls\": \"auto\", \"tlsBudget\": \"5\" }");
	assert_int_equal(
		parse((const char *[4]){ "--config", config }, &options, error, sizeof(error)),
		PT_OPTIONS_RUN);
	assert_listens(&options, AF_INET6, "::1", 80);
	assert_int_equal(options.log_level, PT_LOG_DEBUG);
	assert_string_equal(options.web_config_file, "web.yml");
	assert_int_equal(options.tls, PT_TLS_AUTO);
	assert_int_equal(options.tls_budget, 5);

	/* the flag stands before the file, and wins all the same */
	assert_int_equal(parse((const char *[4]){ "--log-level", "warn", "--config", config },
			       &options, error, sizeof(error)),
			 PT_OPTIONS_RUN);
	assert_listens(&options, AF_INET6, "::1", 80);
	assert_int_equal(options.log_level, PT_LOG_WARN);
	assert_int_equal(parse((const char *[4]){ "--config", config, "--web.config.file=/x.yml" },
			       &options, error, sizeof(error)),
			 PT_OPTIONS_RUN);
	assert_string_equal(options.web_config_file, "/x.yml");

	write_config("{}");
	assert_int_equal(
		parse((const char *[4]){ "--config", config }, &options, error, sizeof(error)),
		PT_OPTIONS_RUN);
	assert_listens(&options, AF_INET, "127.0.0.1", 9435);
}

static void a_bad_file_is_refused_and_named(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "line 1" },
		{ "{", "line 1" },
		{ "{}\n{}", "line 2" },
		{ "[]", "not a JSON object" },
		{ "null", "expected near 'null'" },
		{ "{\"listen\": \":1\"}", "unknown key \"listen\"" },
		{ "{\"loglevel\": \"info\"}", "unknown key \"loglevel\"" },
		{ "{\"logLevel\": 3}", "\"logLevel\" is not a string" },
		{ "{\"logLevel\": null}", "\"logLevel\" is not a string" },
		{ "{\"logLevel\": \"loud\"}", "\"logLevel\": \"loud\" is not one of" },
		{ "{\"tls\": true}", "\"tls\" is not a string but has to be one of off, on, auto" },
		{ "{\"tlsBudget\": \"all\"}", "\"tlsBudget\": \"all\" is not a whole number" },
		{ "{\"listenAddress\": \"here\"}",
		  "\"listenAddress\": \"here\" is not an address" },
		{ "{\"logLevel\": \"info\", \"logLevel\": \"warn\"}", "duplicate" },
		{ "{\"logLevel\": \"\xff\"}", "0xff" },
	};
	const struct pt_agent_options before = { .listen_text = "untouched" };
	struct pt_agent_options options;
	char error[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %s\n", cases[i].text);
		write_config(cases[i].text);
		options = before;
		assert_int_equal(parse((const char *[4]){ "--config", config }, &options, error,
				       sizeof(error)),
				 -1);
		assert_non_null(strstr(error, config));
		assert_non_null(strstr(error, cases[i].error));
		assert_memory_equal(&options, &before, sizeof(options));
	}
}

/* What pt_agent_log() writes for text at PT_LOG_WARN, without the time. */
static void logged(enum pt_agent_level level, const char *text, char *ret, size_t size)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char line[4096];
	ssize_t len;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	pt_agent_log_level = level;
	pt_agent_log(PT_LOG_WARN, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	len = read(fds[0], line, sizeof(line) - 1);
	close(fds[0]);
	assert_in_range(len, 0, sizeof(line) - 1);
	line[len] = '\0';
	snprintf(ret, size, "%s", len ? strchr(line, ' ') + 1 : "");
}

static void a_log_line_is_one_line(void **state)
{
	static char line[4096], text[3000];

	(void)state;
	logged(PT_LOG_INFO, "a \"b\" \\ c\nd\re\x1b\xc3\xa9", line, sizeof(line));
	assert_string_equal(line, "level=warn msg=\"a \\\"b\\\" \\\\ c\\nd\\re?\xc3\xa9\"\n");
	logged(PT_LOG_WARN, "x", line, sizeof(line));
	assert_string_equal(line, "level=warn msg=\"x\"\n");
	logged(PT_LOG_ERROR, "x", line, sizeof(line));
	assert_string_equal(line, "");

	memset(text, '"', sizeof(text) - 1); /* each takes two bytes: the worst there is */
	logged(PT_LOG_INFO, text, line, sizeof(line));
	assert_int_equal(strlen(line), strlen("level=warn msg=\"\"\n") + 2 * 1023);
}

static int make_config(void **state)
{
	int fd = mkstemp(config);

	(void)state;
	close(fd);
	return fd < 0;
}

static int remove_config(void **state)
{
	(void)state;
	return unlink(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_means_loopback_and_info),
		cmocka_unit_test(addresses_are_understood),
		cmocka_unit_test(bad_values_are_refused_by_name_and_value),
		cmocka_unit_test(tls_is_a_mode_and_a_budget),
		cmocka_unit_test(wrong_arguments_are_refused_by_name),
		cmocka_unit_test(help_and_version_are_told_apart),
		cmocka_unit_test(the_file_is_read_and_flags_win),
		cmocka_unit_test(a_bad_file_is_refused_and_named),
		cmocka_unit_test(a_log_line_is_one_line),
	};

	return cmocka_run_group_tests(tests, make_config, remove_config);
}
