// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "cni/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cni/base64.h"
#include "cni/io.h"
#include "cni/name.h"
#include "cni/options.h"

/* Writing one takes libcni well below this. */
#define WRITING_SECONDS 2

const char *const pt_cache_dirs[] = {
	"/var/lib/cni/results",
	"/var/lib/cni/multus/results",
	NULL,
};

static int read_text(json_t *root, const char *key, bool (*is_valid)(const char *),
		     const char **ret, struct pt_error *err)
{
	json_t *value = json_object_get(root, key);

	if (!value)
		return pt_fail(err, PT_CNI_DECODE, "%s is missing", key);
	*ret = pt_json_text(value);
	if (!*ret || !is_valid(*ret))
		return pt_fail_value(err, key, value);
	return 0;
}

static bool is_kind(const char *text)
{
	return !strcmp(text, "cniCacheV1");
}

static bool is_path(const char *text)
{
	return *text == '/';
}

static int read_result(struct pt_cache *cache, struct pt_error *err)
{
	cache->result = json_object_get(cache->root, "result");
	if (!cache->result)
		return pt_fail(err, PT_CNI_DECODE, "result is missing");
	if (!json_is_object(cache->result))
		return pt_fail_value(err, "result", cache->result);
	return 0;
}

/* libcni writes netns from 1.2 on (containerd 2.0). Before that there is only what the plugins said
 * of the interface, and not all say where it is. */
static int read_netns(struct pt_cache *cache, struct pt_error *err)
{
	json_t *interface;
	size_t i;

	if (json_object_get(cache->root, "netns"))
		return read_text(cache->root, "netns", is_path, &cache->netns, err);
	json_array_foreach (json_object_get(cache->result, "interfaces"), i, interface) {
		const char *name = pt_json_text(json_object_get(interface, "name"));
		const char *sandbox = pt_json_text(json_object_get(interface, "sandbox"));

		if (name && !strcmp(name, cache->ifname) && sandbox && is_path(sandbox))
			cache->netns = sandbox;
	}
	return 0;
}

/* Go writes a nil slice or map as null. */
static int read_args(struct pt_cache *cache, struct pt_error *err)
{
	json_t *args = json_object_get(cache->root, "cniArgs");
	json_t *capabilities = json_object_get(cache->root, "capabilityArgs");
	json_t *pair;
	size_t i;

	if (args && !json_is_null(args)) {
		if (!json_is_array(args))
			return pt_fail_value(err, "cniArgs", args);
		json_array_foreach (args, i, pair) {
			if (json_array_size(pair) != 2 || !pt_json_text(json_array_get(pair, 0)) ||
			    !pt_json_text(json_array_get(pair, 1)))
				return pt_fail_value(err, "cniArgs", pair);
		}
		cache->args = args;
	}
	if (capabilities && !json_is_null(capabilities)) {
		if (!json_is_object(capabilities))
			return pt_fail_value(err, "capabilityArgs", capabilities);
		cache->capabilities = capabilities;
	}
	return 0;
}

static int read_list(struct pt_cache *cache, struct pt_error *err)
{
	json_t *config = json_object_get(cache->root, "config");
	const char *text = pt_json_text(config);
	json_error_t jerr;
	size_t size;
	char *list;

	if (!config)
		return pt_fail(err, PT_CNI_DECODE, "config is missing");
	list = text ? pt_base64_decode(text, &size) : NULL;
	if (!list)
		return pt_fail(err, PT_CNI_DECODE, "config is not base64");
	cache->list = json_loadb(list, size, PT_JSON_FLAGS, &jerr);
	free(list);
	if (!cache->list)
		return pt_fail(err, PT_CNI_DECODE, "config is not JSON: %s", jerr.text);
	if (!json_is_object(cache->list))
		return pt_fail(err, PT_CNI_DECODE, "config is not a JSON object");
	return 0;
}

int pt_cache_parse(const char *text, size_t size, struct pt_cache *ret, struct pt_error *err)
{
	const char *kind;
	json_error_t jerr;

	*ret = (struct pt_cache){ .root = json_loadb(text, size, PT_JSON_FLAGS, &jerr) };
	if (!ret->root)
		return pt_fail(err, PT_CNI_DECODE, "not valid JSON: line %d, column %d: %s",
			       jerr.line, jerr.column, jerr.text);
	if (!json_is_object(ret->root))
		return pt_fail(err, PT_CNI_DECODE, "not a JSON object");
	if (read_text(ret->root, "kind", is_kind, &kind, err) ||
	    read_text(ret->root, "containerId", pt_name_is_valid, &ret->container_id, err) ||
	    read_text(ret->root, "ifName", pt_ifname_is_valid, &ret->ifname, err) ||
	    read_text(ret->root, "networkName", pt_name_is_valid, &ret->network, err) ||
	    read_result(ret, err) || read_netns(ret, err) || read_args(ret, err))
		return -1;
	return read_list(ret, err);
}

static int open_file(int dir_fd, const char *name, struct stat *ret)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret))
		err = -errno;
	else if (!S_ISREG(ret->st_mode))
		err = -EINVAL;
	if (err)
		close(fd);
	return err ? err : fd;
}

int pt_cache_read(int dir_fd, const char *name, struct pt_cache *ret, struct pt_error *err)
{
	struct stat st = {};
	size_t size = 0;
	int error, fd;
	char *text;

	*ret = (struct pt_cache){};
	fd = open_file(dir_fd, name, &st);
	if (fd < 0) {
		pt_fail(err, PT_CNI_IO, "%s", fd == -EINVAL ? "not a regular file" : strerror(-fd));
		return fd;
	}
	error = pt_read_all(fd, -1, &text, &size);
	close(fd);
	if (error) {
		pt_fail(err, PT_CNI_IO, "%s", strerror(-error));
		return error;
	}
	if (pt_cache_parse(text, size, ret, err)) {
		bool is_young = time(NULL) - st.st_mtime < WRITING_SECONDS;

		error = !ret->root && is_young ? -EAGAIN : -EINVAL;
	}
	free(text);
	return error;
}

json_t *pt_cache_entry(const struct pt_cache *cache)
{
	json_t *plugin;
	size_t i;

	json_array_foreach (json_object_get(cache->list, "plugins"), i, plugin) {
		const char *type = pt_json_text(json_object_get(plugin, "type"));

		if (type && !strcmp(type, "podtag"))
			return plugin;
	}
	return NULL;
}

int pt_cache_has(const char *network, const char *container_id, const char *ifname)
{
	char path[512];

	if (access(pt_cache_dirs[0], R_OK | X_OK))
		return -errno;
	for (size_t i = 0; pt_cache_dirs[i]; i++) {
		if (snprintf(path, sizeof(path), "%s/%s-%s-%s", pt_cache_dirs[i], network,
			     container_id, ifname) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		if (!access(path, F_OK))
			return 1;
	}
	return 0;
}

void pt_cache_done(struct pt_cache *cache)
{
	json_decref(cache->root);
	json_decref(cache->list);
	*cache = (struct pt_cache){};
}
