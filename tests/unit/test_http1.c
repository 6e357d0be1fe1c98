// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The HTTP/1 engine of the packet programs, in userspace: cut at every byte, out of order, sent
 * again, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/http1.h"

static struct pt_http_conn conn;
static struct log counted;
static __u32 sent[2]; /* stream positions */
static __u64 now;

/* A new connection whose requests come in, at positions that wrap. */
static void begin(void)
{
	memset(&conn, 0, sizeof(conn));
	memset(&counted, 0, sizeof(counted));
	conn.requests = PT_IN;
	conn.closed_by = PT_BY_COUNT;
	sent[PT_IN] = 0xfffffff0;
	sent[PT_OUT] = 0xffffff80;
	now = 0;
}

/* A segment from anywhere in the stream. The bytes are copied, so that ASan sees a read too many.
 */
static void segment_at(enum pt_http_direction direction, __u32 seq, const char *bytes,
		       size_t length)
{
	char *source = malloc(length);
	struct pt_http_segment segment = {
		.now_ns = ++now,
		.seq = seq,
		.length = length,
		.received = sent[direction],
	};

	memcpy(source, bytes, length);
	segment_feed(&conn, direction, &segment, source, &counted);
	free(source);
}

static void put(enum pt_http_direction direction, const char *bytes, size_t length)
{
	if (!length)
		return;
	segment_at(direction, sent[direction], bytes, length);
	sent[direction] += length;
}

static void ask_for(const char *text)
{
	put(PT_IN, text, strlen(text));
}

static void reply(const char *text)
{
	put(PT_OUT, text, strlen(text));
}

static void close_with(enum pt_http_direction direction, int is_reset)
{
	struct pt_http_done done = {};

	struct pt_http_segment segment = {
		.now_ns = ++now,
		.seq = sent[direction],
		.received = sent[direction],
	};

	close_half(&conn, direction, &segment, is_reset, &done);
	note(&counted, &done);
}

/* Methods and statuses of what was counted, without times: "1 200, 3 201, ". */
static const char *answers(void)
{
	static char text[1024];
	const char *line = counted.text;
	size_t length = 0;

	text[0] = '\0';
	for (; *line; line = strchr(line, '\n') + 1) {
		unsigned method, status;

		if (sscanf(line, "%u %u", &method, &status) == 2)
			length += snprintf(text + length, sizeof(text) - length, "%u %u, ", method,
					   status);
		else
			length += snprintf(text + length, sizeof(text) - length, "%.*s, ",
					   (int)(strchr(line, '\n') - line), line);
	}
	return text;
}

static const char *const requests[] = {
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	"PUT /a HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n10;x=y\r\n"
	"0123456789abcdef\r\n0\r\nTr: a\r\n\r\n",
	"HEAD /a HTTP/1.1\r\n\r\n",
	"PROPFIND / HTTP/1.1\r\ncontent-lengtx: 7\r\n\r\n",
	"\r\nOPTIONS * HTTP/1.1\nA:b\nB:c\n\n",
	"DELETE http://h/ HTTP/1.1\r\nContent-Length: 0\r\n folded: 9\r\n\r\n",
};
static const char *const responses[] = {
	"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5\r\nContent-Type: "
	"text/html\r\n\r\nhello",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	"HTTP/1.1 201 C\r\ncontent-length:   00000012  \r\n\r\n0123456789ab",
	"HTTP/1.1 404 NF\r\nTRANSFER-encoding: Chunked\r\nContent-Length: "
	"99\r\n\r\n1\r\nx\r\n000a\r\n"
	"0123456789\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
	"HTTP/1.1 204 \r\nX: y\r\n\r\n",
	"HTTP/1.0 304\n\n",
	"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\n\r\n",
};
#define EXCHANGES (sizeof(requests) / sizeof(*requests))
#define ALL       "1 200, 3 201, 4 404, 2 200, 10 204, 7 304, 5 0, "

static char asked[1024], replied[1024];

static int join_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXCHANGES; i++) {
		strcat(asked, requests[i]);
		strcat(replied, responses[i]);
	}
	return 0;
}

static void each_exchange_is_counted_once(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < EXCHANGES; i++) {
		ask_for(requests[i]);
		reply(responses[i]);
	}
	assert_string_equal(answers(), ALL);
}

static void a_pipeline_may_be_one_segment(void **state)
{
	(void)state;
	begin();
	ask_for(asked);
	reply(replied);
	assert_string_equal(answers(), ALL);
}

static void no_cut_changes_what_is_counted(void **state)
{
	size_t in = strlen(asked), out = strlen(replied);
	(void)state;

	for (size_t a = 0; a <= in; a++) {
		for (size_t b = a; b <= in; b++) {
			begin();
			put(PT_IN, asked, a);
			put(PT_IN, asked + a, b - a);
			put(PT_IN, asked + b, in - b);
			reply(replied);
			if (strcmp(answers(), ALL))
				fail_msg("requests cut at %zu and %zu: %s", a, b, answers());
		}
	}
	for (size_t a = 0; a <= out; a++) {
		for (size_t b = a; b <= out; b++) {
			begin();
			ask_for(asked);
			put(PT_OUT, replied, a);
			put(PT_OUT, replied + a, b - a);
			put(PT_OUT, replied + b, out - b);
			if (strcmp(answers(), ALL))
				fail_msg("responses cut at %zu and %zu: %s", a, b, answers());
		}
	}
}

/* What is one message in one segment is taken in one go, but not out of its turn. */
static void what_is_whole_has_its_turn(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char head[128];

	(void)state;
	begin();
	ask_for(get);
	reply(empty);
	assert_string_equal(answers(), "1 200, ");

	/* a response to HEAD has no body: this is not one, but the next response */
	ask_for("HEAD / HTTP/1.1\r\n\r\n");
	ask_for(get);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(empty), empty);
	reply(head);
	assert_string_equal(answers(), "1 200, 2 200, 1 200, ");

	reply(empty);
	assert_string_equal(answers(), "1 200, 2 200, 1 200, lost 1 2, ");

	segment_at(PT_IN, sent[PT_IN] + strlen(get), get, strlen(get));
	segment_at(PT_IN, sent[PT_IN] + 2 * strlen(get), get, strlen(get));
	assert_int_equal(conn.asked, 3);
	ask_for(get);
	assert_int_equal(conn.asked, 4);
}

static void bytes_may_come_one_by_one(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; asked[i]; i++)
		put(PT_IN, asked + i, 1);
	for (size_t i = 0; replied[i]; i++)
		put(PT_OUT, replied + i, 1);
	assert_string_equal(answers(), ALL);
}

static void times_are_those_of_the_first_and_last_bytes(void **state)
{
	(void)state;
	begin();
	ask_for("PO");                                          /* at 1 */
	ask_for("ST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"); /* at 2 */
	reply("HTTP/1.1 100 Continue\r\n\r\n");                 /* at 3 */
	reply("HTTP");                                          /* at 4 */
	reply("/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");     /* at 5 */
	reply("b");                                             /* at 6 */
	assert_string_equal(counted.text, "3 200 3 5\n");
}

/* Every segment sent twice, and again from its middle with a part of the next. */
static void what_is_sent_again_counts_once(void **state)
{
	size_t in = strlen(asked), out = strlen(replied);
	(void)state;

	for (size_t size = 1; size < 40; size++) {
		begin();
		for (size_t at = 0; at < in; at += size) {
			__u32 seq = sent[PT_IN];
			size_t length = at + size < in ? size : in - at;

			put(PT_IN, asked + at, length);
			segment_at(PT_IN, seq, asked + at, length);
			if (length > 1)
				segment_at(PT_IN, seq + length / 2, asked + at + length / 2,
					   length - length / 2);
		}
		for (size_t at = 0; at < out; at += size) {
			__u32 seq = sent[PT_OUT];
			size_t length = at + size < out ? size : out - at;

			put(PT_OUT, replied + at, length);
			segment_at(PT_OUT, seq, replied + at, length);
		}
		if (strcmp(answers(), ALL))
			fail_msg("in segments of %zu: %s", size, answers());
	}
}

/* A client's connection, on which responses come in out of order. */
static void a_body_may_come_in_any_order(void **state)
{
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n";
	__u32 first;
	(void)state;

	begin();
	conn.requests = PT_OUT;
	put(PT_OUT, requests[0], strlen(requests[0]));
	put(PT_IN, head, strlen(head));
	first = sent[PT_IN];
	segment_at(PT_IN, first + 20, "2222222222", 10);
	segment_at(PT_IN, first + 10, "1111111111", 10);
	assert_string_equal(answers(), "");
	segment_at(PT_IN, first, "0000000000", 10); /* at 5 */
	assert_string_equal(answers(), "1 200, ");

	sent[PT_IN] += 30;
	put(PT_OUT, requests[0], strlen(requests[0]));
	put(PT_IN, responses[0], strlen(responses[0]));
	assert_string_equal(counted.text, "1 200 1 4\n1 200 1 1\n");
}

/* The head's end came before its beginning: nobody knows the length, so the next request tells. */
static void a_head_out_of_order_is_ended_by_the_next_request(void **state)
{
	const char *response = responses[0];
	(void)state;

	begin();
	conn.requests = PT_OUT;
	put(PT_OUT, requests[0], strlen(requests[0]));
	segment_at(PT_IN, sent[PT_IN] + 20, response + 20, strlen(response) - 20); /* at 2 */
	segment_at(PT_IN, sent[PT_IN], response, 20);                              /* at 3 */
	sent[PT_IN] += strlen(response);
	put(PT_OUT, requests[0], strlen(requests[0]));
	put(PT_IN, response, strlen(response));
	assert_string_equal(counted.text, "1 200 2 2\n1 200 1 1\n");
}

static void a_body_without_length_ends_with_the_connection(void **state)
{
	(void)state;
	begin();
	ask_for(requests[0]);
	reply("HTTP/1.0 200 OK\r\n\r\nsome");
	reply("HTTP/1.1 500 in the body\r\n\r\n");
	assert_string_equal(answers(), "");
	close_with(PT_OUT, 0);
	assert_string_equal(counted.text, "1 200 1 3\n");
}

static void who_closes_first_has_aborted(void **state)
{
	(void)state;
	begin();
	ask_for(requests[0]);
	close_with(PT_IN, 0); /* half closed: may still be answered */
	assert_string_equal(answers(), "");
	reply(responses[0]);
	close_with(PT_OUT, 0);
	assert_string_equal(answers(), "1 200, ");

	begin();
	ask_for(requests[0]);
	close_with(PT_IN, 1);
	assert_string_equal(answers(), "aborted 1 0, ");

	begin();
	ask_for(requests[0]);
	reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
	close_with(PT_OUT, 0);
	close_with(PT_IN, 0);
	assert_string_equal(answers(), "aborted 1 1, ");
}

static void a_tunnel_is_left_alone(void **state)
{
	(void)state;
	begin();
	ask_for("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
	reply("HTTP/1.1 101 Switching\r\n\r\n");
	assert_true(conn.is_opaque);
	assert_string_equal(answers(), "1 101, ");

	begin();
	ask_for("CONNECT h:443 HTTP/1.1\r\n\r\n");
	reply("HTTP/1.1 200 Established\r\nContent-Length: 7\r\n\r\n");
	assert_true(conn.is_opaque);
	assert_string_equal(answers(), "6 200, ");
}

static void what_only_begins_like_http_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"GET \x01\x02\x03\xff\xfe and more of it that is no request line\r\n",
		"EHLO mail.example.org\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 12x\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnosize\r\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		begin();
		ask_for(texts[i]);
		if (!conn.is_opaque)
			fail_msg("still looked at: %s", texts[i]);
		assert_string_equal(answers(), "");
	}
}

static void a_head_without_end_is_left_alone(void **state)
{
	static char line[1024];
	(void)state;

	memset(line, 'a', sizeof(line));
	begin();
	ask_for("GET / HTTP/1.1\r\n");
	for (int i = 0; i < PT_HTTP_HEAD_MAX / 1024 + 1 && !conn.is_opaque; i++)
		put(PT_IN, line, sizeof(line));
	assert_true(conn.is_opaque);
}

static void too_deep_a_pipeline_is_counted_as_lost(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 10; i++)
		ask_for(requests[0]);
	for (int i = 0; i < 10; i++)
		reply(responses[0]);
	ask_for(requests[3]);
	reply(responses[3]);
	assert_string_equal(answers(),
			    "lost 1 1, lost 1 1, 1 200, 1 200, 1 200, 1 200, 1 200, 1 200, "
			    "1 200, 1 200, 2 200, ");
}

/* What came before podtag did: from the next message on all is known. */
static void an_old_connection_is_taken_up(void **state)
{
	(void)state;
	begin();
	reply("the rest of a response");
	ask_for(requests[0]);
	reply(responses[0]);
	assert_string_equal(answers(), "1 200, ");

	begin();
	reply(responses[0]); /* to a request that nobody saw */
	ask_for(requests[0]);
	reply(responses[4]);
	assert_string_equal(answers(), "lost 1 2, 1 204, ");
}

/* Whatever comes, nothing is read that is not there and every request is accounted for. */
static void noise_is_survived(void **state)
{
	static const char letters[] = "GET /HTTP1.20\r\n: chunkedolp-5";
	char bytes[300];
	(void)state;

	srand(1);
	for (int round = 0; round < 20000; round++) {
		begin();
		for (int i = 0; i < 8; i++) {
			size_t length = 1 + rand() % sizeof(bytes);
			int direction = rand() % 2;

			for (size_t j = 0; j < length; j++)
				bytes[j] = letters[rand() % (sizeof(letters) - 1)];
			if (rand() % 2) {
				const char *text = direction ? replied : asked;

				memcpy(bytes, text, length < 200 ? length : 200);
			}
			if (rand() % 8 == 0)
				sent[direction] += rand() % 400 - 200;
			put(direction, bytes, length);
		}
		assert_null(strstr(counted.text, "endless"));
		assert_true(conn.asked - conn.answered <= conn.asked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_exchange_is_counted_once),
		cmocka_unit_test(a_pipeline_may_be_one_segment),
		cmocka_unit_test(no_cut_changes_what_is_counted),
		cmocka_unit_test(what_is_whole_has_its_turn),
		cmocka_unit_test(bytes_may_come_one_by_one),
		cmocka_unit_test(times_are_those_of_the_first_and_last_bytes),
		cmocka_unit_test(what_is_sent_again_counts_once),
		cmocka_unit_test(a_body_may_come_in_any_order),
		cmocka_unit_test(a_head_out_of_order_is_ended_by_the_next_request),
		cmocka_unit_test(a_body_without_length_ends_with_the_connection),
		cmocka_unit_test(who_closes_first_has_aborted),
		cmocka_unit_test(a_tunnel_is_left_alone),
		cmocka_unit_test(what_only_begins_like_http_is_left_alone),
		cmocka_unit_test(a_head_without_end_is_left_alone),
		cmocka_unit_test(too_deep_a_pipeline_is_counted_as_lost),
		cmocka_unit_test(an_old_connection_is_taken_up),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, join_all, NULL);
}
