// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The files of the page for people, as they are and compressed, in the program itself.
 *
 * A file's ETag is of its CRC and length, which gzip has put at the end. It is a weak one, because
 * it is the same for both forms. "no-cache" makes a browser ask each time, so that no files of two
 * versions meet.
 */
#include "agent/files.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/negotiate.h"
#include "agent/reply.h"

/* Nothing but what the agent itself serves, and no markup made of strings. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "            \
	"require-trusted-types-for 'script'"

#define GZIP_TRAILER 8

#define JS "text/javascript; charset=utf-8"

/* name, path, file in agent/page, type */
#define FILES(X)                                                                                   \
	X(index, "/", "index.html", "text/html; charset=utf-8")                                    \
	X(style, "/page.css", "page.css", "text/css; charset=utf-8")                               \
	X(icon, "/icon.svg", "icon.svg", "image/svg+xml")                                          \
	X(page, "/page.mjs", "page.mjs", JS)                                                       \
	X(detail, "/detail.mjs", "detail.mjs", JS)                                                 \
	X(dom, "/dom.mjs", "dom.mjs", JS)                                                          \
	X(columns, "/columns.mjs", "columns.mjs", JS)                                              \
	X(rates, "/rates.mjs", "rates.mjs", JS)                                                    \
	X(metrics, "/metrics.mjs", "metrics.mjs", JS)

#define CARRY(symbol, file)                                                                        \
	extern const unsigned char symbol[], symbol##_end[];                                       \
	__asm__(".section .rodata\n" #symbol ":\n"                                                 \
		".incbin \"" file "\"\n" #symbol "_end:\n"                                         \
		".byte 0\n"                                                                        \
		".previous\n");
#define CARRY_BOTH(name, path, file, type)                                                         \
	CARRY(file_##name, "agent/page/" file)                                                     \
	CARRY(file_##name##_zipped, PAGE_ZIPPED "/" file ".gz")

/* clang-format off */
FILES(CARRY_BOTH)

static const struct file {
	const char *path, *type;
	const unsigned char *text, *text_end;
	const unsigned char *zipped, *zipped_end;
} files[] = {
#define X(name, path, file, type)                                                                  \
	{ path, type, file_##name, file_##name##_end, file_##name##_zipped, file_##name##_zipped_end },
	FILES(X)
#undef X
};
/* clang-format on */

static const struct file *find(const char *path)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(path, files[i].path))
			return &files[i];
	return NULL;
}

bool pt_file_is_at(const char *path)
{
	return find(path) != NULL;
}

static void add_headers(struct evkeyvalq *headers, const char *etag)
{
	evhttp_add_header(headers, "ETag", etag);
	evhttp_add_header(headers, "Cache-Control", "no-cache");
	evhttp_add_header(headers, "Vary", "Accept-Encoding");
	evhttp_add_header(headers, "Content-Security-Policy", POLICY);
	evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
}

static int add_body(const struct file *file, bool is_zipped, struct evbuffer *body)
{
	const unsigned char *begin = is_zipped ? file->zipped : file->text;
	const unsigned char *end = is_zipped ? file->zipped_end : file->text_end;

	return evbuffer_add_reference(body, begin, end - begin, NULL, NULL);
}

static void send_file(struct evhttp_request *req, const struct file *file, bool is_zipped)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	if (!body || add_body(file, is_zipped, body)) {
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
	} else {
		if (is_zipped)
			evhttp_add_header(headers, "Content-Encoding", "gzip");
		pt_reply(req, HTTP_OK, file->type, body);
	}
	if (body)
		evbuffer_free(body);
}

void pt_file_serve(struct evhttp_request *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const struct file *file = find(evhttp_uri_get_path(uri));
	const unsigned char *trailer = file->zipped_end - GZIP_TRAILER;
	char etag[32], list[2 * PT_HEADERS_MAX];
	uint64_t tag;

	memcpy(&tag, trailer, sizeof(tag));
	snprintf(etag, sizeof(etag), "W/\"%016" PRIx64 "\"", tag);
	add_headers(evhttp_request_get_output_headers(req), etag);

	/* without the W, which a proxy may have taken away */
	if (pt_header_list(req, "If-None-Match", list, sizeof(list)) && strstr(list, etag + 2)) {
		evhttp_send_reply(req, HTTP_NOTMODIFIED, NULL, NULL);
		return;
	}
	send_file(req, file,
		  pt_accept_gzip(pt_header_list(req, "Accept-Encoding", list, sizeof(list))));
}
