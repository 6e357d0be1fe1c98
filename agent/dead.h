/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* End pods whose DEL never came. */
#ifndef PT_AGENT_DEAD_H
#define PT_AGENT_DEAD_H

#include <stddef.h>

#include "bpf/datapath.h"

struct pt_dead {
	struct pt_dead_one {
		struct pt_attachment_key key;
		struct pt_attachment attachment;
	} * ones;
	size_t count;
};

/* Finds attachments of pods that are certainly gone: the host end, where there is one, is no more
 * in the node's network namespace, and nothing that can be seen from here holds the pod's; one
 * without a host end must also have left libcni's cache. When in doubt a pod lives: a DEL may still
 * come. Call without the lock. Returns 0 or a negative errno; the caller frees. */
int pt_dead_find(const struct pt_datapath *dp, struct pt_dead *ret);

/* Ends them, as their DELs would have, if they are still what was found. Call with the lock held.
 * Returns 0 or the first negative errno. */
int pt_dead_end(struct pt_datapath *dp, const struct pt_dead *dead);

/* Zeroed is fine. */
void pt_dead_free(struct pt_dead *dead);

#endif
