// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Compress what is added to an evbuffer. */
#include "agent/gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_HEADER 16 /* added to the window bits, asks zlib for gzip's header and trailer */

/* A window of 8 KiB holds some eighty lines, and a line's like is never further away; with a memory
 * level of 6 all of zlib needs 64 KiB instead of 256. */
#define WINDOW_BITS  13
#define MEMORY_LEVEL 6

struct pt_gzip {
	struct evbuffer *buffer;
	struct evbuffer_cb_entry *callback;
	struct evbuffer *out;
	z_stream stream;
	int err;
};

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

static int deflate_buffer(struct pt_gzip *gzip)
{
	struct evbuffer_iovec piece;
	int err = 0;

	while (!err && evbuffer_peek(gzip->buffer, -1, NULL, &piece, 1) > 0) {
		gzip->stream.next_in = piece.iov_base;
		gzip->stream.avail_in = piece.iov_len;
		err = deflate_into(gzip->out, &gzip->stream, false);
		evbuffer_drain(gzip->buffer, piece.iov_len);
	}
	return err;
}

/* Draining calls it again, with nothing added. */
static void on_change(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
	struct pt_gzip *gzip = arg;

	(void)buffer;
	if (info->n_added && !gzip->err)
		gzip->err = deflate_buffer(gzip);
}

struct pt_gzip *pt_gzip_begin(struct evbuffer *buffer)
{
	struct pt_gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	gzip->buffer = buffer;
	gzip->out = evbuffer_new();
	if (!gzip->out)
		goto free_gzip;
	if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_HEADER,
			 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		goto free_out;
	gzip->callback = evbuffer_add_cb(buffer, on_change, gzip);
	if (gzip->callback)
		return gzip;

	deflateEnd(&gzip->stream);
free_out:
	evbuffer_free(gzip->out);
free_gzip:
	free(gzip);
	return NULL;
}

int pt_gzip_end(struct pt_gzip *gzip)
{
	int err = gzip->err;

	evbuffer_remove_cb_entry(gzip->buffer, gzip->callback);
	gzip->stream.avail_in = 0;
	if (!err)
		err = deflate_into(gzip->out, &gzip->stream, true);
	deflateEnd(&gzip->stream);
	if (!err)
		err = evbuffer_add_buffer(gzip->buffer, gzip->out) ? -ENOMEM : 0;

	evbuffer_free(gzip->out);
	free(gzip);
	return err;
}
