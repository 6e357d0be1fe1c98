// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The agent's server: what a client sends, on a real connection, and what it gets back.
 *
 * An input is a byte of choices and what the client sends, in pieces that end at each 0xff (no byte
 * of a request that anybody sends): the server sees them one after the other.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <zlib.h>

#include "agent/http.h"
#include "agent/log.h"
#include "tests/fuzz/fuzz.h"

#define PIECE_END 0xff
#define TURNS_MAX 200 /* of the loop; a connection that is served needs a few */

/* libevent is not instrumented: a new status or length class is what tells of a new path in it. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t seen[1024];

static const char page[] = "# HELP x X.\n# TYPE x counter\nx_total{a=\"b\"} 17\n";

static struct {
	struct event_base *base;
	struct sockaddr_un address;
	socklen_t address_size;
	bool fails;
	bool is_ready;
} server;

static int write_metrics(struct evbuffer *out, enum pt_format format, void *arg)
{
	(void)arg;
	if (server.fails)
		return -ENOMEM;
	evbuffer_add_printf(out, "%s%s", page, format == PT_OPENMETRICS ? "# EOF\n" : "");
	return 0;
}

static const char *problem(void *arg)
{
	(void)arg;
	return server.is_ready ? NULL : "not yet";
}

/* In the abstract name space, where a connection leaves nothing behind. */
static void start(void)
{
	const struct pt_http_source source = { write_metrics, problem, NULL };
	int size;

	pt_agent_log_level = PT_LOG_ERROR;
	server.address.sun_family = AF_UNIX;
	size = snprintf(server.address.sun_path + 1, sizeof(server.address.sun_path) - 1,
			"podtag-fuzz-%d", getpid());
	server.address_size = offsetof(struct sockaddr_un, sun_path) + 1 + size;
	server.base = event_base_new();
	must(server.base && pt_http_new(server.base, (struct sockaddr *)&server.address,
					server.address_size, &source));
}

/* What there is to read. Returns false at the end of the connection. */
static bool receive(int fd, struct evbuffer *answer)
{
	char buffer[16384];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		evbuffer_add(answer, buffer, n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Returns false after the last one. */
static bool send_piece(int fd, struct fuzz *in)
{
	const uint8_t *end = memchr(in->at, PIECE_END, in->left);
	size_t size = end ? (size_t)(end - in->at) : in->left;

	send(fd, in->at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	size += end != NULL;
	in->at += size;
	in->left -= size;
	if (!in->left)
		shutdown(fd, SHUT_WR);
	return in->left;
}

/* Until the server closes, which it has to. */
static void converse(struct fuzz *in, struct evbuffer *answer)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), turns = 0;
	bool is_sending = true;

	must(!connect(fd, (struct sockaddr *)&server.address, server.address_size));
	do {
		if (is_sending)
			is_sending = send_piece(fd, in);
		event_base_loop(server.base, EVLOOP_NONBLOCK);
		must(is_sending || turns++ < TURNS_MAX);
	} while (receive(fd, answer));
	close(fd);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
}

/* The header's value up to the end of its line, or NULL. */
static const char *header(const char *head, const char *name)
{
	size_t size = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (!strncasecmp(line, name, size) && line[size] == ':')
			return line + size + 1 + strspn(line + size + 1, " ");
	}
	return NULL;
}

static void check_gzip(const char *body, size_t size)
{
	char plain[512] = "";
	z_stream stream = { .next_in = (Bytef *)body,
			    .avail_in = size,
			    .next_out = (Bytef *)plain,
			    .avail_out = sizeof(plain) - 1 };

	must(inflateInit2(&stream, 15 + 16) == Z_OK);
	must(inflate(&stream, Z_FINISH) == Z_STREAM_END && !stream.avail_in);
	inflateEnd(&stream);
	must(!strncmp(plain, page, strlen(page)));
}

static void check_body(int status, const char *head, const char *body, size_t size)
{
	const char *type = header(head, "Content-Type");

	must(type);
	if (!size || status != 200 || strncmp(type, "text/plain; version", 19))
		return;
	if (header(head, "Content-Encoding"))
		check_gzip(body, size);
	else
		must(size == strlen(page) && !memcmp(body, page, size));
}

/* One response after the other, each as long as it says, and nothing between them. */
static void check_answer(char *at, const char *end)
{
	static const int known[] = { 200, 400, 404, 405, 413, 417, 500, 501, 503 };

	while (at < end) {
		char *body = strstr(at, "\r\n\r\n");
		const char *length;
		int status;
		size_t size;
		bool is_known = false;

		must(body && sscanf(at, "HTTP/%*d.%*d %d ", &status) == 1);
		*body = '\0';
		body += 4;
		seen[status % 1024]++;
		if (status == 100) {
			at = body;
			continue;
		}
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			is_known |= status == known[i];
		must(is_known);
		length = header(at, "Content-Length");
		/* with libevent's own 400 the end is that of the connection */
		must(length || status >= 400);
		size = length ? strtoul(length, NULL, 10) : (size_t)(end - body);
		if (!strncmp(body, "HTTP/", 5) || body == end)
			size = 0; /* to a HEAD */
		must(size <= (size_t)(end - body));
		check_body(status, at, body, size);
		at = body + size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	struct evbuffer *answer = evbuffer_new();
	uint8_t choices = fuzz_byte(&in);
	size_t length;
	int free_fd;
	char *text;

	if (!server.base)
		start();
	server.is_ready = choices & 1;
	server.fails = choices & 2;
	free_fd = fuzz_free_fd();
	converse(&in, answer);
	must(fuzz_free_fd() == free_fd);

	length = evbuffer_get_length(answer);
	text = malloc(length + 1);
	must(text && evbuffer_remove(answer, text, length) == (int)length);
	text[length] = '\0';
	check_answer(text, text + length);
	free(text);
	evbuffer_free(answer);
	return 0;
}
