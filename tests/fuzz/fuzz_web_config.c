// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The agent's web configuration file. An input is the file's content. */
#include <string.h>

#include "agent/web_config.h"
#include "tests/fuzz/fuzz.h"

static const char file[] = "/folder/file";

static void check_path(const char *path)
{
	must(!path || *path == '/');
	must(!path || strlen(path) > 1 || !strcmp(path, "/"));
}

static void check_config(const struct pt_web_config *config)
{
	check_path(config->cert_file);
	check_path(config->key_file);
	check_path(config->client_ca_file);
	must(!config->cert_file == !config->key_file);
	must(config->cert_file || config->client_auth == PT_CLIENT_NONE);
	must(config->client_ca_file || config->client_auth < PT_CLIENT_VERIFY_IF_GIVEN);
	must(config->client_auth <= PT_CLIENT_REQUIRE_AND_VERIFY);
	must(config->min_version >= 0x0301 && config->max_version <= 0x0304);
	must(config->min_version <= config->max_version);
	must(strlen(config->ciphers) < sizeof(config->ciphers) - 1);
	must(strlen(config->curves) < sizeof(config->curves) - 1);
	for (size_t i = 0; i < config->user_count; i++) {
		must(!strchr(config->users[i].name, ':'));
		must(strlen(config->users[i].hash) == PT_BCRYPT_LENGTH);
		must(!strncmp(config->users[i].hash, "$2", 2));
		for (size_t j = 0; j < i; j++)
			must(strcmp(config->users[i].name, config->users[j].name) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pt_web_config config, untouched;
	char error[128] = "";
	int err;

	memset(&config, 0x5a, sizeof(config));
	untouched = config;
	err = pt_web_config_parse(file, (const char *)data, size, &config, error, sizeof(error));
	must(err == 0 || err == -1);
	if (err) {
		must(!memcmp(&config, &untouched, sizeof(config)));
		must(!strncmp(error, "/folder/file: ", 14) && memchr(error, '\0', sizeof(error)));
		return 0;
	}
	must(!*error);
	check_config(&config);
	pt_web_config_free(&config);
	return 0;
}
