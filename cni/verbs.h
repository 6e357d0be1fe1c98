/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What each CNI command does, once its input is known to be valid.
 *
 * Each returns 0, or -1 with *err filled, which only failurePolicy closed can bring about. What
 * could not be done is noted in the session.
 */
#ifndef PT_VERBS_H
#define PT_VERBS_H

#include "cni/conf.h"
#include "cni/env.h"
#include "cni/session.h"

typedef int pt_verb_fn(const struct pt_env *env, const struct pt_conf *conf,
		       struct pt_session *session, struct pt_error *err);

pt_verb_fn pt_add;
pt_verb_fn pt_del;
pt_verb_fn pt_check;
pt_verb_fn pt_gc;

/* Fills the key under which ADD records what it did. */
void pt_attachment_key_fill(struct pt_attachment_key *ret, const char *network,
			    const char *container_id, const char *ifname);

/* Whether what ADD did is still there: its record, and the tc programs where it says. Returns 0, or
 * -1 with *err saying what is not. */
int pt_attachment_check(const struct pt_env *env, const char *network, struct pt_session *session,
			struct pt_error *err);

#endif
