// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Files that others read while they are written. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cni/io.h"
#include "install/files.h"

void pt_path(char *ret, const char *dir, const char *name)
{
	snprintf(ret, PATH_MAX, "%s/%s", dir, name);
}

static int read_text(int fd, size_t max, struct pt_file *file)
{
	ssize_t n = 1;

	if (file->size > max)
		return -EFBIG;
	file->text = malloc(file->size + 1);
	if (!file->text)
		return -ENOMEM;
	for (size_t used = 0; used < file->size; used += n) {
		n = read(fd, file->text + used, file->size - used);
		if (n < 0)
			return -errno;
		if (!n)
			file->size = used; /* it was cut in the meantime */
	}
	file->text[file->size] = '\0';
	return 0;
}

int pt_file_read(const char *path, size_t max, struct pt_file *ret)
{
	/* O_NONBLOCK because it may be anything, a FIFO too */
	int err = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct pt_file file = {};
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (!err) {
		file = (struct pt_file){ .size = st.st_size,
					 .mode = st.st_mode & 07777,
					 .uid = st.st_uid,
					 .gid = st.st_gid,
					 .mtime = st.st_mtim };
		err = read_text(fd, max, &file);
	}
	close(fd);
	if (err)
		pt_file_free(&file);
	else
		*ret = file;
	return err;
}

void pt_file_free(struct pt_file *file)
{
	free(file->text);
	*file = (struct pt_file){};
}

bool pt_file_equal(const struct pt_file *file, const void *bytes, size_t size)
{
	return file->text && file->size == size && !memcmp(file->text, bytes, size);
}

int pt_temp_write(const char *dir, const void *bytes, size_t size, const struct pt_file *like,
		  char *ret_path)
{
	int err, fd;

	pt_path(ret_path, dir, PT_TEMP_PREFIX "XXXXXX");
	fd = mkostemp(ret_path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = pt_write_all(fd, bytes, size);
	if (!err && (like->uid != geteuid() || like->gid != getegid()) &&
	    fchown(fd, like->uid, like->gid))
		err = -errno;
	if (!err && (fchmod(fd, like->mode) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (err)
		unlink(ret_path);
	return err;
}

int pt_dir_sync(const char *dir)
{
	int err, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static void dir_of(const char *path, char *ret)
{
	snprintf(ret, PATH_MAX, "%s", path);
	*strrchr(ret, '/') = '\0';
}

int pt_temp_commit(const char *temp, const char *path)
{
	char dir[PATH_MAX];

	if (rename(temp, path)) {
		int err = -errno;

		unlink(temp);
		return err;
	}
	dir_of(path, dir);
	return pt_dir_sync(dir);
}

/* -ESTALE: not as before any more. */
static int check_unchanged(const char *path, const struct pt_file *before)
{
	struct pt_file now = {};
	int err = pt_file_read(path, PT_CONF_MAX, &now);

	if (err == -ENOENT)
		err = before->text ? -ESTALE : 0;
	else if (!err && (!before->text || !pt_file_equal(&now, before->text, before->size)))
		err = -ESTALE;
	pt_file_free(&now);
	return err;
}

int pt_file_replace(const char *path, const char *text, const struct pt_file *before)
{
	char real[PATH_MAX], dir[PATH_MAX], temp[PATH_MAX];
	int err;

	if (!realpath(path, real)) {
		if (errno != ENOENT)
			return -errno;
		snprintf(real, sizeof(real), "%s", path);
	}
	dir_of(real, dir);
	pt_dir_clean(dir);
	err = pt_temp_write(dir, text, strlen(text), before, temp);
	if (err)
		return err;
	err = check_unchanged(real, before);
	if (err)
		unlink(temp);
	return err ? err : pt_temp_commit(temp, real);
}

void pt_dir_clean(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (!strncmp(entry->d_name, PT_TEMP_PREFIX, strlen(PT_TEMP_PREFIX)))
			unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
}

int pt_dir_poke(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	pt_path(path, dir, PT_TEMP_PREFIX "poke");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return unlink(path) ? -errno : 0;
}

int pt_dir_lock(const char *dir, int operation, int seconds)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000000 };
	int tries = seconds * 20, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (flock(fd, operation | LOCK_NB)) {
		int err = -errno;

		if (err != -EWOULDBLOCK || tries-- <= 0) {
			close(fd);
			return err;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}
