// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The pod's cgroup, from the runtime's cgroupPath. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cni/cgroup.h"

#define SLICE ".slice"

static bool is_slice(const char *name)
{
	size_t size = strlen(name);

	return size > strlen(SLICE) && !strcmp(name + size - strlen(SLICE), SLICE);
}

/* a-b.slice lies in a.slice: systemd.slice(5). An empty part (a--b, -a, a-) is no slice's name. */
static int expand_slice(const char *name, char *ret, size_t size)
{
	size_t end = strlen(name) - strlen(SLICE), used = 0;

	for (size_t i = 0; i <= end; i++) {
		int n;

		if (i < end && name[i] != '-')
			continue;
		if (!i || name[i - 1] == '-')
			return -EINVAL;
		n = snprintf(ret + used, size - used, "%s%.*s" SLICE, used ? "/" : "", (int)i,
			     name);
		if ((size_t)n >= size - used)
			return -EINVAL;
		used += n;
	}
	return 0;
}

/* "." is the mount itself, in as many pieces as it may come. */
static bool is_below_the_mount(const char *path)
{
	bool is_below = false;
	size_t size;

	for (; *path; path += size) {
		path += strspn(path, "/");
		size = strcspn(path, "/");
		if (size == 2 && !strncmp(path, "..", 2))
			return false;
		is_below |= size > 1 || (size == 1 && *path != '.');
	}
	return is_below;
}

int pt_cgroup_relative(const char *cgroup_path, char *ret, size_t size)
{
	cgroup_path += strspn(cgroup_path, "/");
	if (!is_below_the_mount(cgroup_path))
		return -EINVAL; /* the root is no pod's */
	if (!strchr(cgroup_path, '/') && is_slice(cgroup_path))
		return expand_slice(cgroup_path, ret, size);
	if ((size_t)snprintf(ret, size, "%s", cgroup_path) >= size)
		return -EINVAL;
	return 0;
}

int pt_cgroup_find(const char *cgroup_path, __u64 *ret)
{
	const char *mount = "/sys/fs/cgroup";
	char relative[3072], path[4096];
	struct statfs fs;
	struct stat st;
	int fd, err;

	err = pt_cgroup_relative(cgroup_path, relative, sizeof(relative));
	if (err)
		return err;
	if (statfs(mount, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		mount = "/sys/fs/cgroup/unified"; /* beside the v1 hierarchies */

	snprintf(path, sizeof(path), "%s/%s", mount, relative);
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		err = -errno;
	else if (fs.f_type != CGROUP2_SUPER_MAGIC)
		err = -ENOENT;
	else
		*ret = st.st_ino;
	close(fd);
	return err;
}
