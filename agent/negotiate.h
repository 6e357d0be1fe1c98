/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a client wants: the Accept and Accept-Encoding headers, with their q values. */
#ifndef PT_AGENT_NEGOTIATE_H
#define PT_AGENT_NEGOTIATE_H

#include <stdbool.h>

#include "agent/exposition.h"

/* The format the header likes best; on a tie the one it names more exactly, then Prometheus text,
 * which is also what a client gets that accepts neither, or sent no header (NULL). */
enum pt_format pt_accept_format(const char *accept);

/* Whether gzip is welcome: named with q above 0, and not liked less than no encoding. */
bool pt_accept_gzip(const char *accept_encoding);

#endif
