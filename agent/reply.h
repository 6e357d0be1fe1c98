/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every answer of the server has, and a request's headers. */
#ifndef PT_AGENT_REPLY_H
#define PT_AGENT_REPLY_H

#include <event2/http.h>

#define PT_HEADERS_MAX 8192 /* all of a request's */

/* Sends body, which it may drain, with the headers added so far and those that every answer has. */
void pt_reply(struct evhttp_request *req, int code, const char *type, struct evbuffer *body);

/* Sends a line of text. */
void pt_reply_text(struct evhttp_request *req, int code, const char *text);

/* The values of all headers of that name as one list, as RFC 9110 5.3 has it, in ret. NULL when
 * there is none. size is at least PT_HEADERS_MAX, so everything fits. */
const char *pt_header_list(struct evhttp_request *req, const char *name, char *ret, size_t size);

#endif
