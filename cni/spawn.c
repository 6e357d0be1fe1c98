// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "cni/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

int pt_spawn_load(void)
{
	char *const argv[] = { "podtag", "load", "http", NULL }, *const env[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	pid_t pid;
	int err;

	err = posix_spawn_file_actions_init(&files);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (err)
		goto destroy_files;
	err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !err; fd++)
		err = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	if (!err)
		err = posix_spawn(&pid, "/proc/self/exe", &files, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);

destroy_files:
	posix_spawn_file_actions_destroy(&files);
	return -err;
}
