/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What people call what the maps have numbers for. */
#ifndef PT_WORDS_H
#define PT_WORDS_H

#include "bpf/types.h"

extern const char *const pt_http_methods[PT_METHOD_COUNT];
extern const char *const pt_http_roles[PT_ROLE_COUNT];
extern const char *const pt_http_sides[PT_BY_COUNT];
extern const char *const pt_http_lost_reasons[PT_LOST_COUNT];
extern const char *const pt_tls_modes[PT_TLS_MODES]; /* PT_TLS_UNSAID: "" */
extern const char *const pt_unseen_reasons[PT_UNSEEN_COUNT];

/* "200", past the pod's budget "2xx", or "unknown". */
#define PT_HTTP_STATUS_MAX 8
void pt_http_status(__u16 status, char text[PT_HTTP_STATUS_MAX]);

#endif
