/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One file of libcni's result cache: what a runtime called an ADD with, and what came of it. */
#ifndef PT_CACHE_H
#define PT_CACHE_H

#include <jansson.h>
#include <stddef.h>

#include "cni/error.h"

/* Where libcni keeps it for containerd, CRI-O, podman and others; and for multus, which calls the
 * plugins of a pod's further networks. NULL ends the list. Only the first must be there. */
extern const char *const pt_cache_dirs[];

/* All texts lie in root. */
struct pt_cache {
	json_t *root;
	json_t *list; /* the network's configuration, decoded: a conflist */

	const char *container_id; /* valid names, these three */
	const char *ifname;
	const char *network;
	const char *netns;    /* absolute path; NULL: neither the file nor the result says it */
	json_t *args;         /* CNI_ARGS, an array of pairs of strings, or NULL */
	json_t *capabilities; /* capabilityArgs, an object, or NULL */
	json_t *result;       /* an object */
};

/* Reads the file's text. Returns 0, or -1 with *err naming the field and its value. Call
 * pt_cache_done() in both cases. */
int pt_cache_parse(const char *text, size_t size, struct pt_cache *ret, struct pt_error *err);

/* The same from a file of the directory. Returns 0; -ENOENT: the file is gone; -EAGAIN: it is being
 * written, because libcni does that in place; -EINVAL with *err filled; or another negative errno,
 * with *err filled too. */
int pt_cache_read(int dir_fd, const char *name, struct pt_cache *ret, struct pt_error *err);

/* podtag's own element of the cached conflist, or NULL. */
json_t *pt_cache_entry(const struct pt_cache *cache);

/* Whether there is a file for that attachment: 1 or 0; -ENOENT: there is no cache to look into; or
 * another negative errno. */
int pt_cache_has(const char *network, const char *container_id, const char *ifname);

/* A zeroed cache is fine. */
void pt_cache_done(struct pt_cache *cache);

#endif
