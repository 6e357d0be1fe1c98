/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A group setup for cmocka: a mount namespace of the test's own with an empty bpffs, so that no
 * test meets the pins of another run, or of a node. */
#ifndef PRIVATE_BPFFS_H
#define PRIVATE_BPFFS_H

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

static int private_bpffs(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL)) {
		perror("private bpffs");
		return -1;
	}
	return 0;
}

#endif
