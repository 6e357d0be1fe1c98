/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Basic auth: whose password is right, at a price that a scrape can pay. */
#ifndef PT_AGENT_AUTH_H
#define PT_AGENT_AUTH_H

#include "agent/web_config.h"

enum pt_auth_verdict {
	PT_AUTH_PASSED,
	PT_AUTH_WRONG,
	PT_AUTH_LATER, /* not looked at: there were too many wrong ones */
};

struct pt_auth;

/* NULL for want of memory or of random numbers. */
struct pt_auth *pt_auth_new(void);

/* header is the request's Authorization, or NULL; peer the address of who sent it. config has a
 * user. */
enum pt_auth_verdict pt_auth_check(struct pt_auth *auth, const struct pt_web_config *config,
				   const char *header, const char *peer);

/* NULL is fine. */
void pt_auth_free(struct pt_auth *auth);

#endif
