// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The HTTP server: negotiation by table, and a real server asked over a socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "agent/gzip.h"
#include "agent/http.h"
#include "agent/log.h"
#include "agent/negotiate.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))
#define PROMETHEUS_2_42                                                                            \
	"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"   \
	"q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#define PROMETHEUS_3                                                                               \
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"                   \
	"application/openmetrics-text;version=0.0.1;q=0.5,"                                        \
	"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"      \
	"*/*;q=0.2"

static void the_format_is_the_one_liked_best(void **state)
{
	static const struct {
		const char *accept;
		enum pt_format format;
	} cases[] = {
		{ NULL, PT_TEXT },
		{ "", PT_TEXT },
		{ "*/*", PT_TEXT },
		{ "text/plain", PT_TEXT },
		{ "text/*", PT_TEXT },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PT_TEXT },
		{ "application/openmetrics-text", PT_OPENMETRICS },
		{ "Application/OpenMetrics-Text", PT_OPENMETRICS },
		{ "application/*", PT_OPENMETRICS },
		{ "application/openmetrics-text; version=1.0.0; charset=utf-8", PT_OPENMETRICS },
		{ "application/openmetrics-text;version=\"1.0.0\"", PT_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1", PT_TEXT },
		{ "application/openmetrics-text;version=2.0.0,text/plain;q=0.1", PT_TEXT },
		{ PROMETHEUS_2_42, PT_OPENMETRICS },
		{ PROMETHEUS_3, PT_OPENMETRICS },
		{ "application/openmetrics-text,*/*", PT_OPENMETRICS },
		{ "*/*,application/openmetrics-text", PT_OPENMETRICS },
		{ "text/plain,application/openmetrics-text", PT_TEXT },
		{ "application/openmetrics-text,text/plain", PT_TEXT },
		{ "application/openmetrics-text;q=0.4,text/plain;q=0.5", PT_TEXT },
		{ "application/openmetrics-text;q=0.5,text/plain;q=0.4", PT_OPENMETRICS },
		{ "application/openmetrics-text;q=0.501,text/plain;q=0.5", PT_OPENMETRICS },
		{ "application/openmetrics-text ; q=0.5 , text/plain\t;\tq=0.4", PT_OPENMETRICS },
		{ "application/openmetrics-text;q=0.4,text/plain\t;\tq=0.5", PT_TEXT },
		{ "application/openmetrics-text;q=0.4,*/*;q=0.5", PT_TEXT },
		{ "application/openmetrics-text;Q=0.5,text/plain;q=0.4", PT_OPENMETRICS },
		{ "application/openmetrics-text;q=0,*/*;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=0", PT_TEXT },
		{ "text/plain;q=0,application/openmetrics-text;q=0.001", PT_OPENMETRICS },
		{ "text/plain;q=0,*/*", PT_OPENMETRICS }, /* the exact range decides for text */
		{ "application/openmetrics-text;q=2,text/plain;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=1.001,text/plain;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=-1,text/plain;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=0.5555,text/plain;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=,text/plain;q=0.1", PT_TEXT },
		{ "application/openmetrics-text;q=1.000", PT_OPENMETRICS },
		{ "application/openmetrics-text;q=1.", PT_OPENMETRICS },
		{ "image/png", PT_TEXT },
		{ "application/openmetrics-textual", PT_TEXT },
		{ "x;a=\",application/openmetrics-text\"", PT_TEXT }, /* a comma in quotes */
		{ "x;a=\"\\\",application/openmetrics-text", PT_TEXT },
		{ ",,,;;;==,application/openmetrics-text", PT_OPENMETRICS },
		{ ";q=1", PT_TEXT },
		{ "\"", PT_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %s\n", cases[i].accept ? cases[i].accept : "(none)");
		assert_int_equal(pt_accept_format(cases[i].accept), cases[i].format);
	}
}

static void gzip_is_sent_to_those_who_want_it(void **state)
{
	static const struct {
		const char *accept;
		bool gzip;
	} cases[] = {
		{ NULL, false },
		{ "", false },
		{ "identity", false },
		{ "deflate, br", false },
		{ "gzip", true },
		{ "GZip", true },
		{ "x-gzip", true },
		{ "deflate, gzip;q=1.0, *;q=0.5", true },
		{ "gzip;q=0.001", true },
		{ "gzip;q=0", false },
		{ "gzip;q=0.000", false },
		{ "gzip;q=0, *", false },
		{ "*", true },
		{ "*;q=0", false },
		{ "gzip, *;q=0", true },
		{ "identity;q=0.5, gzip;q=1.0", true },
		{ "identity;q=1.0, gzip;q=0.5", false },
		{ "identity;q=0, gzip;q=0.5", true },
		{ "gzip;q=nonsense", false },
		{ "gzipped", false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %s\n", cases[i].accept ? cases[i].accept : "(none)");
		assert_int_equal(pt_accept_gzip(cases[i].accept), cases[i].gzip);
	}
}

/* Returns how many bytes came out. */
static size_t gunzip(const char *in, size_t in_size, char *out, size_t out_size)
{
	z_stream stream = { .next_in = (Bytef *)in,
			    .avail_in = in_size,
			    .next_out = (Bytef *)out,
			    .avail_out = out_size };

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	return stream.total_out;
}

static void what_was_zipped_comes_out_again(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 100000, 3000000 };
	static char plain[3000000], zipped[3100000], again[3000001];

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(plain); i++) /* half of it does not compress at all */
		plain[i] = i % 100000 < 50000 ? rand() : 'a' + (int)i % 7;

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		struct evbuffer *buffer = evbuffer_new();
		struct pt_gzip *gzip = pt_gzip_begin(buffer);
		size_t len;

		print_message("  %zu bytes\n", sizes[i]);
		assert_non_null(gzip);
		for (size_t at = 0; at < sizes[i]; at += 8192) { /* in pieces, as the page is */
			evbuffer_add(buffer, plain + at,
				     sizes[i] - at < 8192 ? sizes[i] - at : 8192);
			assert_int_equal(evbuffer_get_length(buffer), 0); /* none stays */
		}
		assert_int_equal(pt_gzip_end(gzip), 0);
		len = evbuffer_remove(buffer, zipped, sizeof(zipped));
		assert_int_equal(gunzip(zipped, len, again, sizeof(again)), sizes[i]);
		assert_memory_equal(again, plain, sizes[i]);
		evbuffer_free(buffer);
	}
}

/* The page tells which format it was asked in; the problem comes and goes by turns. */
static int write_page(struct evbuffer *out, enum pt_format format, void *arg)
{
	int *broken = arg;

	if (*broken)
		return -ENOMEM;
	for (int i = 0; i < 1000; i++)
		evbuffer_add_printf(out, "%s %d\n", format == PT_TEXT ? "text" : "open", i);
	return 0;
}

static const char *turn(void *arg)
{
	static int turns;

	(void)arg;
	return turns++ % 2 ? NULL : "the kernel said no";
}

struct server {
	pid_t pid;
	int port;
};

static _Noreturn void run_server(int family, int port_fd, int broken)
{
	const struct pt_http_source source = { write_page, turn, &broken };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct event_base *base = event_base_new();
	struct pt_http *http;
	int port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	pt_agent_log_level = PT_LOG_ERROR;
	if (family == AF_INET)
		http = pt_http_new(base, (struct sockaddr *)&in, sizeof(in), &source);
	else
		http = pt_http_new(base, (struct sockaddr *)&in6, sizeof(in6), &source);
	port = http ? pt_http_port(http) : 0;
	if (write(port_fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}

static struct server start(int family, int broken)
{
	struct server server;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	server.pid = fork();
	if (!server.pid)
		run_server(family, fds[1], broken);
	assert_int_equal(read(fds[0], &server.port, sizeof(server.port)), sizeof(server.port));
	assert_int_not_equal(server.port, 0);
	close(fds[0]);
	close(fds[1]);
	return server;
}

static void stop(struct server server)
{
	kill(server.pid, SIGKILL);
	waitpid(server.pid, NULL, 0);
}

/* A connection whose every wait ends after ten seconds at the latest. */
static int dial(struct server server)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(server.port) };
	const struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

/* Everything until the server closes, terminated. Returns the length. */
static size_t receive(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size - 1 && (got = read(fd, ret + len, size - 1 - len)) > 0)
		len += got;
	ret[len] = '\0';
	return len;
}

static size_t ask(struct server server, const char *request, char *ret, size_t size)
{
	int fd = dial(server);
	size_t len = strlen(request);

	assert_int_equal(write(fd, request, len), len);
	len = receive(fd, ret, size);
	close(fd);
	return len;
}

#define CLOSE "\r\nHost: x\r\nConnection: close\r\n"

static void each_request_has_its_answer(void **state)
{
	static const struct {
		const char *request;
		const char *wanted[6]; /* the first is how the answer begins */
	} cases[] = {
		{ "GET /healthz HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 200 ", "text/plain", "\r\n\r\nok\n" } },
		{ "GET /readyz HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 503 ", "\r\n\r\nthe kernel said no\n" } },
		{ "GET /readyz HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 200 ", "\r\n\r\nok\n" } },
		{ "GET / HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 200 ", "Content-Type: text/html", "<noscript>", "href=\"metrics\"",
		    "href=\"healthz\"", "href=\"readyz\"" } },
		{ "GET /?x HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 200 ", "Content-Security-Policy: default-src 'none'; ",
		    "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
		    "Cache-Control: no-cache" } },
		{ "GET /page.css HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 200 ", "text/css" } },
		{ "GET /page.mjs HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 200 ", "text/javascript" } },
		{ "GET /icon.svg HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 200 ", "image/svg+xml" } },
		{ "POST / HTTP/1.1" CLOSE "Content-Length: 0\r\n\r\n", { "HTTP/1.1 405 " } },
		{ "GET /page HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 404 " } },
		{ "GET //page.css HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 404 " } },
		{ "GET /metrics HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 200 ", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		    "Vary: Accept, Accept-Encoding\r\n", "\r\n\r\ntext 0\n", "text 999\n" } },
		{ "GET /metrics?name=x HTTP/1.0\r\n\r\n", { "HTTP/1.0 200 ", "text 0\n" } },
		{ "GET http://x/metrics HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 200 ", "text 0\n" } },
		{ "GET /metrics HTTP/1.1" CLOSE "Accept: application/openmetrics-text\r\n\r\n",
		  { "HTTP/1.1 200 ",
		    "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n",
		    "open 0\n" } },
		{ "GET /metrics HTTP/1.1" CLOSE
		  "Accept: text/plain;q=0.5\r\naccept: application/openmetrics-text\r\n\r\n",
		  { "HTTP/1.1 200 ", "open 0\n" } },
		{ "POST /metrics HTTP/1.1" CLOSE "Content-Length: 1\r\n\r\nx",
		  { "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n" } },
		{ "DELETE /healthz HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n" } },
		{ "OPTIONS /readyz HTTP/1.1" CLOSE "\r\n",
		  { "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n" } },
		{ "GET /nothing HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 404 " } },
		{ "GET /metrics/ HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 404 " } },
		{ "GET /%00 HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 404 " } },
		{ "OPTIONS * HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 4" } },
		{ "BREW / HTTP/1.1" CLOSE "\r\n", { "HTTP/1.1 501 " } },
	};
	struct server server = start(AF_INET, 0);
	static char answer[65536];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		print_message("  %.*s\n", (int)strcspn(cases[i].request, "\r"), cases[i].request);
		ask(server, cases[i].request, answer, sizeof(answer));
		assert_ptr_equal(strstr(answer, cases[i].wanted[0]), answer);
		for (int k = 1; k < 6 && cases[i].wanted[k]; k++)
			assert_non_null(strstr(answer, cases[i].wanted[k]));
	}
	stop(server);
}

static void head_has_the_length_and_no_body(void **state)
{
	struct server server = start(AF_INET, 0);
	static char answer[65536];
	char wanted[64];
	char *body;
	size_t len;

	(void)state;
	ask(server, "GET /metrics HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	snprintf(wanted, sizeof(wanted), "Content-Length: %zu\r\n", strlen(body + 4));
	assert_non_null(strstr(answer, wanted));

	len = ask(server, "HEAD /metrics HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, wanted));
	assert_ptr_equal(strstr(answer, "\r\n\r\n"), answer + len - 4);
	stop(server);
}

static void a_page_is_zipped_on_demand(void **state)
{
	struct server server = start(AF_INET, 0);
	static char answer[65536], page[65536];
	char *body;
	size_t len;

	(void)state;
	len = ask(server, "GET /metrics HTTP/1.1" CLOSE "Accept-Encoding: gzip\r\n\r\n", answer,
		  sizeof(answer));
	assert_non_null(strstr(answer, "Content-Encoding: gzip\r\n"));
	assert_non_null(strstr(answer, "Vary: Accept, Accept-Encoding\r\n"));
	body = strstr(answer, "\r\n\r\n") + 4;
	len = gunzip(body, answer + len - body, page, sizeof(page) - 1);
	page[len] = '\0';
	assert_ptr_equal(strstr(page, "text 0\n"), page);
	assert_string_equal(page + len - strlen("text 999\n"), "text 999\n");

	ask(server, "GET /metrics HTTP/1.1" CLOSE "Accept-Encoding: gzip;q=0\r\n\r\n", answer,
	    sizeof(answer));
	assert_null(strstr(answer, "Content-Encoding"));
	stop(server);
}

static void a_file_is_sent_as_it_is_wanted(void **state)
{
	static char answer[65536], again[65536], request[256], text[65536];
	struct server server = start(AF_INET, 0);
	char *body, *tag;
	size_t len;

	(void)state;
	ask(server, "GET /page.mjs HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	assert_null(strstr(answer, "Content-Encoding"));
	body = strstr(answer, "\r\n\r\n") + 4;
	tag = strstr(answer, "ETag: W/") + strlen("ETag: W/");

	len = ask(server, "GET /page.mjs HTTP/1.1" CLOSE "Accept-Encoding: gzip\r\n\r\n", again,
		  sizeof(again));
	assert_non_null(strstr(again, "Content-Encoding: gzip\r\n"));
	assert_non_null(strstr(again, "Vary: Accept-Encoding\r\n"));
	text[gunzip(strstr(again, "\r\n\r\n") + 4, again + len - strstr(again, "\r\n\r\n") - 4,
		    text, sizeof(text) - 1)] = '\0';
	assert_string_equal(text, body);

	snprintf(request, sizeof(request),
		 "GET /page.mjs HTTP/1.1" CLOSE "If-None-Match: \"x\", %.*s\r\n\r\n",
		 (int)strcspn(tag, "\r"), tag);
	len = ask(server, request, again, sizeof(again));
	assert_ptr_equal(strstr(again, "HTTP/1.1 304 "), again);
	assert_ptr_equal(strstr(again, "\r\n\r\n"), again + len - 4);
	snprintf(request, sizeof(request),
		 "GET /page.css HTTP/1.1" CLOSE "If-None-Match: %.*s\r\n\r\n",
		 (int)strcspn(tag, "\r"), tag);
	ask(server, request, again, sizeof(again));
	assert_ptr_equal(strstr(again, "HTTP/1.1 200 "), again);
	stop(server);
}

static void a_page_that_fails_is_an_error_in_words(void **state)
{
	struct server server = start(AF_INET, 1);
	char answer[4096];

	(void)state;
	ask(server, "GET /metrics HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	assert_ptr_equal(strstr(answer, "HTTP/1.1 500 "), answer);
	assert_non_null(strstr(answer, "Cannot allocate memory\n"));
	ask(server, "GET /metrics HTTP/1.1" CLOSE "Accept-Encoding: gzip\r\n\r\n", answer,
	    sizeof(answer));
	assert_ptr_equal(strstr(answer, "HTTP/1.1 500 "), answer);
	assert_non_null(strstr(answer, "Cannot allocate memory\n"));
	stop(server);
}

static void large_requests_are_refused(void **state)
{
	static char request[65536], answer[4096], filler[20000];
	struct server server = start(AF_INET, 0);

	(void)state;
	memset(filler, 'a', sizeof(filler) - 1);

	snprintf(request, sizeof(request), "GET /healthz HTTP/1.1" CLOSE "X: %s\r\n\r\n", filler);
	ask(server, request, answer, sizeof(answer));
	assert_null(strstr(answer, "200 OK"));
	snprintf(request, sizeof(request), "GET /%s HTTP/1.1" CLOSE "\r\n", filler);
	ask(server, request, answer, sizeof(answer));
	assert_null(strstr(answer, "200 OK"));
	snprintf(request, sizeof(request),
		 "GET /healthz HTTP/1.1" CLOSE "Content-Length: 19999\r\n\r\n%s", filler);
	ask(server, request, answer, sizeof(answer));
	assert_null(strstr(answer, "200 OK"));

	ask(server, "GET /healthz HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "200 OK"));
	stop(server);
}

static int count_fds(pid_t pid)
{
	char path[64];
	int count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		count += !access(path, F_OK);
	}
	return count;
}

/* Clients that connect and say nothing may fill the house, but no more than the house. */
static void the_number_of_connections_is_bounded(void **state)
{
	struct server server = start(AF_INET, 0);
	int fds[200], last = 0, count = 0;
	char answer[4096];

	(void)state;
	for (size_t i = 0; i < LENGTH(fds); i++)
		fds[i] = dial(server);
	/* until it accepts no more */
	for (int i = 0; i < 100 && (count < 64 || count != last); i++) {
		last = count;
		usleep(100000);
		count = count_fds(server.pid);
	}
	assert_in_range(count, 64, 130);

	for (size_t i = 0; i < LENGTH(fds); i++)
		close(fds[i]);
	ask(server, "GET /healthz HTTP/1.1" CLOSE "\r\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "200 OK"));
	stop(server);
}

static void ipv6_is_served_too(void **state)
{
	struct server server = start(AF_INET6, 0);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = htons(server.port) };
	static const char request[] = "GET /healthz HTTP/1.1" CLOSE "\r\n";
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];

	(void)state;
	assert_int_equal(connect(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	receive(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, "200 OK"));
	close(fd);
	stop(server);
}

static void a_port_in_use_is_an_error(void **state)
{
	const struct pt_http_source source = { write_page, turn, NULL };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct server server = start(AF_INET, 0);
	struct event_base *base = event_base_new();

	(void)state;
	in.sin_port = htons(server.port);
	assert_null(pt_http_new(base, (struct sockaddr *)&in, sizeof(in), &source));
	assert_int_equal(errno, EADDRINUSE);
	event_base_free(base);
	stop(server);
}

static void a_port_is_free_again_whoever_has_its_socket(void **state)
{
	const struct pt_http_source source = { write_page, turn, NULL };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct event_base *base = event_base_new();
	struct pt_http *http = pt_http_new(base, (struct sockaddr *)&in, sizeof(in), &source);
	pid_t child;

	(void)state;
	in.sin_port = htons(pt_http_port(http));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pt_http_free(http);
	http = pt_http_new(base, (struct sockaddr *)&in, sizeof(in), &source);
	assert_non_null(http);
	assert_int_equal(pt_http_port(http), ntohs(in.sin_port));
	pt_http_free(http);
	event_base_free(base);
	stop((struct server){ .pid = child });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_is_the_one_liked_best),
		cmocka_unit_test(gzip_is_sent_to_those_who_want_it),
		cmocka_unit_test(what_was_zipped_comes_out_again),
		cmocka_unit_test(each_request_has_its_answer),
		cmocka_unit_test(head_has_the_length_and_no_body),
		cmocka_unit_test(a_page_is_zipped_on_demand),
		cmocka_unit_test(a_file_is_sent_as_it_is_wanted),
		cmocka_unit_test(a_page_that_fails_is_an_error_in_words),
		cmocka_unit_test(large_requests_are_refused),
		cmocka_unit_test(the_number_of_connections_is_bounded),
		cmocka_unit_test(ipv6_is_served_too),
		cmocka_unit_test(a_port_in_use_is_an_error),
		cmocka_unit_test(a_port_is_free_again_whoever_has_its_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
