/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The files of libcni's result cache that are podtag's to adopt, in the order to do it. */
#ifndef PT_CACHE_LIST_H
#define PT_CACHE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <sys/types.h>

struct pt_cache_item {
	char *path;
	char *container_id;
	char *ifname;
	bool has_podtag;         /* its chain */
	ino_t netns;             /* what its path is now; 0: nothing */
	struct timespec written; /* the file */
	bool is_stale;           /* the namespace is a younger sandbox's by now */
};

struct pt_cache_list {
	struct pt_cache_item *items;
	size_t count;
};

/* Told of each file, or with is_dir folder, that cannot be read. */
typedef void pt_cache_broken_fn(const char *path, bool is_dir, const char *why, void *arg);

/* Lists each interface once, the interfaces of one sandbox together and in the order of their ADDs:
 * a pod is described by its first one. Returns 0 or a negative errno. Call pt_cache_list_done() in
 * both cases. */
int pt_cache_list_read(struct pt_cache_list *ret, pt_cache_broken_fn *broken, void *arg);

void pt_cache_list_done(struct pt_cache_list *list);

#endif
