// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The maps' side of the kernel, in memory. Each function is defined in libbpf's place, and does and
 * returns what that would. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/datapath.h"
#include "tests/fuzz/kernel.h"

#define FDS 1024

static struct map {
	const char *name;
	size_t key_size;
	size_t value_size; /* of all CPUs */
	size_t max;
	bool is_array;
	bool is_mapped; /* read and written as memory, which is that of file */
	int file;
	size_t count;
	char *entries; /* each a key and a value */
} maps[] = {
	{ "pods", 8, sizeof(struct pt_pod), PT_PODS_MAX },
	{ "pod_by_netns", 4, sizeof(struct pt_pod_ref), PT_PODS_MAX },
	{ "pod_by_ifindex", 4, sizeof(struct pt_interface), PT_ATTACHMENTS_MAX },
	{ "pod_by_ip", sizeof(struct pt_ip), sizeof(struct pt_ip_owner), PT_ATTACHMENTS_MAX },
	{ "pod_traffic", 4, KERNEL_CPUS * sizeof(struct pt_traffic), PT_SLOTS, .is_array = true },
	{ "tcp_retransmits", 8, sizeof(struct pt_retransmits), PT_PODS_MAX },
	{ "http_latency", sizeof(struct pt_http_key), sizeof(struct pt_http_latency),
	  PT_HTTP_SERIES_MAX },
	{ "http_pods", 8, sizeof(struct pt_http_pod), PT_PODS_MAX },
	{ "tls_connections", 8, sizeof(struct pt_tls_connections), PT_PODS_MAX },
	{ "http_lost", 4, sizeof(struct pt_gave_up), PT_HTTP_LOST_MAX, .is_array = true },
	{ "tls_wanted", 8, sizeof(enum pt_tls_mode), PT_PODS_MAX },
	{ "attachments", sizeof(struct pt_attachment_key), sizeof(struct pt_attachment),
	  PT_ATTACHMENTS_MAX },
	{ "gave_up", 4, PT_REASONS_MAX * sizeof(struct pt_gave_up), 1, .is_mapped = true },
	{ "cni_operations", 4, PT_COMMAND_COUNT * sizeof(struct pt_cni_operations), 1,
	  .is_mapped = true },
	{ "datapath", 4, sizeof(struct pt_datapath_info), 1, .is_mapped = true },
};

#define MAPS (sizeof(maps) / sizeof(*maps))

static struct map *map_of_fd[FDS];
static int any;
static unsigned int fail_in;
static int fail_errno;
static bool is_loaded, has_failed;

/* As libbpf 1 has it. */
static int result(int error)
{
	errno = error;
	return -error;
}

static bool fails_now(void)
{
	if (!fail_in || --fail_in)
		return false;
	has_failed = true;
	return true;
}

static struct map *by_name(const char *name)
{
	for (size_t i = 0; i < MAPS; i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	must(!"a map of that name");
	return NULL;
}

static size_t entry_size(const struct map *map)
{
	return map->key_size + map->value_size;
}

static char *find(const struct map *map, const void *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (!memcmp(map->entries + i * entry_size(map), key, map->key_size))
			return map->entries + i * entry_size(map);
	return NULL;
}

static struct map *of_fd(int fd)
{
	must(fd >= 0 && fd < FDS && map_of_fd[fd] && fcntl(fd, F_GETFD) >= 0);
	return map_of_fd[fd];
}

void kernel_reset(bool loaded)
{
	if (!any)
		any = memfd_create("any", MFD_CLOEXEC);
	for (size_t i = 0; i < MAPS; i++) {
		free(maps[i].entries);
		maps[i].entries = NULL;
		maps[i].count = 0;
		if (!maps[i].is_mapped)
			continue;
		if (!maps[i].file)
			maps[i].file = memfd_create(maps[i].name, MFD_CLOEXEC);
		must(maps[i].file > 0 && !ftruncate(maps[i].file, 0) &&
		     !ftruncate(maps[i].file, (off_t)maps[i].value_size));
	}
	is_loaded = loaded;
	has_failed = false;
	kernel_fail(0, 0);
}

void kernel_fail(unsigned int call, int error)
{
	fail_in = call;
	fail_errno = error;
}

bool kernel_failed(void)
{
	return has_failed;
}

void kernel_load(bool loaded)
{
	is_loaded = loaded;
}

bool kernel_is_loaded(void)
{
	return is_loaded;
}

size_t kernel_count(const char *map)
{
	return by_name(map)->count;
}

void kernel_each(const char *name, void (*fn)(const void *key, const void *value))
{
	const struct map *map = by_name(name);

	for (size_t i = 0; i < map->count; i++) {
		const char *entry = map->entries + i * entry_size(map);

		fn(entry, entry + map->key_size);
	}
}

int kernel_fd(void)
{
	return fcntl(any, F_DUPFD_CLOEXEC, 0);
}

int libbpf_num_possible_cpus(void)
{
	return KERNEL_CPUS;
}

int bpf_obj_get(const char *path)
{
	static const char maps_dir[] = PT_DIR "/maps/";
	struct map *map = NULL;
	int fd;

	if (fails_now())
		return result(fail_errno);
	if (!is_loaded || !strncmp(path, PT_DIR "/links/", strlen(PT_DIR "/links/")))
		return result(ENOENT);
	if (!strncmp(path, maps_dir, strlen(maps_dir)))
		map = by_name(path + strlen(maps_dir));
	fd = map && map->is_mapped ? fcntl(map->file, F_DUPFD_CLOEXEC, 0) : kernel_fd();
	must(fd > 0 && fd < FDS);
	map_of_fd[fd] = map;
	return fd;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	struct map *map = of_fd(fd);
	char *entry = find(map, key);
	__u32 index;

	if (fails_now())
		return result(fail_errno);
	if (entry) {
		memcpy(value, entry + map->key_size, map->value_size);
		return 0;
	}
	memcpy(&index, key, sizeof(index));
	if (!map->is_array || index >= map->max)
		return result(ENOENT);
	memset(value, 0, map->value_size);
	return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	struct map *map = of_fd(fd);
	char *entry = find(map, key);
	__u32 index;

	memcpy(&index, key, sizeof(index));
	if (fails_now())
		return result(fail_errno);
	if (map->is_array && index >= map->max)
		return result(E2BIG);
	if (!map->is_array && flags == BPF_EXIST && !entry)
		return result(ENOENT);
	if (!map->is_array && flags == BPF_NOEXIST && entry)
		return result(EEXIST);
	if (!entry) {
		if (map->count == map->max)
			return result(E2BIG);
		map->entries = reallocarray(map->entries, map->count + 1, entry_size(map));
		must(map->entries);
		entry = map->entries + map->count++ * entry_size(map);
		memcpy(entry, key, map->key_size);
	}
	memcpy(entry + map->key_size, value, map->value_size);
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	struct map *map = of_fd(fd);
	char *entry = find(map, key);

	if (fails_now())
		return result(fail_errno);
	if (!entry)
		return result(ENOENT);
	map->count--;
	memmove(entry, map->entries + map->count * entry_size(map), entry_size(map));
	return 0;
}

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	struct map *map = of_fd(fd);
	__u32 i, position = 0;

	(void)opts;
	if (fails_now())
		return result(fail_errno);
	if (in)
		memcpy(&position, in, sizeof(position));
	for (i = 0; i < *count && position + i < map->count; i++) {
		const char *entry = map->entries + (position + i) * entry_size(map);

		memcpy((char *)keys + i * map->key_size, entry, map->key_size);
		memcpy((char *)values + i * map->value_size, entry + map->key_size,
		       map->value_size);
	}
	*count = i;
	position += i;
	memcpy(out, &position, sizeof(position));
	return position < map->count ? 0 : result(ENOENT);
}
