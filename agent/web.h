/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who may talk to the server, and how: a web configuration file, followed as it changes. */
#ifndef PT_AGENT_WEB_H
#define PT_AGENT_WEB_H

#include <event2/event.h>

#include "agent/auth.h"

struct pt_web;

/* Reads the file and what it names. Returns NULL with the file and the reason in error. */
struct pt_web *pt_web_new(const char *file, char *error, size_t error_size);

bool pt_web_has_tls(const struct pt_web *web);

/* What evhttp is to talk to a new client through; NULL: to the socket itself. */
struct bufferevent *pt_web_connection(struct pt_web *web, struct event_base *base);

/* As pt_auth_check(). Without users everybody passes. */
enum pt_auth_verdict pt_web_authorize(struct pt_web *web, const char *header, const char *peer);

/* NULL is fine. */
void pt_web_free(struct pt_web *web);

#endif
