// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the kernel says about this process. */
#include "agent/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t to_ns(struct timespec t)
{
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Reads a small file of /proc as text. Without stdio, which would keep a buffer for each. */
static bool read_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, ret, size - 1);
	close(fd);
	if (len < 0)
		return false;

	ret[len] = '\0';
	return true;
}

/* Since 1970. /proc says it in ticks since boot. */
static uint64_t start_ns(void)
{
	struct timespec boottime, realtime;
	unsigned long long ticks;
	char text[1024], *p;

	if (!read_text("/proc/self/stat", text, sizeof(text)))
		return 0;
	p = strrchr(text, ')'); /* the end of the name, which may hold anything */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return 0;
	ticks = strtoull(p, NULL, 10);

	clock_gettime(CLOCK_BOOTTIME, &boottime);
	clock_gettime(CLOCK_REALTIME, &realtime);
	return to_ns(realtime) - to_ns(boottime) + ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

static void read_memory(struct pt_process *ret)
{
	unsigned long pages, resident;
	char text[128];

	if (!read_text("/proc/self/statm", text, sizeof(text)) ||
	    sscanf(text, "%lu %lu", &pages, &resident) != 2)
		return;

	ret->virtual_bytes = (uint64_t)pages * sysconf(_SC_PAGESIZE);
	ret->resident_bytes = (uint64_t)resident * sysconf(_SC_PAGESIZE);
}

static uint64_t count_fds(void)
{
	DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t count = 0;

	if (!stream)
		return 0;
	while ((entry = readdir(stream)))
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count - 1; /* without the stream's own */
}

void pt_process_read(struct pt_process *ret)
{
	static uint64_t started_ns; /* read once: adjusting the clock must not move it */
	struct rlimit limit;
	struct timespec cpu;

	*ret = (struct pt_process){};
	if (!started_ns)
		started_ns = start_ns();
	ret->start_ns = started_ns;

	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu))
		ret->cpu_ns = to_ns(cpu);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		ret->max_fds = limit.rlim_cur;
	ret->open_fds = count_fds();
	read_memory(ret);
}
