/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The network namespace that CNI_NETNS names. */
#ifndef PT_NETNS_H
#define PT_NETNS_H

#include <stdbool.h>

#include <linux/types.h>

/* Opens the namespace and tells its inode number. Returns a file descriptor or a negative errno;
 * -EINVAL: the path is something else. */
int pt_netns_open(const char *path, __u32 *inode);

/* The inode number of this process's own namespace, 0 when that cannot be told. */
__u32 pt_netns_own(void);

/* Whether the path is this process's own namespace: 1, 0, or a negative errno when that cannot be
 * told. */
int pt_netns_is_own(const char *path);

#endif
