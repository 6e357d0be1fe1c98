/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The network configurations of a folder, and which of them the runtime uses. */
#ifndef PT_BASE_H
#define PT_BASE_H

#include "install/conflist.h"
#include "install/files.h"

/* What a conflist that is made of a .conf has behind that one's name: '-' sorts before '.', so it
 * comes just before the .conf. */
#define PT_MADE_SUFFIX "-podtag.conflist"

/* One configuration file, as it was read. */
struct pt_conf_file {
	char path[PATH_MAX];
	bool is_list; /* .conflist; .conf and .json have one plugin */
	bool made;    /* by podtag-install out of a .conf, and still as it was made */
	int err;      /* a negative errno: it cannot be read */
	bool valid;
	char why[256]; /* not */
	struct pt_file file;
	struct pt_chain chain;
};

struct pt_conf_dir {
	struct pt_conf_file *files; /* in the order in which libcni takes them */
	size_t count;
};

/* Reads all of them. Returns 0 or a negative errno; the caller frees. */
int pt_conf_dir_read(const char *dir, struct pt_conf_dir *ret);

/* A zeroed one is fine. */
void pt_conf_dir_free(struct pt_conf_dir *dir);

/* The first valid one that the base CNI wrote, or NULL. (Before an invalid one, containerd gives
 * up, and CRI-O goes on to the next.) That is the one to add to, unless it is a .conf. */
const struct pt_conf_file *pt_conf_dir_base(const struct pt_conf_dir *dir);

/* Where the chain with podtag goes: the base itself, or beside a .conf a conflist that sorts before
 * it. */
void pt_base_target(const struct pt_conf_file *base, char *ret_path);

#endif
