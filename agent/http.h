/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The HTTP server: /metrics, /readyz, /healthz, and the page for people at /. */
#ifndef PT_AGENT_HTTP_H
#define PT_AGENT_HTTP_H

#include <event2/event.h>
#include <sys/socket.h>

#include "agent/exposition.h"
#include "agent/web.h"

/* Where the answers come from. */
struct pt_http_source {
	/* Writes the page for /metrics into out. Returns 0 or a negative errno. */
	int (*write_metrics)(struct evbuffer *out, enum pt_format format, void *arg);
	/* NULL when ready, else why not: one line, good until the next call. */
	const char *(*problem)(void *arg);
	void *arg;
};

struct pt_http;

/* Listens on address and serves from base's loop. Returns NULL with errno set when it can't. */
struct pt_http *pt_http_new(struct event_base *base, const struct sockaddr *address,
			    socklen_t address_len, const struct pt_http_source *source);

/* From now on connections and requests are as web, which has to outlive them, asks for. */
void pt_http_protect(struct pt_http *http, struct pt_web *web);

/* The port it listens on, which matters after asking for port 0. */
int pt_http_port(const struct pt_http *http);

/* Closes everything. NULL is fine. */
void pt_http_free(struct pt_http *http);

#endif
