// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "cni/cache_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cni/cache.h"

static int keep(struct pt_cache_list *list, const char *path, const struct pt_cache *cache)
{
	struct pt_cache_item *items = reallocarray(list->items, list->count + 1, sizeof(*items));
	struct pt_cache_item *item;
	struct stat st;

	if (!items)
		return -ENOMEM;
	list->items = items;
	item = &items[list->count++];
	*item = (struct pt_cache_item){ .path = strdup(path),
					.container_id = strdup(cache->container_id),
					.ifname = strdup(cache->ifname),
					.has_podtag = pt_cache_entry(cache) };
	if (!stat(path, &st))
		item->written = st.st_mtim;
	if (cache->netns && !stat(cache->netns, &st))
		item->netns = st.st_ino;
	return item->path && item->container_id && item->ifname ? 0 : -ENOMEM;
}

static int list_file(struct pt_cache_list *list, const char *path, pt_cache_broken_fn *broken,
		     void *arg)
{
	struct pt_cache cache;
	struct pt_error err;
	int error = pt_cache_read(AT_FDCWD, path, &cache, &err);

	/* gone by a DEL; or being written by an ADD that is through */
	if (error && error != -ENOENT && error != -EAGAIN)
		broken(path, false, err.msg, arg);
	/* runtimes call the plugin `loopback` for each pod, in a chain of its own */
	if (!error && strcmp(cache.ifname, "lo"))
		error = keep(list, path, &cache);
	pt_cache_done(&cache);
	return error == -ENOMEM ? error : 0;
}

static int list_dir(struct pt_cache_list *list, const char *dir, pt_cache_broken_fn *broken,
		    void *arg)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[512];
	int err = 0;

	if (!stream) {
		if (errno != ENOENT) /* libcni makes it for the first pod */
			broken(dir, true, strerror(errno), arg);
		return 0;
	}
	while (!err && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		err = list_file(list, path, broken, arg);
	}
	closedir(stream);
	return err;
}

static int by_time(const struct timespec *x, const struct timespec *y)
{
	int order = (x->tv_sec > y->tv_sec) - (x->tv_sec < y->tv_sec);

	return order ? order : (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Each sandbox's together: first those whose chain podtag is in; then as their ADDs came, because a
 * pod is described by its first interface. */
static int by_sandbox(const void *a, const void *b)
{
	const struct pt_cache_item *x = a, *y = b;
	int order = strcmp(x->container_id, y->container_id);

	if (!order)
		order = y->has_podtag - x->has_podtag;
	return order ? order : by_time(&x->written, &y->written);
}

/* A sandbox with podtag in some chain is younger than podtag: the others are not podtag's to touch.
 * An interface is in two chains where one plugin calls another's chain, as multus does. */
static bool is_wanted(const struct pt_cache_item *kept, size_t count,
		      const struct pt_cache_item *item)
{
	for (size_t i = count; i-- && !strcmp(kept[i].container_id, item->container_id);) {
		if (kept[i].has_podtag > item->has_podtag || !strcmp(kept[i].ifname, item->ifname))
			return false;
	}
	return true;
}

/* A path may be another's by now, as /proc/PID/ns/net when the number was given again: the
 * namespace is that sandbox's which was made last. */
static bool is_stale(const struct pt_cache_list *list, const struct pt_cache_item *item)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct pt_cache_item *other = &list->items[i];

		if (item->netns && other->netns == item->netns &&
		    strcmp(other->container_id, item->container_id) &&
		    by_time(&other->written, &item->written) > 0)
			return true;
	}
	return false;
}

static void item_done(struct pt_cache_item *item)
{
	free(item->path);
	free(item->container_id);
	free(item->ifname);
}

static void choose(struct pt_cache_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (is_wanted(list->items, kept, &list->items[i]))
			list->items[kept++] = list->items[i];
		else
			item_done(&list->items[i]);
	}
	list->count = kept;
}

int pt_cache_list_read(struct pt_cache_list *ret, pt_cache_broken_fn *broken, void *arg)
{
	int err = 0;

	*ret = (struct pt_cache_list){};
	for (size_t i = 0; pt_cache_dirs[i] && !err; i++)
		err = list_dir(ret, pt_cache_dirs[i], broken, arg);
	if (err || !ret->count)
		return err;
	qsort(ret->items, ret->count, sizeof(*ret->items), by_sandbox);
	for (size_t i = 0; i < ret->count; i++)
		ret->items[i].is_stale = is_stale(ret, &ret->items[i]);
	choose(ret);
	return 0;
}

void pt_cache_list_done(struct pt_cache_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		item_done(&list->items[i]);
	free(list->items);
	*list = (struct pt_cache_list){};
}
