/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where this node's runtime has its network configuration and its plugins. */
#ifndef PT_DETECT_H
#define PT_DETECT_H

#include "install/base.h"
#include "install/install.h"

struct pt_node {
	char conf_dir[PATH_MAX];
	char bin_dir[PATH_MAX]; /* "": not found */
	struct pt_conf_dir confs;
	const struct pt_conf_file *base; /* of confs; NULL: none is there (yet) */
};

/* A folder that is not given as an option is one of those that distributions use: the first one
 * with a network configuration; and for plugins the first one that has the plugin which that
 * configuration names first. Returns 0, or -1 with a complaint; the caller frees in both cases. */
int pt_node_find(const struct pt_options *options, struct pt_node *ret);

/* A zeroed one is fine. */
void pt_node_free(struct pt_node *node);

/* The folders in which a network configuration may appear, to be watched: the option's alone, or
 * all. Returns how many. */
size_t pt_conf_dirs(const struct pt_options *options, const char **ret, size_t max);

#endif
