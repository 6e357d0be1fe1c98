/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Compress what is added to an evbuffer. */
#ifndef PT_AGENT_GZIP_H
#define PT_AGENT_GZIP_H

#include <event2/buffer.h>

struct pt_gzip;

/* From now on what is added to the buffer, which is empty, is compressed and taken out of it at
 * once: a page of megabytes is never in memory as a whole. Returns NULL when there is no memory for
 * it. */
struct pt_gzip *pt_gzip_begin(struct evbuffer *buffer);

/* Ends that, and puts what was added into the buffer in gzip format. Frees gzip in any case.
 * Returns 0, or -ENOMEM with nothing in the buffer that were of use. */
int pt_gzip_end(struct pt_gzip *gzip);

#endif
