// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The web configuration file: what is taken, what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/web_config.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))
#define HASH      "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"

static int parse(const char *text, struct pt_web_config *ret, char *error, size_t size)
{
	*error = '\0';
	return pt_web_config_parse("/etc/web.yml", text, strlen(text), ret, error, size);
}

static struct pt_web_config parse_well(const char *text)
{
	struct pt_web_config config;
	char error[512];

	if (parse(text, &config, error, sizeof(error)))
		fail_msg("%s", error);
	return config;
}

static void all_of_it_is_taken(void **state)
{
	struct pt_web_config config = parse_well(
		"# as an operator writes it\n"
		"tls_server_config:\n"
		"  cert_file: server.crt\n"
		"  key_file: \"/keys/server key\"\n"
		"  client_ca_file: ../ca.crt\n"
		"  client_auth_type: 'RequireAndVerifyClientCert'\n"
		"  min_version: TLS11\n"
		"  max_version: TLS12\n"
		"  prefer_server_cipher_suites: false\n"
		"  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256,\n"
		"    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]\n"
		"  curve_preferences:\n"
		"  - X25519\n"
		"  - CurveP256\n"
		"http_server_config: {http2: true}\n"
		"basic_auth_users:\n"
		"  alice: " HASH "\n"
		"  007: " HASH "\n");

	(void)state;
	assert_string_equal(config.cert_file, "/etc/server.crt");
	assert_string_equal(config.key_file, "/keys/server key");
	assert_string_equal(config.client_ca_file, "/etc/../ca.crt");
	assert_int_equal(config.client_auth, PT_CLIENT_REQUIRE_AND_VERIFY);
	assert_int_equal(config.min_version, 0x0302);
	assert_int_equal(config.max_version, 0x0303);
	assert_false(config.prefer_server_ciphers);
	assert_string_equal(config.ciphers,
			    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305");
	assert_string_equal(config.curves, "X25519:P-256");
	assert_int_equal(config.user_count, 2);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].hash, HASH);
	assert_string_equal(config.users[1].name, "007");
	pt_web_config_free(&config);
	assert_null(config.users);
}

static void nothing_said_means_no_tls_and_no_users(void **state)
{
	static const char *const texts[] = {
		"",
		"# nothing\n",
		"---\n",
		"{}",
		"tls_server_config:\nbasic_auth_users: ~\n",
		"tls_server_config: {cert_file: '', client_auth_type: NoClientCert}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct pt_web_config config = parse_well(texts[i]);

		print_message("  %s\n", texts[i]);
		assert_null(config.cert_file);
		assert_int_equal(config.user_count, 0);
		assert_int_equal(config.min_version, 0x0303);
		assert_int_equal(config.max_version, 0x0304);
		assert_true(config.prefer_server_ciphers);
		pt_web_config_free(&config);
	}
}

static void hashes_of_each_kind_are_taken(void **state)
{
	static const char *const hashes[] = { "$2a$04$", "$2b$12$", "$2y$14$" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(hashes); i++) {
		struct pt_web_config config;

		snprintf(text, sizeof(text), "basic_auth_users: {a: %s%s}", hashes[i], HASH + 7);
		config = parse_well(text);
		assert_int_equal(config.user_count, 1);
		pt_web_config_free(&config);
	}
}

#define TLS "tls_server_config:\n  cert_file: a\n  key_file: b\n"

static const struct {
	const char *text;
	const char *error; /* behind the file's name */
} refused[] = {
	{ "tls_server_config: {\n", "line 2: did not find expected node content" },
	{ TLS "\tx: 1\n", "line 4: found a tab character that violates indentation" },
	{ "[]", "line 1: the file: not a mapping of keys to values" },
	{ "\n\nbasic_auth_user: {}\n", "line 3: unknown key \"basic_auth_user\"" },
	{ "\"tls_server_config\\0x\": {}\n", "line 1: a key: a NUL is in it" },
	{ "[a]: b\n", "line 1: a key: not a string" },
	{ TLS "  certfile: c\n", "line 4: unknown key \"tls_server_config.certfile\"" },
	{ TLS "  cert_file: c\n", "line 4: \"tls_server_config.cert_file\" is there twice" },
	{ TLS "tls_server_config: {}\n", "line 4: \"tls_server_config\" is there twice" },
	{ "tls_server_config: 1\n", "line 1: tls_server_config: not a mapping of keys to values" },
	{ "tls_server_config:\n  cert_file: [a]\n", "line 2: cert_file: not a string" },
	{ "tls_server_config:\n  cert_file: \"a\\0b\"\n", "line 2: cert_file: a NUL is in it" },
	{ "tls_server_config: {cert: x}", "line 1: \"tls_server_config.cert\" is not supported, "
					  "use cert_file" },
	{ "tls_server_config: {key: x}", "line 1: \"tls_server_config.key\" is not supported, "
					 "use key_file" },
	{ "tls_server_config: {client_ca: x}",
	  "line 1: \"tls_server_config.client_ca\" is not supported, use client_ca_file" },
	{ "tls_server_config: {client_allowed_sans: [x]}",
	  "line 1: \"tls_server_config.client_allowed_sans\" is not supported, "
	  "use a CA for these clients alone" },
	{ TLS "  client_auth_type: Never\n",
	  "line 4: client_auth_type: \"Never\" is not one of NoClientCert, RequestClientCert, "
	  "RequireAnyClientCert, RequireClientCert, VerifyClientCertIfGiven, "
	  "RequireAndVerifyClientCert" },
	{ TLS "  min_version: SSL3\n",
	  "line 4: min_version: \"SSL3\" is not one of TLS10, TLS11, TLS12, TLS13" },
	{ TLS "  max_version: 1.2\n",
	  "line 4: max_version: \"1.2\" is not one of TLS10, TLS11, TLS12, TLS13" },
	{ TLS "  curve_preferences: [CurveP256, CurveP255]\n",
	  "line 4: curve_preferences: \"CurveP255\" is not one of CurveP256, CurveP384, "
	  "CurveP521, X25519" },
	{ TLS "  curve_preferences: [X25519, X25519]\n",
	  "line 4: curve_preferences: X25519 is there twice" },
	{ TLS "  curve_preferences: X25519\n", "line 4: curve_preferences: not a list" },
	{ TLS "  cipher_suites: {}\n", "line 4: cipher_suites: not a list" },
	{ TLS "  prefer_server_cipher_suites: 'true'\n",
	  "line 4: prefer_server_cipher_suites: neither true nor false" },
	{ "http_server_config: {http2: maybe}", "line 1: http2: neither true nor false" },
	{ "http_server_config: {headers: {}}",
	  "line 1: \"http_server_config.headers\" is not supported, the page has its own" },
	{ "rate_limit: {}", "line 1: \"rate_limit\" is not supported, wrong passwords are limited "
			    "anyway" },
	{ "basic_auth_users: [a]\n", "line 1: basic_auth_users: not a mapping of users to hashes" },
	{ "basic_auth_users:\n  a: {}\n", "line 2: basic_auth_users: not a string" },
	{ "basic_auth_users:\n  a: secret\n", "line 2: basic_auth_users: what \"a\" has is not a "
					      "bcrypt hash with a cost of 4 to 14" },
	{ "basic_auth_users:\n  a:\n", "line 2: basic_auth_users: what \"a\" has is not a bcrypt "
				       "hash with a cost of 4 to 14" },
	{ "basic_auth_users:\n  a:b: " HASH "\n",
	  "line 2: basic_auth_users: \"a:b\" has a colon, which ends a user's name" },
	{ "basic_auth_users:\n  a: " HASH "\n  \"a\": " HASH "\n",
	  "line 3: basic_auth_users: \"a\" is there twice" },
	{ "tls_server_config: {cert_file: a}", "tls_server_config: key_file is missing" },
	{ "tls_server_config: {key_file: a}", "tls_server_config: cert_file is missing" },
	{ "tls_server_config: {client_auth_type: RequestClientCert}",
	  "tls_server_config: cert_file is missing" },
	{ TLS "  client_ca_file: c\n", "tls_server_config: client_ca_file without a "
				       "client_auth_type that asks for a certificate" },
	{ TLS "  client_auth_type: VerifyClientCertIfGiven\n",
	  "tls_server_config: client_auth_type verifies, but client_ca_file is missing" },
	{ TLS "  max_version: TLS11\n", "tls_server_config: min_version is above max_version" },
	{ "{}\n---\n{}\n", "line 2: a second document" },
	{ "tls_server_config: &a {}\nhttp_server_config: *a\n",
	  "line 2: the alias *a is not supported" },
	{ "tls_server_config: !!map {}\n",
	  "line 1: the tag tag:yaml.org,2002:map is not supported" },
	{ "tls_server_config: {cert_file: !!binary aGk=}\n",
	  "line 1: the tag tag:yaml.org,2002:binary is not supported" },
};

static void what_is_wrong_is_named(void **state)
{
	struct pt_web_config config, untouched;
	char error[512], wanted[512];

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < LENGTH(refused); i++) {
		config = untouched;
		print_message("  %s\n", refused[i].error);
		assert_int_equal(parse(refused[i].text, &config, error, sizeof(error)), -1);
		snprintf(wanted, sizeof(wanted), "/etc/web.yml: %s", refused[i].error);
		assert_string_equal(error, wanted);
		assert_memory_equal(&config, &untouched, sizeof(config));
	}
}

static void hashes_that_are_none_are_refused(void **state)
{
	static const char *const hashes[] = {
		"$2y$15$" /* takes two seconds */,
		"$2y$03$",
		"$2x$10$",
		"$1y$10$",
		"$2y$1a$",
		"$2y$1$0",
		"$2y$10.",
		"$2y-10$",
	};
	char text[256], error[256];
	struct pt_web_config config;

	(void)state;
	for (size_t i = 0; i < LENGTH(hashes); i++) {
		print_message("  %s\n", hashes[i]);
		snprintf(text, sizeof(text), "basic_auth_users: {a: \"%s%s\"}", hashes[i],
			 HASH + 7);
		assert_int_equal(parse(text, &config, error, sizeof(error)), -1);
		assert_null(strstr(error, HASH + 7)); /* it may be a password */
	}
	assert_int_equal(parse("basic_auth_users: {a: " HASH "x}", &config, error, sizeof(error)),
			 -1);
	snprintf(text, sizeof(text), "basic_auth_users: {a: '%.59s!'}", HASH);
	assert_int_equal(parse(text, &config, error, sizeof(error)), -1);
}

static void files_are_read_up_to_a_size(void **state)
{
	char path[] = "/tmp/podtag-test-web-XXXXXX", error[256], wanted[256];
	struct pt_web_config config;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	for (int i = 0; i < PT_WEB_CONFIG_MAX; i++)
		assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(pt_web_config_read(path, &config, error, sizeof(error)), 0);
	pt_web_config_free(&config);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(pt_web_config_read(path, &config, error, sizeof(error)), -1);
	snprintf(wanted, sizeof(wanted), "%s: longer than 65536 bytes", path);
	assert_string_equal(error, wanted);
	close(fd);
	unlink(path);
	assert_int_equal(pt_web_config_read(path, &config, error, sizeof(error)), -1);
	snprintf(wanted, sizeof(wanted), "%s: can't be read: No such file or directory", path);
	assert_string_equal(error, wanted);
	assert_int_equal(pt_web_config_read("/tmp", &config, error, sizeof(error)), -1);
	assert_string_equal(error, "/tmp: can't be read: Is a directory");
}

/* As deep as the size allows: no stack and no time is to run out. */
static void deep_files_are_refused(void **state)
{
	static const char *const starts[] = { "", "tls_server_config: ", "basic_auth_users: {a: " };
	static char text[PT_WEB_CONFIG_MAX];
	struct pt_web_config config;
	char error[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(starts); i++) {
		memset(text, i ? '[' : '{', sizeof(text));
		memcpy(text, starts[i], strlen(starts[i]));
		assert_int_equal(
			pt_web_config_parse("f", text, sizeof(text), &config, error, sizeof(error)),
			-1);
		print_message("  %s\n", error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_taken),
		cmocka_unit_test(nothing_said_means_no_tls_and_no_users),
		cmocka_unit_test(hashes_of_each_kind_are_taken),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(hashes_that_are_none_are_refused),
		cmocka_unit_test(files_are_read_up_to_a_size),
		cmocka_unit_test(deep_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
