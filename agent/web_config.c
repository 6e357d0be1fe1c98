// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The web configuration file of Prometheus exporters: TLS and basic auth, in YAML.
 *
 * As strict as theirs: what is not known is an error, so that a misspelt key leaves no door open.
 */
#include "agent/web_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/yaml.h"

static const struct pt_yaml_choice client_auths[] = {
	{ "NoClientCert", PT_CLIENT_NONE },
	{ "RequestClientCert", PT_CLIENT_REQUEST },
	{ "RequireAnyClientCert", PT_CLIENT_REQUIRE_ANY },
	{ "RequireClientCert", PT_CLIENT_REQUIRE_ANY }, /* its old name */
	{ "VerifyClientCertIfGiven", PT_CLIENT_VERIFY_IF_GIVEN },
	{ "RequireAndVerifyClientCert", PT_CLIENT_REQUIRE_AND_VERIFY },
	{},
};

static const struct pt_yaml_choice versions[] = {
	{ "TLS10", 0x0301 }, { "TLS11", 0x0302 }, { "TLS12", 0x0303 }, { "TLS13", 0x0304 }, {},
};

/* Those that Go, whose names these are, calls secure. TLS 1.3's are always on, here as there. */
static const struct pt_yaml_choice ciphers[] = {
	{ "TLS_AES_128_GCM_SHA256", 0, NULL },
	{ "TLS_AES_256_GCM_SHA384", 0, NULL },
	{ "TLS_CHACHA20_POLY1305_SHA256", 0, NULL },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0, "ECDHE-ECDSA-AES128-SHA" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0, "ECDHE-ECDSA-AES256-SHA" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0, "ECDHE-RSA-AES128-SHA" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0, "ECDHE-RSA-AES256-SHA" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0, "ECDHE-RSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0, "ECDHE-RSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0, "ECDHE-RSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0, "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{},
};

static const struct pt_yaml_choice curves[] = {
	{ "CurveP256", 0, "P-256" },
	{ "CurveP384", 0, "P-384" },
	{ "CurveP521", 0, "P-521" },
	{ "X25519", 0, "X25519" },
	{},
};

static struct pt_web_config *config_of(struct pt_yaml *yaml)
{
	return yaml->target;
}

static int read_path(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	char **path = (char **)((char *)yaml->target + key->offset);
	const char *slash = strrchr(yaml->file, '/');
	int folder;

	if (pt_yaml_want_string(yaml, key->name))
		return -1;
	if (!*pt_yaml_text(yaml))
		return 0;
	folder = *pt_yaml_text(yaml) != '/' && slash ? (int)(slash - yaml->file) + 1 : 0;
	if (asprintf(path, "%.*s%s", folder, yaml->file, pt_yaml_text(yaml)) < 0) {
		*path = NULL;
		return pt_yaml_fail(yaml, "%s: out of memory", key->name);
	}
	return 0;
}

static int read_version(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	return pt_yaml_choice(yaml, key->name, versions,
			      (int *)((char *)yaml->target + key->offset));
}

static int read_client_auth(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	int value;

	if (pt_yaml_choice(yaml, key->name, client_auths, &value))
		return -1;
	config_of(yaml)->client_auth = value;
	return 0;
}

static int read_ciphers(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	return pt_yaml_list(yaml, key->name, ciphers, config_of(yaml)->ciphers,
			    sizeof(config_of(yaml)->ciphers));
}

static int read_curves(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	return pt_yaml_list(yaml, key->name, curves, config_of(yaml)->curves,
			    sizeof(config_of(yaml)->curves));
}

static int read_prefer(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	return pt_yaml_bool(yaml, key->name, &config_of(yaml)->prefer_server_ciphers);
}

/* Client and server agree on HTTP/2 in the handshake, so true asks for nothing. */
static int read_http2(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	bool wanted;

	return pt_yaml_bool(yaml, key->name, &wanted);
}

static int read_tls(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	static const struct pt_yaml_key keys[] = {
		{ "cert_file", read_path, offsetof(struct pt_web_config, cert_file) },
		{ "key_file", read_path, offsetof(struct pt_web_config, key_file) },
		{ "client_ca_file", read_path, offsetof(struct pt_web_config, client_ca_file) },
		{ "client_auth_type", read_client_auth },
		{ "min_version", read_version, offsetof(struct pt_web_config, min_version) },
		{ "max_version", read_version, offsetof(struct pt_web_config, max_version) },
		{ "cipher_suites", read_ciphers },
		{ "curve_preferences", read_curves },
		{ "prefer_server_cipher_suites", read_prefer },
		{ "cert", NULL, 0, "use cert_file" },
		{ "key", NULL, 0, "use key_file" },
		{ "client_ca", NULL, 0, "use client_ca_file" },
		{ "client_allowed_sans", NULL, 0, "use a CA for these clients alone" },
		{},
	};

	return pt_yaml_keys(yaml, key->name, keys);
}

static int read_http(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	static const struct pt_yaml_key keys[] = {
		{ "http2", read_http2 },
		{ "headers", NULL, 0, "the page has its own" },
		{},
	};

	return pt_yaml_keys(yaml, key->name, keys);
}

/* The costs that a scrape can wait for: 4 takes 1 ms, 10 takes 60 ms, 14 takes a second. */
static bool is_bcrypt(const char *hash)
{
	static const char alphabet[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	int cost;

	if (strlen(hash) != PT_BCRYPT_LENGTH || strncmp(hash, "$2", 2) != 0 ||
	    !strchr("aby", hash[2]) || hash[3] != '$' || hash[6] != '$')
		return false;
	if (strspn(hash + 4, "0123456789") != 2 || strspn(hash + 7, alphabet) != 53)
		return false;
	cost = (int)strtol(hash + 4, NULL, 10);
	return cost >= 4 && cost <= 14;
}

static int read_user(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	struct pt_web_config *config = yaml->target;
	struct pt_web_user *users, *user;

	if (pt_yaml_want_string(yaml, key->name))
		return -1;
	if (strchr(pt_yaml_text(yaml), ':'))
		return pt_yaml_fail(yaml, "%s: \"%s\" has a colon, which ends a user's name",
				    key->name, pt_yaml_text(yaml));
	for (size_t i = 0; i < config->user_count; i++)
		if (!strcmp(config->users[i].name, pt_yaml_text(yaml)))
			return pt_yaml_fail(yaml, "%s: \"%s\" is there twice", key->name,
					    pt_yaml_text(yaml));

	users = reallocarray(config->users, config->user_count + 1, sizeof(*users));
	if (!users)
		return pt_yaml_fail(yaml, "%s: out of memory", key->name);
	config->users = users;
	user = &users[config->user_count];
	user->name = strdup(pt_yaml_text(yaml));
	if (!user->name)
		return pt_yaml_fail(yaml, "%s: out of memory", key->name);
	config->user_count++;

	if (pt_yaml_next(yaml) || pt_yaml_want_string(yaml, key->name))
		return -1;
	/* which may be a password in clear: not into the log */
	if (!is_bcrypt(pt_yaml_text(yaml)))
		return pt_yaml_fail(
			yaml, "%s: what \"%s\" has is not a bcrypt hash with a cost of 4 to 14",
			key->name, user->name);
	strcpy(user->hash, pt_yaml_text(yaml));
	return 0;
}

static int read_users(struct pt_yaml *yaml, const struct pt_yaml_key *key)
{
	if (yaml->event.type != YAML_MAPPING_START_EVENT)
		return pt_yaml_fail(yaml, "%s: not a mapping of users to hashes", key->name);
	while (!pt_yaml_next(yaml)) {
		if (yaml->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_user(yaml, key))
			return -1;
	}
	return -1;
}

/* What no key alone can be blamed for. */
static const char *contradiction(const struct pt_web_config *config)
{
	const bool has_client_auth = config->client_auth != PT_CLIENT_NONE;
	const bool is_tls =
		config->cert_file || config->key_file || config->client_ca_file || has_client_auth;

	if (is_tls && !config->cert_file)
		return "cert_file is missing";
	if (is_tls && !config->key_file)
		return "key_file is missing";
	if (config->client_ca_file && !has_client_auth)
		return "client_ca_file without a client_auth_type that asks for a certificate";
	if (config->client_auth >= PT_CLIENT_VERIFY_IF_GIVEN && !config->client_ca_file)
		return "client_auth_type verifies, but client_ca_file is missing";
	if (config->min_version > config->max_version)
		return "min_version is above max_version";
	return NULL;
}

int pt_web_config_parse(const char *file, const char *text, size_t size, struct pt_web_config *ret,
			char *error, size_t error_size)
{
	static const struct pt_yaml_key keys[] = {
		{ "tls_server_config", read_tls },
		{ "http_server_config", read_http },
		{ "basic_auth_users", read_users },
		{ "rate_limit", NULL, 0, "wrong passwords are limited anyway" },
		{},
	};
	struct pt_web_config config = {
		.min_version = 0x0303,
		.max_version = 0x0304,
		.prefer_server_ciphers = true,
	};
	struct pt_yaml yaml = {
		.file = file,
		.error = error,
		.error_size = error_size,
		.target = &config,
	};
	int err = pt_yaml_read(&yaml, text, size, keys);
	const char *problem = err ? NULL : contradiction(&config);

	if (problem)
		snprintf(error, error_size, "%s: tls_server_config: %s", file, problem);
	if (err || problem) {
		pt_web_config_free(&config);
		return -1;
	}
	*ret = config;
	return 0;
}

int pt_web_config_read(const char *file, struct pt_web_config *ret, char *error, size_t error_size)
{
	char *yaml = malloc(PT_WEB_CONFIG_MAX + 1);
	FILE *in = fopen(file, "re");
	size_t size;
	int err = -1;

	size = in && yaml ? fread(yaml, 1, PT_WEB_CONFIG_MAX + 1, in) : 0;
	if (!in || !yaml || ferror(in))
		snprintf(error, error_size, "%s: can't be read: %s", file, strerror(errno));
	else if (size > PT_WEB_CONFIG_MAX)
		snprintf(error, error_size, "%s: longer than %d bytes", file, PT_WEB_CONFIG_MAX);
	else
		err = pt_web_config_parse(file, yaml, size, ret, error, error_size);

	if (in)
		fclose(in);
	free(yaml);
	return err;
}

void pt_web_config_free(struct pt_web_config *config)
{
	for (size_t i = 0; i < config->user_count; i++)
		free(config->users[i].name);
	free(config->users);
	free(config->cert_file);
	free(config->key_file);
	free(config->client_ca_file);
	*config = (struct pt_web_config){};
}
