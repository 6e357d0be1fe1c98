// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One ring buffer for each CPU, of the layout in linux/perf_event.h. */
#include "agent/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#define MOVED_MAX  1024 /* mappings to look for a file among, 1 ms or so */
#define RING_PAGES 8    /* of records, a power of 2; some 50 programs that start at once */

struct record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, size, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char name[];
};

struct ring {
	struct pt_mappings *mappings;
	struct event *readable;
	struct perf_event_mmap_page *page;
	int fd;
};

struct pt_mappings {
	const struct pt_mappings_events *events;
	void *arg;
	size_t size; /* of a ring's records */
	int cpus;
	struct ring rings[];
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Copies from a place in the ring, of which the end goes on at the beginning. */
static void copy_out(const struct ring *ring, uint64_t at, void *to, size_t size)
{
	const char *records = (const char *)ring->page + page_size();
	size_t room = ring->mappings->size, from = at & (room - 1);
	size_t first = size < room - from ? size : room - from;

	memcpy(to, records + from, first);
	memcpy((char *)to + first, records, size - first);
}

static void take(const struct ring *ring, const struct record *record)
{
	const struct pt_mapping mapping = {
		.pid = (pid_t)record->pid,
		.start = record->address,
		.end = record->address + record->size,
		.offset = record->offset,
		.major = record->major,
		.minor = record->minor,
		.inode = record->inode,
		.generation = record->generation,
	};

	if (record->inode && mapping.pid > 0)
		ring->mappings->events->mapped(&mapping, ring->mappings->arg);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ring *ring = arg;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	bool has_missed = false;

	(void)fd;
	(void)what;
	while (tail < head) {
		struct perf_event_header header;
		struct record record;

		copy_out(ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header))
			break; /* the kernel writes none */
		if (header.type == PERF_RECORD_MMAP2 && header.size >= sizeof(record)) {
			copy_out(ring, tail, &record, sizeof(record));
			take(ring, &record);
		}
		has_missed |= header.type == PERF_RECORD_LOST;
		tail += header.size;
	}
	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
	if (has_missed)
		ring->mappings->events->missed(ring->mappings->arg);
}

static int open_ring(struct ring *ring, int cpu, struct event_base *base)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1, /* those of code; mmap_data would be the others */
		.mmap2 = 1,
		.exclude_kernel = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
	void *page;

	ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return errno == ENODEV ? 0 : -errno; /* a CPU that is off */
	page = mmap(NULL, page_size() + ring->mappings->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    ring->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	ring->page = page;
	ring->readable = event_new(base, ring->fd, EV_READ | EV_PERSIST, on_readable, ring);
	return ring->readable && !event_add(ring->readable, NULL) ? 0 : -ENOMEM;
}

struct pt_mappings *pt_mappings_new(struct event_base *base,
				    const struct pt_mappings_events *events, void *arg)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct pt_mappings *mappings;

	if (cpus < 0) {
		errno = -cpus;
		return NULL;
	}
	mappings = calloc(1, sizeof(*mappings) + cpus * sizeof(*mappings->rings));
	if (!mappings)
		return NULL;
	mappings->events = events;
	mappings->arg = arg;
	mappings->size = RING_PAGES * page_size();
	mappings->cpus = cpus;
	for (int i = 0; i < cpus; i++)
		mappings->rings[i] = (struct ring){ .mappings = mappings, .fd = -1 };
	for (int i = 0; i < cpus && !err; i++)
		err = open_ring(&mappings->rings[i], i, base);
	if (!err)
		return mappings;
	pt_mappings_free(mappings);
	errno = -err;
	return NULL;
}

void pt_mappings_free(struct pt_mappings *mappings)
{
	if (!mappings)
		return;
	for (int i = 0; i < mappings->cpus; i++) {
		struct ring *ring = &mappings->rings[i];

		if (ring->readable)
			event_free(ring->readable);
		if (ring->page)
			munmap(ring->page, page_size() + mappings->size);
		if (ring->fd >= 0)
			close(ring->fd);
	}
	free(mappings);
}

int pt_mappings_read(pid_t pid, size_t max, pt_mapping_fn *fn, void *arg)
{
	char path[32], mode[5], *line = NULL;
	size_t room = 0;
	FILE *maps;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (!err && max-- && getline(&line, &room, maps) >= 0) {
		struct pt_mapping mapping = { .pid = pid };

		if (sscanf(line,
			   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32
			   " %" SCNu64,
			   &mapping.start, &mapping.end, mode, &mapping.offset, &mapping.major,
			   &mapping.minor, &mapping.inode) == 7 &&
		    mode[2] == 'x' && mapping.inode)
			err = fn(&mapping, arg);
	}
	if (!err && ferror(maps))
		err = -errno;
	free(line);
	fclose(maps);
	return err;
}

void pt_mapping_path(const struct pt_mapping *mapping, char *ret, size_t size)
{
	snprintf(ret, size, "/proc/%d/map_files/%jx-%jx", mapping->pid, (uintmax_t)mapping->start,
		 (uintmax_t)mapping->end);
}

struct moved {
	const struct pt_mapping *was;
	int fd;
};

static int open_moved(const struct pt_mapping *now, void *arg)
{
	struct moved *moved = arg;
	char path[80];

	if (now->inode != moved->was->inode || now->major != moved->was->major ||
	    now->minor != moved->was->minor)
		return 0;
	pt_mapping_path(now, path, sizeof(path));
	moved->fd = open(path, O_PATH | O_CLOEXEC);
	return moved->fd >= 0;
}

int pt_mapping_open(const struct pt_mapping *mapping)
{
	struct moved moved = { mapping, -1 };
	char path[80];
	int fd, err;

	pt_mapping_path(mapping, path, sizeof(path));
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	/* what runs at any address is mapped in one piece first, to have the room: programs by the
	 * kernel, and by the loader libraries of which code is the first segment, as on arm64; the
	 * other segments are cut out of that */
	err = pt_mappings_read(mapping->pid, MOVED_MAX, open_moved, &moved);
	if (moved.fd >= 0)
		return moved.fd;
	return err < 0 ? err : -ENOENT;
}
