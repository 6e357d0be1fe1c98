// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Log lines: to stderr, and to logFile where the config names one. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cni/log.h"
#include "cni/text.h"

const char *const pt_log_level_names[PT_LOG_LEVELS] = { "error", "warn", "info", "debug" };

static struct {
	enum pt_log_level level;
	const char *file;
	const char *command;
	char container_id[129];
} setup = { .level = PT_LOG_WARN, .container_id = "-" };

void pt_log_setup(enum pt_log_level level, const char *file, const char *command,
		  const char *container_id)
{
	setup.level = level;
	setup.file = file;
	setup.command = command;
	/* GC and STATUS need none, so nobody has looked at theirs */
	pt_text_clean(setup.container_id, sizeof(setup.container_id),
		      container_id ? container_id : "-");
}

/* O_NONBLOCK so that a FIFO in the file's place cannot stop a pod from starting. */
static int file_open(const char *path, struct stat *ret)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0640);

	if (fd >= 0 && (fstat(fd, ret) || !S_ISREG(ret->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Of many processes that see the full file at once, only the one with the lock renames it, and only
 * while it still has that name. */
static bool file_rotate(int fd, const char *path, const struct stat *full)
{
	char rotated[4096];
	struct stat now;

	if (flock(fd, LOCK_EX | LOCK_NB) || lstat(path, &now) || now.st_ino != full->st_ino ||
	    now.st_dev != full->st_dev)
		return false;
	if (snprintf(rotated, sizeof(rotated), "%s.1", path) >= (int)sizeof(rotated))
		return false;
	return !rename(path, rotated);
}

static void file_append(const char *path, const char *line, size_t size)
{
	struct stat st;
	int fd = file_open(path, &st);

	if (fd >= 0 && st.st_size >= PT_LOG_FILE_MAX && file_rotate(fd, path, &st)) {
		close(fd);
		fd = file_open(path, &st);
	}
	if (fd < 0)
		return;
	if (write(fd, line, size) < 0) {
		/* a full disk must not keep a pod from starting */
	}
	close(fd);
}

void pt_log(enum pt_log_level level, const char *format, ...)
{
	char raw[1024], text[1024], line[2048], when[32];
	const char *command = setup.command ? setup.command : "-";
	struct timespec now;
	struct tm utc;
	va_list args;
	int size;

	if (level > setup.level)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	pt_text_clean(text, sizeof(text), raw);
	fprintf(stderr, "podtag: %s: %s %s: %s\n", pt_log_level_names[level], command,
		setup.container_id, text);

	if (!setup.file)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	size = snprintf(line, sizeof(line), "%s.%03ldZ podtag[%d] %s: %s %s: %s\n", when,
			now.tv_nsec / 1000000, getpid(), pt_log_level_names[level], command,
			setup.container_id, text);
	file_append(setup.file, line, size);
}
