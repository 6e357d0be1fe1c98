// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The HTTP server: /metrics, /readyz, /healthz, and the page for people at /.
 *
 * One thread, so one slow or hostile client must not cost the others anything: headers and bodies
 * are small, silence ends a connection, and the number of connections is bounded.
 */
#include "agent/http.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/gzip.h"
#include "agent/log.h"
#include "agent/negotiate.h"
#include "agent/reply.h"

#define BODY_MAX        1024 /* of a request, which should have none */
#define SILENCE_SECONDS 10

#define HTTP_UNAUTHORIZED 401
#define HTTP_TOO_MANY     429

/* The kernel hands out the lowest free descriptor. While that is below this one, there are fewer
 * connections than this; the agent itself needs about 30. */
#define FDS_MAX         128
#define FULL_CHECK_USEC 100000
#define FULL_CHECKS_MAX 100 /* 10 s */

struct pt_http {
	struct evhttp *server;
	struct evconnlistener *listener;
	struct event *full_timer;
	int full_checks;
	struct pt_http_source source;
	struct pt_web *web; /* NULL: everybody is welcome, in clear text */
};

static bool is_full(const struct pt_http *http)
{
	int fd = fcntl(evconnlistener_get_fd(http->listener), F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 || fd >= FDS_MAX;
}

static bool is_connection(const struct pt_http *http, int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	return fd != evconnlistener_get_fd(http->listener) &&
	       !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       (domain == AF_INET || domain == AF_INET6);
}

/* evhttp can't be asked for its connections. Shut down under its hands, each ends as if its client
 * had closed it. */
static void shut_everybody_out(const struct pt_http *http)
{
	pt_agent_log(PT_LOG_WARN, "too many slow connections, closing them all");
	for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++)
		if (is_connection(http, fd))
			shutdown(fd, SHUT_RDWR);
}

static void wait_for_room(struct pt_http *http)
{
	const struct timeval pause = { .tv_usec = FULL_CHECK_USEC };

	evtimer_add(http->full_timer, &pause);
}

static void on_full_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pt_http *http = arg;

	(void)fd;
	(void)what;
	if (!is_full(http)) {
		evconnlistener_enable(http->listener);
		return;
	}

	if (++http->full_checks % FULL_CHECKS_MAX == 0)
		shut_everybody_out(http);
	wait_for_room(http);
}

static void close_doors(struct pt_http *http)
{
	pt_agent_log(PT_LOG_DEBUG, "no room for another connection");
	evconnlistener_disable(http->listener);
	http->full_checks = 0;
	wait_for_room(http);
}

/* Called for each connection that was just accepted. NULL: evhttp makes the bufferevent itself. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct pt_http *http = arg;

	if (is_full(http))
		close_doors(http);
	return http->web ? pt_web_connection(http->web, base) : NULL;
}

/* Without this a lack of descriptors would be reported at the speed of the loop. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	pt_agent_log(PT_LOG_WARN, "a connection could not be accepted: %s", strerror(errno));
	close_doors(arg);
}

/* For want of memory to compress it with, the page is written as it is. */
static int write_page(struct pt_http *http, struct evbuffer *page, enum pt_format format,
		      bool *is_zipped)
{
	struct pt_gzip *gzip = *is_zipped ? pt_gzip_begin(page) : NULL;
	int err, gzip_err;

	*is_zipped = gzip != NULL;
	err = http->source.write_metrics(page, format, http->source.arg);
	if (!gzip)
		return err;
	gzip_err = pt_gzip_end(gzip);
	return err ? err : gzip_err;
}

static void serve_metrics(struct pt_http *http, struct evhttp_request *req)
{
	static const char *const types[] = {
		[PT_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[PT_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	};
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *page = evbuffer_new();
	char accept[2 * PT_HEADERS_MAX];
	enum pt_format format;
	bool is_zipped;
	int err;

	format = pt_accept_format(pt_header_list(req, "Accept", accept, sizeof(accept)));
	is_zipped = pt_accept_gzip(pt_header_list(req, "Accept-Encoding", accept, sizeof(accept)));
	err = page ? write_page(http, page, format, &is_zipped) : -ENOMEM;
	if (err) {
		pt_agent_log(PT_LOG_ERROR, "/metrics failed: %s", strerror(-err));
		pt_reply_text(req, HTTP_INTERNAL, strerror(-err));
		goto free_page;
	}

	evhttp_add_header(headers, "Vary", "Accept, Accept-Encoding");
	if (is_zipped)
		evhttp_add_header(headers, "Content-Encoding", "gzip");
	pt_reply(req, HTTP_OK, types[format], page);

free_page:
	if (page)
		evbuffer_free(page);
}

static void serve_readyz(struct pt_http *http, struct evhttp_request *req)
{
	const char *problem = http->source.problem(http->source.arg);

	pt_reply_text(req, problem ? HTTP_SERVUNAVAIL : HTTP_OK, problem ? problem : "ok");
}

static void serve_healthz(struct pt_http *http, struct evhttp_request *req)
{
	(void)http;
	pt_reply_text(req, HTTP_OK, "ok");
}

static void serve_file(struct pt_http *http, struct evhttp_request *req)
{
	(void)http;
	pt_file_serve(req);
}

static const struct route {
	const char *path;
	void (*serve)(struct pt_http *http, struct evhttp_request *req);
	bool is_open; /* to a kubelet's probe, in whose manifest no password belongs */
} routes[] = {
	{ "/metrics", serve_metrics },
	{ "/readyz", serve_readyz, true },
	{ "/healthz", serve_healthz, true },
};

/* NULL when nothing is there. */
static const struct route *find_route(const char *path)
{
	static const struct route file = { NULL, serve_file };

	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (!strcmp(path, routes[i].path))
			return &routes[i];
	return pt_file_is_at(path) ? &file : NULL;
}

/* Answers itself who may not come in. */
static bool let_in(struct pt_http *http, struct evhttp_request *req)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(req);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	const char *authorization =
		evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
	char *peer = NULL;
	ev_uint16_t port;

	evhttp_connection_get_peer(connection, &peer, &port);
	switch (pt_web_authorize(http->web, authorization, peer ? peer : "")) {
	case PT_AUTH_PASSED:
		return true;
	case PT_AUTH_LATER:
		evhttp_add_header(headers, "Retry-After", "1");
		pt_reply_text(req, HTTP_TOO_MANY, "too many wrong passwords");
		return false;
	default:
		evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"podtag\"");
		pt_reply_text(req, HTTP_UNAUTHORIZED, "user and password, please");
		return false;
	}
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct pt_http *http = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const enum evhttp_cmd_type command = evhttp_request_get_command(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const struct route *route = path ? find_route(path) : NULL;

	if (http->web && !(route && route->is_open) && !let_in(http, req))
		return;
	if (route) {
		if (command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD) {
			route->serve(http, req);
			return;
		}
		evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
		pt_reply_text(req, HTTP_BADMETHOD, "only GET and HEAD are served");
		return;
	}

	pt_reply_text(req, HTTP_NOTFOUND, "not found; try /, /metrics, /readyz or /healthz");
}

static void set_limits(struct pt_http *http)
{
	evhttp_set_max_headers_size(http->server, PT_HEADERS_MAX);
	evhttp_set_max_body_size(http->server, BODY_MAX);
	evhttp_set_timeout(http->server, SILENCE_SECONDS);
	evhttp_set_bevcb(http->server, on_connection, http);
	evconnlistener_set_error_cb(http->listener, on_accept_error);
	/* all that evhttp knows, so that on_request() may say 405 where evhttp would say 501 */
	evhttp_set_allowed_methods(
		http->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
				      EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
				      EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	evhttp_set_gencb(http->server, on_request, http);
}

struct pt_http *pt_http_new(struct event_base *base, const struct sockaddr *address,
			    socklen_t address_len, const struct pt_http_source *source)
{
	struct pt_http *http = calloc(1, sizeof(*http));
	int err;

	if (!http)
		return NULL;

	http->source = *source;
	http->listener = evconnlistener_new_bind(
		base, NULL, http, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE,
		-1, address, address_len);
	if (!http->listener)
		goto fail;
	http->server = evhttp_new(base);
	http->full_timer = evtimer_new(base, on_full_timer, http);
	if (!http->server || !http->full_timer)
		goto fail;
	if (!evhttp_bind_listener(http->server, http->listener))
		goto fail;

	set_limits(http);
	return http;

fail:
	err = errno;
	if (http->listener)
		evconnlistener_free(http->listener);
	http->listener = NULL;
	pt_http_free(http);
	errno = err;
	return NULL;
}

void pt_http_protect(struct pt_http *http, struct pt_web *web)
{
	http->web = web;
}

int pt_http_port(const struct pt_http *http)
{
	struct sockaddr_in6 address = {}; /* or a sockaddr_in, with the port in the same place */
	socklen_t len = sizeof(address);

	if (getsockname(evconnlistener_get_fd(http->listener), (struct sockaddr *)&address, &len))
		return 0;
	return ntohs(address.sin6_port);
}

void pt_http_free(struct pt_http *http)
{
	if (!http)
		return;

	if (http->full_timer)
		event_free(http->full_timer);
	/* a child that was forked just now has the socket too, until it has closed what it has */
	if (http->listener)
		shutdown(evconnlistener_get_fd(http->listener), SHUT_RDWR);
	if (http->server)
		evhttp_free(http->server); /* with the listener that is bound to it */
	free(http);
}
