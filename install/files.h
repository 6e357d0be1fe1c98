/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Files that others read while they are written: each is there as it was or as it is to be,
 * whatever happens in between. Functions return 0 or a negative errno and print nothing. */
#ifndef PT_FILES_H
#define PT_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* Of a network configuration; real ones have a few KiB. */
#define PT_CONF_MAX (1024 * 1024)

/* All temporary files begin with this, and none has an ending that a runtime reads. */
#define PT_TEMP_PREFIX ".podtag-"

struct pt_file {
	char *text; /* terminated */
	size_t size;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

/* Reads a regular file, through a symbolic link too. -EFBIG: more than max bytes; -EISDIR; -EINVAL:
 * a device or the like. The caller frees. */
int pt_file_read(const char *path, size_t max, struct pt_file *ret);

/* A zeroed file is fine. */
void pt_file_free(struct pt_file *file);

bool pt_file_equal(const struct pt_file *file, const void *bytes, size_t size);

/* The path of a file of that name in dir, PATH_MAX bytes. One that is too long is cut, and not
 * found. */
void pt_path(char *ret, const char *dir, const char *name);

/* Writes size bytes to a new file in dir with the mode and owner of like, down to the disk, and
 * tells its path (PATH_MAX bytes). */
int pt_temp_write(const char *dir, const void *bytes, size_t size, const struct pt_file *like,
		  char *ret_path);

/* Gives that file its name in the same dir. */
int pt_temp_commit(const char *temp, const char *path);

/* Puts text in the place of what path has, with mode and owner of before, which it must still be:
 * -ESTALE when it is not. Of a symbolic link, what it points to is replaced. before may have no
 * text: the file is new. */
int pt_file_replace(const char *path, const char *text, const struct pt_file *before);

/* Down to the disk. */
int pt_dir_sync(const char *dir);

/* Removes what a killed pt_temp_write() has left. */
void pt_dir_clean(const char *dir);

/* Makes a runtime that watches the folder read it again: containerd does so when a file goes, and
 * has been seen to miss renames. */
int pt_dir_poke(const char *dir);

/* Takes a lock on the folder, LOCK_SH or LOCK_EX, waiting seconds at most; -EWOULDBLOCK after that.
 * Returns a file descriptor; closing it gives the lock back. No file is made for it. */
int pt_dir_lock(const char *dir, int operation, int seconds);

#endif
