/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The network namespaces that can be seen from here. */
#ifndef PT_NAMESPACES_H
#define PT_NAMESPACES_H

#include <linux/types.h>

/* A path that leads there, if nothing is mounted over it, and the namespace's inode number. Returns
 * 0 to go on, or a negative errno. */
typedef int pt_namespace_fn(const char *path, __u32 inode, void *arg);

/* Calls fn for each that is mounted, as runtimes keep them, and for that of each process: some come
 * more than once. Returns 0, what fn returned, or a negative errno when not all could be seen. */
int pt_namespaces_each(pt_namespace_fn *fn, void *arg);

#endif
