// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Compress an evbuffer. */
#include "agent/gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <zlib.h>

#define GZIP_HEADER 16 /* added to the window bits, asks zlib for gzip's header and trailer */

/* A window of 8 KiB holds some eighty lines, and a line's like is never further away; with a memory
 * level of 6 all of zlib needs 64 KiB instead of 256. */
#define WINDOW_BITS  13
#define MEMORY_LEVEL 6

/* Runs the stream over its input, and to its end if that was the last of it. */
static int deflate_into(struct evbuffer *out, z_stream *stream, bool last)
{
	struct evbuffer_iovec space;
	int result;

	do {
		if (evbuffer_reserve_space(out, 4096, &space, 1) != 1)
			return -ENOMEM;
		stream->next_out = space.iov_base;
		stream->avail_out = space.iov_len;
		result = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
		space.iov_len -= stream->avail_out;
		if (evbuffer_commit_space(out, &space, 1))
			return -ENOMEM;
	} while (last ? result == Z_OK : !stream->avail_out);

	return 0;
}

static int deflate_buffer(struct evbuffer *in, struct evbuffer *out, z_stream *stream)
{
	struct evbuffer_iovec piece;
	struct evbuffer_ptr at;
	int err = 0;

	evbuffer_ptr_set(in, &at, 0, EVBUFFER_PTR_SET);
	while (!err && evbuffer_peek(in, -1, &at, &piece, 1) > 0 && piece.iov_len) {
		stream->next_in = piece.iov_base;
		stream->avail_in = piece.iov_len;
		err = deflate_into(out, stream, false);
		if (evbuffer_ptr_set(in, &at, piece.iov_len, EVBUFFER_PTR_ADD))
			break;
	}
	stream->avail_in = 0;

	return err ? err : deflate_into(out, stream, true);
}

int pt_gzip(struct evbuffer *buffer)
{
	struct evbuffer *out = evbuffer_new();
	z_stream stream = {};
	int err = -ENOMEM;

	if (!out)
		return err;
	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_HEADER, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		goto free_out;

	err = deflate_buffer(buffer, out, &stream);
	deflateEnd(&stream);
	if (!err) {
		evbuffer_drain(buffer, evbuffer_get_length(buffer));
		err = evbuffer_add_buffer(buffer, out) ? -ENOMEM : 0;
	}

free_out:
	evbuffer_free(out);
	return err;
}
