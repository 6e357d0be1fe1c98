/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* containerd's configuration, as far as its folders for CNI go. */
#ifndef PT_TOML_H
#define PT_TOML_H

#include <limits.h>

#define PT_TOML_BINS 4

struct pt_toml {
	char conf_dir[PATH_MAX];               /* "": not set */
	char bin_dirs[PT_TOML_BINS][PATH_MAX]; /* the same */
};

/* Reads bin_dir, bin_dirs and conf_dir of the section that ends in .cni, each on a line of its own
 * as containerd and distributions write them. It is no TOML parser: a value of these that it cannot
 * read, and imports, are complained of. No such file is no configuration. */
void pt_toml_read(const char *path, struct pt_toml *ret);

#endif
