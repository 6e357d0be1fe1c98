// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Who may talk to the server, and how: a web configuration file, followed as it changes.
 *
 * The file, the certificates and the key are looked at for each connection and each request, with
 * stat(), and all read again when one of them is another: so a certificate may be replaced at any
 * time. What can't be read, or halves of what is being replaced, changes nothing and is said once.
 */
#include "agent/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/log.h"
#include "agent/tls.h"

enum { THE_FILE, CERTIFICATE, KEY, CLIENT_CA, FILES };

/* Zeroes for a file that is not there. */
struct stamp {
	unsigned long long device, inode, size;
	long long changed[2], modified[2];
};

struct pt_web {
	char *file;
	struct pt_web_config *config; /* in force */
	struct pt_web_config
		*read; /* the last one read; another one if it failed to be put in force */
	SSL_CTX *tls;  /* NULL: plain HTTP */
	struct pt_auth *auth;
	struct stamp seen[FILES];
};

static void look(const struct pt_web *web, struct stamp stamps[FILES])
{
	const struct pt_web_config none = {}, *config = web->read ? web->read : &none;
	const char *const paths[FILES] = {
		[THE_FILE] = web->file,
		[CERTIFICATE] = config->cert_file,
		[KEY] = config->key_file,
		[CLIENT_CA] = config->client_ca_file,
	};
	struct stat st;

	memset(stamps, 0, FILES * sizeof(*stamps));
	for (int i = 0; i < FILES; i++)
		if (paths[i] && !stat(paths[i], &st))
			stamps[i] = (struct stamp){
				.device = st.st_dev,
				.inode = st.st_ino,
				.size = st.st_size,
				.changed = { st.st_ctim.tv_sec, st.st_ctim.tv_nsec },
				.modified = { st.st_mtim.tv_sec, st.st_mtim.tv_nsec },
			};
}

static void drop(struct pt_web_config *config)
{
	if (config)
		pt_web_config_free(config);
	free(config);
}

/* A file that is being written is an empty one for a moment: nothing is to be open to all then. */
static bool is_same_kind(const struct pt_web_config *a, const struct pt_web_config *b)
{
	return !a->cert_file == !b->cert_file && !a->user_count == !b->user_count;
}

static int put_in_force(struct pt_web *web, char *error, size_t size)
{
	SSL_CTX *tls = NULL;

	if (web->config && !is_same_kind(web->config, web->read)) {
		snprintf(error, size, "%s: turning TLS or basic auth on or off needs a restart",
			 web->file);
		return -1;
	}
	if (web->read->cert_file) {
		int len = snprintf(error, size, "%s: tls_server_config: ", web->file);

		if (len < 0 || (size_t)len >= size)
			return -1;
		tls = pt_tls_new(web->read, error + len, size - len);
		if (!tls)
			return -1;
	}

	SSL_CTX_free(web->tls);
	web->tls = tls;
	if (web->config != web->read)
		drop(web->config);
	web->config = web->read;
	return 0;
}

/* What is looked at is stamped before it is read, so that no change is missed. */
static int load(struct pt_web *web, char *error, size_t size)
{
	struct pt_web_config *config = calloc(1, sizeof(*config));
	struct stamp stamps[FILES];

	if (!config) {
		snprintf(error, size, "%s: out of memory", web->file);
		return -1;
	}
	look(web, web->seen);
	if (pt_web_config_read(web->file, config, error, size)) {
		free(config);
		return -1;
	}
	if (web->read != web->config)
		drop(web->read);
	web->read = config;
	look(web, stamps);
	memcpy(web->seen + CERTIFICATE, stamps + CERTIFICATE, sizeof(stamps) - sizeof(*stamps));
	return put_in_force(web, error, size);
}

static void refresh(struct pt_web *web)
{
	struct stamp stamps[FILES];
	char error[512];

	look(web, stamps);
	if (!memcmp(stamps, web->seen, sizeof(stamps)))
		return;
	if (load(web, error, sizeof(error)))
		pt_agent_log(PT_LOG_WARN, "%s; what was read before stays in force", error);
	else
		pt_agent_log(PT_LOG_INFO, "%s: read again, with what it names", web->file);
}

struct pt_web *pt_web_new(const char *file, char *error, size_t size)
{
	struct pt_web *web = calloc(1, sizeof(*web));

	if (!web) {
		snprintf(error, size, "%s: out of memory", file);
		return NULL;
	}
	web->file = strdup(file);
	web->auth = pt_auth_new();
	if (!web->file || !web->auth)
		snprintf(error, size, "%s: no memory or no random numbers", file);
	else if (!load(web, error, size))
		return web;
	pt_web_free(web);
	return NULL;
}

bool pt_web_has_tls(const struct pt_web *web)
{
	return web->tls != NULL;
}

struct bufferevent *pt_web_connection(struct pt_web *web, struct event_base *base)
{
	struct bufferevent *connection;

	refresh(web);
	if (!web->tls)
		return NULL;
	connection = pt_tls_connection(web->tls, base);
	if (!connection) {
		/* evhttp would go on in clear text */
		pt_agent_log(PT_LOG_ERROR, "no memory for TLS, ending");
		exit(1);
	}
	return connection;
}

enum pt_auth_verdict pt_web_authorize(struct pt_web *web, const char *header, const char *peer)
{
	refresh(web);
	if (!web->config->user_count)
		return PT_AUTH_PASSED;
	return pt_auth_check(web->auth, web->config, header, peer);
}

void pt_web_free(struct pt_web *web)
{
	if (!web)
		return;

	SSL_CTX_free(web->tls);
	pt_auth_free(web->auth);
	if (web->read != web->config)
		drop(web->read);
	drop(web->config);
	free(web->file);
	free(web);
}
