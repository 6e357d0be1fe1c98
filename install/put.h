/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Change one network configuration of a node. */
#ifndef PT_PUT_H
#define PT_PUT_H

#include "install/detect.h"

/* What a backup has behind the name of the file, an ending that no runtime reads. */
#define PT_BACKUP_SUFFIX ".pre-podtag"

/* One file's change; a text that is NULL is a file that does not exist. */
struct pt_change {
	char path[PATH_MAX];
	struct pt_file before;
	char *after;
};

/* What has to change so that podtag is in the chain that the runtime uses; after is NULL when
 * nothing has. Returns 0, or -1 with a complaint. Free it. */
int pt_change_plan(const struct pt_node *node, struct pt_change *ret);

/* A zeroed one is fine. */
void pt_change_free(struct pt_change *change);

/* Writes it; -ESTALE: the file is not as it was before any more. With a backup, beside it. */
int pt_change_apply(const struct pt_change *change, bool backup);

/* Writes what was before again, unless somebody else has written since. */
int pt_change_undo(const struct pt_change *change);

#endif
