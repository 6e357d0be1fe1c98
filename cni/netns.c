// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The network namespace that CNI_NETNS names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cni/netns.h"

int pt_netns_open(const char *path, __u32 *inode)
{
	/* O_NONBLOCK because the path may be anything, a FIFO too */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &st)) {
		close(fd);
		return -EINVAL;
	}
	*inode = st.st_ino;
	return fd;
}

__u32 pt_netns_own(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

int pt_netns_is_own(const char *path)
{
	struct stat own, other;

	if (stat("/proc/self/ns/net", &own) || stat(path, &other))
		return -errno;
	return own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}
