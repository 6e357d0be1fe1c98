// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Segments of a connection, in any order and with anything in them: the engine ends on each, counts
 * no more than was asked, and what it takes whole gives what steps give.
 *
 * Input: for each segment a byte of direction (1), order (2: sent again, 4: one is missing before
 * it, 8: FIN, 16: RST), a byte of length, and the bytes.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/http1.h"

#define AGAIN  2
#define BEHIND 4
#define FIN    8
#define RST    16

static struct pt_http_conn conn, by_steps;
static __u32 sent[2];
static __u64 asked, counted;
static __u32 index_before;

static void tally(const struct pt_http_done *done)
{
	if (conn.asked > index_before) /* a fault takes back what was none */
		asked += conn.asked - index_before;
	index_before = conn.asked;
	counted += done->is_done + done->aborted;
	must(counted <= asked);
	must(!done->is_done || done->start_ns <= done->duration_ns);
	must(done->status <= 599 && done->method < PT_METHOD_COUNT);
}

/* Where a connection is; the rest is said anew by the next message. */
static void is_like(const struct pt_http_conn *a, const struct pt_http_conn *b)
{
	must(a->asked == b->asked && a->answered == b->answered && a->faults == b->faults);
	must(a->is_opaque == b->is_opaque && a->is_running == b->is_running);
	for (int i = 0; i < 2; i++) {
		must(a->half[i].next == b->half[i].next && a->half[i].seen == b->half[i].seen);
		must(a->half[i].state == b->half[i].state);
		must(a->half[i].has_holes == b->half[i].has_holes);
	}
}

/* The same segment again in steps, to a connection that was like this one. */
static void feed_steps(enum pt_http_direction direction, const struct pt_http_segment *segment,
		       char *source, const struct pt_http_done *whole)
{
	struct pt_http_done done = {};
	int steps = 0;

	while (feed(&by_steps, direction, segment, source, NULL, &done))
		must(++steps <= 4 * (int)segment->length + 4);
	must(!memcmp(&done, whole, sizeof(done)));
	is_like(&conn, &by_steps);
}

static void feed_segment(__u8 how, const __u8 *bytes, size_t length, __u64 now)
{
	enum pt_http_direction direction = how & 1;
	struct pt_http_segment segment = {
		.now_ns = now,
		.seq = sent[direction] + (how & BEHIND ? 7 : 0) - (how & AGAIN ? length / 2 : 0),
		.length = length,
		.received = sent[direction],
	};
	int steps = 0, more = length > 0;
	char *source = malloc(length + !length);

	memcpy(source, bytes, length);
	if (is_at_message(&conn.half[direction], &segment)) {
		struct pt_http_done done = {};

		by_steps = conn;
		more = !feed_whole(&conn, direction, &segment, source, NULL, &done);
		tally(&done);
		if (!more)
			feed_steps(direction, &segment, source, &done);
	}
	while (more) {
		struct pt_http_done done = {};

		more = feed(&conn, direction, &segment, source, NULL, &done);
		tally(&done);
		must(++steps <= 4 * (int)length + 4);
	}
	if (how & (FIN | RST)) {
		struct pt_http_done done = {};

		close_half(&conn, direction, &segment, how & RST, &done);
		tally(&done);
	}
	if (!(how & (AGAIN | BEHIND)))
		sent[direction] += length;
	free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	memset(&conn, 0, sizeof(conn));
	conn.requests = size % 2;
	conn.closed_by = PT_BY_COUNT;
	sent[0] = sent[1] = 0xffffff00;
	asked = counted = index_before = 0;
	for (__u64 now = 1; end - data >= 2 && !conn.is_opaque; now++) {
		__u8 how = data[0];
		size_t length = data[1];

		data += 2;
		if (length > (size_t)(end - data))
			length = end - data;
		feed_segment(how, data, length, now);
		data += length;
	}
	return 0;
}
