/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP/1 engine outside the kernel: segments in, what was counted out. */
#ifndef PT_TESTS_HTTP1_H
#define PT_TESTS_HTTP1_H

#include <stdio.h>
#include <string.h>

#include <linux/bpf.h>

static inline int load_bytes(const void *source, unsigned offset, void *to, unsigned count)
{
	memcpy(to, (const char *)source + offset, count);
	return 0;
}

#define pt_http_copy(source, offset, to, count) load_bytes(source, offset, to, count)
#define pt_http_lock(lock)                      ((void)(lock))
#define pt_http_unlock(lock)                    ((void)(lock))

#include "bpf/http/feed.h"

/* What a connection has counted, a line each: "GET 200 start duration", "lost 1 0", "aborted 1 0".
 */
struct log {
	char text[8192];
	size_t length;
};

static inline void note(struct log *log, const struct pt_http_done *done)
{
	char *at = log->text + log->length;
	size_t room = sizeof(log->text) - log->length;
	int n = 0;

	if (done->is_done)
		n += snprintf(at + n, room - n, "%u %u %llu %llu\n", done->method, done->status,
			      done->start_ns, done->duration_ns);
	if (done->lost)
		n += snprintf(at + n, room - n, "lost %u %u\n", done->lost, done->lost_by);
	if (done->aborted)
		n += snprintf(at + n, room - n, "aborted %u %u\n", done->aborted, done->aborted_by);
	log->length += n;
}

/* A segment, as the program on the socket's packets handles it. */
static inline void segment_feed(struct pt_http_conn *conn, enum pt_http_direction direction,
				struct pt_http_segment *segment, void *source, struct log *log)
{
	struct pt_http_done whole = {};

	if (is_at_message(&conn->half[direction], segment) &&
	    feed_whole(conn, direction, segment, source, NULL, &whole)) {
		note(log, &whole);
		return;
	}
	for (int i = 0; i < 100000; i++) {
		struct pt_http_done done = {};
		int more = feed(conn, direction, segment, source, NULL, &done);

		note(log, &done);
		if (!more)
			return;
	}
	log->length += sprintf(log->text + log->length, "endless\n");
}

#endif
