// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What every answer of the server has, and a request's headers. */
#include "agent/reply.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdio.h>

void pt_reply(struct evhttp_request *req, int code, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	char length[24];

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	/* evhttp leaves the length out below 1.1, even if the connection stays, and for HEAD */
	snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
	evhttp_add_header(headers, "Content-Length", length);
	/* evhttp would send the body */
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(req, code, NULL, body);
}

void pt_reply_text(struct evhttp_request *req, int code, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (!body) {
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		return;
	}
	evbuffer_add_printf(body, "%s\n", text);
	pt_reply(req, code, "text/plain; charset=utf-8", body);
	evbuffer_free(body);
}

const char *pt_header_list(struct evhttp_request *req, const char *name, char *ret, size_t size)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	struct evkeyval *header;
	bool found = false;
	size_t len = 0;

	ret[0] = '\0';
	for (header = headers->tqh_first; header; header = header->next.tqe_next) {
		if (evutil_ascii_strcasecmp(header->key, name))
			continue;
		len += snprintf(ret + len, size - len, "%s%s", found ? "," : "", header->value);
		found = true;
		if (len >= size)
			break;
	}
	return found ? ret : NULL;
}
