/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which processes map which files to run their code: what there is, and what comes. */
#ifndef PT_MAPPINGS_H
#define PT_MAPPINGS_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pt_mappings;

/* A file's code in a process's memory, as the kernel tells of it. */
struct pt_mapping {
	pid_t pid;
	uint64_t start, end; /* addresses */
	uint64_t offset;     /* in the file */
	uint32_t major, minor;
	uint64_t inode;
	uint64_t generation; /* of the inode, 0 when not told */
};

/* Where /proc has the file, for as long as it is mapped there. */
void pt_mapping_path(const struct pt_mapping *mapping, char *ret, size_t size);

/* Returns a descriptor made with O_PATH of a file that its process has mapped, there or by now
 * elsewhere, or a negative errno, -ENOENT or -ESRCH when it has not (any more). */
int pt_mapping_open(const struct pt_mapping *mapping);

struct pt_mappings_events {
	void (*mapped)(const struct pt_mapping *mapping, void *arg);
	/* Some were missed: pt_mappings_read() tells what there is. */
	void (*missed)(void *arg);
};

/* Calls back at each mapping from now on, on every CPU, by perf's mmap records. Returns NULL with
 * errno set. The events must stay. */
struct pt_mappings *pt_mappings_new(struct event_base *base,
				    const struct pt_mappings_events *events, void *arg);

/* NULL is fine. */
void pt_mappings_free(struct pt_mappings *mappings);

/* Calls fn for each mapping that a process has now, looking at so many of all kinds at most. A
 * non-zero return ends that, and is returned; so is a negative errno, -ENOENT or -ESRCH when there
 * is no such process (any more). */
typedef int pt_mapping_fn(const struct pt_mapping *mapping, void *arg);
int pt_mappings_read(pid_t pid, size_t max, pt_mapping_fn *fn, void *arg);

#endif
