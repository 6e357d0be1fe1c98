/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What outlives a CNI call. */
#ifndef PT_SPAWN_H
#define PT_SPAWN_H

/* Starts `podtag load http` with this binary, detached, with no descriptor and no variable of ours:
 * the HTTP programs keep the verifier busy for longer than a runtime should wait. Returns 0 or a
 * negative errno. */
int pt_spawn_load(void);

#endif
