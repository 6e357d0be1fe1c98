/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Compress an evbuffer. */
#ifndef PT_AGENT_GZIP_H
#define PT_AGENT_GZIP_H

#include <event2/buffer.h>

/* Replaces what is in the buffer by the same in gzip format. Returns 0, or -ENOMEM with the buffer
 * as it was. */
int pt_gzip(struct evbuffer *buffer);

#endif
