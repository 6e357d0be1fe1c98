/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What pods want of TLS: by their annotation, or what the node wants. */
#ifndef PT_WISHES_H
#define PT_WISHES_H

#include <sys/types.h>

#include "bpf/types.h"

struct pt_wishes {
	enum pt_tls_mode node;
	int pods;   /* map pod_by_netns, negative while there is none */
	int wanted; /* map tls_wanted */
};

/* Opens the maps that are pinned now. What was open before is the caller's to close. */
void pt_wishes_open(struct pt_wishes *wishes);
void pt_wishes_close(struct pt_wishes *wishes);

/* What the pod of a process wants; PT_TLS_OFF for one that is in no pod. */
enum pt_tls_mode pt_wish_of(const struct pt_wishes *wishes, pid_t pid);

#endif
