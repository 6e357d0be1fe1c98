/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which hook counts and marks a pod's packets. */
#ifndef PT_ATTACH_H
#define PT_ATTACH_H

#include "cni/link.h"
#include "cni/session.h"

/* The mark of a pod: its id shifted into the mask. Returns 0, or -EOVERFLOW when it has more bits
 * than the mask. */
int pt_mark_make(__u64 pod_id, __u32 mask, __u32 *ret);

/* Attaches the traffic programs where they fit best, and sets hook and reason of the attachment
 * that pt_pod_begin() made. before: the hook that an earlier ADD left, which is kept. mark_mask: 0,
 * or also let them write skb->mark. What cannot be had is noted in the session. */
void pt_attach(struct pt_session *session, const struct pt_link *link, enum pt_hook before,
	       __u32 mark_mask, struct pt_attachment *attachment);

#endif
