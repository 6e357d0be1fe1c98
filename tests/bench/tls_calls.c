// SPDX-License-Identifier: BSD-2-Clause
/* Times calls of the TLS library: a request and its response between two sessions in this process,
 * whose bytes go through memory, so that there is nothing around the calls.
 *
 * usage: tls_calls CERT KEY REQUESTS
 *
 * Prints "READ WRITE": what a call of SSL_read() and of SSL_write() takes, in ns; medians.
 */
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char request[] = "GET /file HTTP/1.1\r\nHost: 10.7.0.2\r\nUser-Agent: calls\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nServer: calls\r\nContent-Type: text/plain\r\n"
			       "Content-Length: 10\r\nConnection: keep-alive\r\n\r\n0123456789";

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned long long median(uint64_t *times, size_t count)
{
	qsort(times, count, sizeof(*times), by_size);
	return times[count / 2];
}

/* From one session to the other. */
static int pass(SSL *from, SSL *to, const char *text, int size, uint64_t *write_ns,
		uint64_t *read_ns)
{
	uint64_t start = now_ns();
	char buffer[512];
	int written, got;

	written = SSL_write(from, text, size);
	*write_ns = now_ns() - start;
	start = now_ns();
	got = SSL_read(to, buffer, sizeof(buffer));
	*read_ns = now_ns() - start;
	return written == size && got == size && !memcmp(buffer, text, size);
}

static int connect_both(SSL *server, SSL *client)
{
	BIO *left, *right;

	if (!server || !client || !BIO_new_bio_pair(&left, 0, &right, 0))
		return 0;
	SSL_set_bio(server, left, left);
	SSL_set_bio(client, right, right);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 10; i++)
		if (SSL_do_handshake(client) == 1 && SSL_do_handshake(server) == 1)
			return 1;
		else
			SSL_do_handshake(server);
	return 0;
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	size_t count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	uint64_t *reads = calloc(2 * count, sizeof(*reads));
	uint64_t *writes = calloc(2 * count, sizeof(*writes));
	SSL *server, *client;

	if (!count || !reads || !writes) {
		fputs("usage: tls_calls CERT KEY REQUESTS\n", stderr);
		return 2;
	}
	if (SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1) {
		fputs("tls_calls: no certificate\n", stderr);
		return 1;
	}
	server = SSL_new(context);
	client = SSL_new(context);
	if (!connect_both(server, client)) {
		fputs("tls_calls: no handshake\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < 2 * count; i += 2) {
		if (!pass(client, server, request, sizeof(request) - 1, &writes[i], &reads[i]) ||
		    !pass(server, client, response, sizeof(response) - 1, &writes[i + 1],
			  &reads[i + 1])) {
			fputs("tls_calls: what came is not what was sent\n", stderr);
			return 1;
		}
	}
	printf("%llu %llu\n", median(reads, 2 * count), median(writes, 2 * count));
	SSL_free(server);
	SSL_free(client);
	return 0;
}
