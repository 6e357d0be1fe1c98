// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The pinned datapath as its users see it: the lock, opening and closing, the shared counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/bpf.h>

#include "bpf/datapath.h"

/* Between two tries for the lock, about. */
#define PAUSE_MAX_NS 2000000

const char *const pt_map_names[PT_MAP_COUNT] = {
#define X(id, name) [PT_MAP_##id] = #name,
	PT_MAPS(X)
#undef X
};

__u64 pt_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static bool is_bpffs(void)
{
	struct statfs fs;

	return !statfs(PT_BPFFS, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* Waits by trying: a blocking flock() could only be ended by a signal, and those are the caller's.
 * The longer it takes the more there are who wait, and the less often each of them tries: 64 that
 * never pause for long keep the holder from its CPU. */
static int lock_fd(int fd, int timeout_ms)
{
	struct timespec pause = { .tv_nsec = 100000 };
	const __u64 end_ns = pt_now_ns() + (timeout_ms < 0 ? 0 : timeout_ms * 1000000ull);

	if (timeout_ms < 0)
		return flock(fd, LOCK_EX) ? -errno : 0;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (pt_now_ns() >= end_ns)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MAX_NS)
			pause.tv_nsec *= 2;
	}
	return 0;
}

/* A node's folder that a container was given. A bpffs mounted over it would be the container's
 * alone, and die with it, while the plugin on the node mounts another. */
static bool is_lent(void)
{
	struct statx st;

	return !statx(AT_FDCWD, PT_BPFFS, 0, STATX_BASIC_STATS, &st) &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Two processes that mount at once would hide the pins of one under the mount of the other. */
static int mount_bpffs(int timeout_ms)
{
	int err, fd;

	if (is_bpffs())
		return 0;
	if (is_lent())
		return -ENODEV;

	fd = open("/sys/fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = lock_fd(fd, timeout_ms);
	if (!err && !is_bpffs() &&
	    mount("bpf", PT_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		err = -errno;
	close(fd);
	return err;
}

int pt_datapath_lock(int timeout_ms)
{
	int fd, err = mount_bpffs(timeout_ms);

	if (err)
		return err;
	if (mkdir(PT_ROOT, 0700) && errno != EEXIST)
		return -errno;

	fd = open(PT_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = lock_fd(fd, timeout_ms);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Maps that came to this layout later. What an older podtag has loaded lacks them until its
 * upgrade. */
static bool is_late(enum pt_map map)
{
	return map == PT_MAP_TLS_WANTED || map == PT_MAP_TLS_CONNECTIONS;
}

int pt_datapath_open_dir(const char *dir, struct pt_datapath *ret)
{
	struct pt_datapath dp = {};
	char path[128];
	int err = 0;

	for (int i = 0; i < PT_MAP_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/maps/%s", dir, pt_map_names[i]);
		dp.maps[i] = bpf_obj_get(path);
		if (dp.maps[i] < 0 && !err && !(is_late(i) && dp.maps[i] == -ENOENT))
			err = dp.maps[i];
	}
	if (err)
		goto close;

	dp.info = map_memory(dp.maps[PT_MAP_DATAPATH], sizeof(*dp.info));
	dp.gave_up = map_memory(dp.maps[PT_MAP_GAVE_UP], PT_REASONS_MAX * sizeof(*dp.gave_up));
	dp.operations = map_memory(dp.maps[PT_MAP_CNI_OPERATIONS],
				   PT_COMMAND_COUNT * sizeof(*dp.operations));
	if (!dp.info || !dp.gave_up || !dp.operations) {
		err = -errno;
		goto close;
	}
	*ret = dp;
	return 0;

close:
	pt_datapath_close(&dp);
	return err;
}

int pt_datapath_open(struct pt_datapath *ret)
{
	return pt_datapath_open_dir(PT_DIR, ret);
}

void pt_datapath_close(struct pt_datapath *dp)
{
	if (dp->info)
		munmap(dp->info, sizeof(*dp->info));
	if (dp->gave_up)
		munmap(dp->gave_up, PT_REASONS_MAX * sizeof(*dp->gave_up));
	if (dp->operations)
		munmap(dp->operations, PT_COMMAND_COUNT * sizeof(*dp->operations));
	for (int i = 0; i < PT_MAP_COUNT; i++)
		if (dp->maps[i] > 0)
			close(dp->maps[i]);
	*dp = (struct pt_datapath){};
}

void pt_gave_up(struct pt_datapath *dp, enum pt_reason reason)
{
	if (dp->gave_up)
		__atomic_fetch_add(&dp->gave_up[reason].count, 1, __ATOMIC_RELAXED);
}
