/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TLS for the agent's server, by OpenSSL, which nothing calls before pt_tls_new(). */
#ifndef PT_AGENT_TLS_H
#define PT_AGENT_TLS_H

#include <event2/event.h>
#include <openssl/ssl.h>

#include "agent/web_config.h"

/* What all connections share, with the certificates read from config's files. Returns NULL with
 * the file and the reason in error. The caller frees it with SSL_CTX_free(); connections that are
 * open keep what they need of it. */
SSL_CTX *pt_tls_new(const struct pt_web_config *config, char *error, size_t error_size);

/* What evhttp talks to one client through. NULL for want of memory. */
struct bufferevent *pt_tls_connection(SSL_CTX *tls, struct event_base *base);

#endif
