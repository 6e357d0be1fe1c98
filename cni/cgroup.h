/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The pod's cgroup, from the runtime's cgroupPath. */
#ifndef PT_CGROUP_H
#define PT_CGROUP_H

#include <stddef.h>

#include <linux/types.h>

/* Where cgroup_path is below the cgroup2 mount, without leading slash. CRI-O gives a systemd
 * slice's last component alone, which is expanded. Returns 0 or -EINVAL: not a path of a pod's
 * cgroup. */
int pt_cgroup_relative(const char *cgroup_path, char *ret, size_t size);

/* The cgroup's id, which is the inode number of its directory. Returns 0 or a negative errno. */
int pt_cgroup_find(const char *cgroup_path, __u64 *ret);

#endif
