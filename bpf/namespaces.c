// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The network namespaces that can be seen from here. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bpf/namespaces.h"

/* A mount of nsfs has "net:[INODE]" for its root, before the path. */
static int each_mount(pt_namespace_fn *fn, void *arg)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, path[PATH_MAX];
	unsigned int inode;
	size_t room = 0;
	int err = 0;

	if (!mounts)
		return -errno;
	while (!err && getline(&line, &room, mounts) >= 0) {
		if (sscanf(line, "%*s %*s %*s net:[%u] %4095s", &inode, path) == 2)
			err = fn(path, inode, arg);
	}
	if (!err && ferror(mounts))
		err = -EIO;
	free(line);
	fclose(mounts);
	return err;
}

static int each_process(pt_namespace_fn *fn, void *arg)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	struct stat st;
	char path[300];
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (errno = 0, entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		if (!stat(path, &st)) /* else it ended */
			err = fn(path, st.st_ino, arg);
	}
	if (!err && errno)
		err = -errno;
	closedir(proc);
	return err;
}

int pt_namespaces_each(pt_namespace_fn *fn, void *arg)
{
	int err = each_mount(fn, arg);

	return err ? err : each_process(fn, arg);
}
