/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The web configuration file of Prometheus exporters: TLS and basic auth, in YAML. */
#ifndef PT_AGENT_WEB_CONFIG_H
#define PT_AGENT_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define PT_WEB_CONFIG_MAX 65536 /* bytes of the file */
#define PT_BCRYPT_LENGTH  60    /* of a hash as text */

enum pt_client_auth {
	PT_CLIENT_NONE,
	PT_CLIENT_REQUEST,
	PT_CLIENT_REQUIRE_ANY,
	PT_CLIENT_VERIFY_IF_GIVEN,
	PT_CLIENT_REQUIRE_AND_VERIFY,
};

struct pt_web_user {
	char *name;
	char hash[PT_BCRYPT_LENGTH + 1];
};

struct pt_web_config {
	/* Relative ones have the configuration's folder in front. NULL: not given. Without a
	 * certificate there is no TLS. */
	char *cert_file, *key_file, *client_ca_file;
	enum pt_client_auth client_auth;
	int min_version, max_version; /* as on the wire: 0x0301 is TLS 1.0, 0x0304 TLS 1.3 */
	bool prefer_server_ciphers;
	/* As OpenSSL takes them: names with colons between. Empty: not given. */
	char ciphers[512], curves[64];

	struct pt_web_user *users;
	size_t user_count;
};

/* Parses text, size bytes that need no terminator. file is for messages, and for the folder that
 * relative paths are in. Returns 0, or -1 with file, line and key named in error (error_size bytes,
 * always terminated). *ret is only written on success; pt_web_config_free() takes it then. */
int pt_web_config_parse(const char *file, const char *text, size_t size, struct pt_web_config *ret,
			char *error, size_t error_size);

/* The same with the file's content. */
int pt_web_config_read(const char *file, struct pt_web_config *ret, char *error, size_t error_size);

/* Frees what is in it, and zeroes it. */
void pt_web_config_free(struct pt_web_config *config);

#endif
