// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Load the programs and pin them, replace them in place, take them away. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/datapath.h"
#include "bpf/detach.h"
#include "bpf/load.h"
#include "bpf/words.h"

/* A directory that is being built, or being taken away. bpffs allows no dots in names. */
#define NEW_DIR PT_DIR "-new"
#define OLD_DIR PT_DIR "-old"

/* Programs that stay attached for as long as the datapath lives. Each only jumps through a map; its
 * handler is what an upgrade replaces. */
static const struct {
	const char *stub;
	const char *jump_map;
	__u32 index;
	const char *handler;
	bool is_tracing; /* attached once, by its load; the others once per pod, by ADD */
} hooks[] = {
	{ "podtag_on_gone", "on_gone", 0, "podtag_gone", true },
	{ "podtag_on_state", "on_state", 0, "podtag_tag_sock", true },
	{ "podtag_on_again", "on_state_again", 0, "podtag_tag_again", true },
	{ "podtag_on_rexmt", "on_retransmit", 0, "podtag_rexmit", true },
	{ "podtag_on_synac", "on_synack", 0, "podtag_synack", true },
	{ "podtag_on_read", "on_read", 0, "podtag_read", true },
	{ "podtag_on_exit", "on_exit", 0, "podtag_tls_exit", true },
	{ "podtag_on_exec", "on_exec", 0, "podtag_tls_exec", true },
	{ "podtag_cls_in", "on_tc", 0, "podtag_pod_in", false },
	{ "podtag_cls_out", "on_tc", 1, "podtag_pod_out", false },
};

#define HOOKS (sizeof(hooks) / sizeof(*hooks))

static const char *const subdirs[] = { "maps", "progs", "links" };

#define SUBDIRS (sizeof(subdirs) / sizeof(*subdirs))

/* libbpf tells why through a callback without an argument. */
static struct {
	char *text;
	size_t size;
	libbpf_print_fn_t before;
} why;

static int keep_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(why.text);

	if (level == LIBBPF_WARN)
		vsnprintf(why.text + used, why.size - used, format, args);
	return 0;
}

void pt_why_begin(char *text, size_t size)
{
	text[0] = '\0';
	why.text = text;
	why.size = size;
	why.before = libbpf_set_print(keep_warnings);
}

void pt_why_end(int result)
{
	libbpf_set_print(why.before);
	if (result < 0 && !why.text[0])
		snprintf(why.text, why.size, "%s", strerror(-result));
}

__u64 pt_object_hash(void)
{
	__u64 hash = 0xcbf29ce484222325; /* FNV-1a */
	const unsigned char *bytes;
	size_t size;

	bytes = podtag_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

bool pt_datapath_is_current(const struct pt_datapath *dp)
{
	__u64 hash = pt_object_hash();

	return dp->info->object_hash == hash && dp->info->http_hash == hash;
}

static bool is_stub(const char *program)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (!strcmp(program, hooks[i].stub))
			return true;
	return false;
}

static bool is_pinned(const char *dir, const char *kind, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name);
	return !access(path, F_OK);
}

/* All but the HTTP programs. Stubs that are pinned stay what they are. */
static bool is_first(const char *dir, const char *program, bool socket_tag)
{
	if (pt_is_http(program))
		return false;
	(void)socket_tag;
	return !is_stub(program) || !is_pinned(dir, "progs", program);
}

int pt_pins_remove(const char *dir)
{
	char path[128];

	for (size_t i = SUBDIRS; i-- > 0;) { /* links first: nothing runs half removed */
		struct dirent *entry;
		DIR *stream;

		snprintf(path, sizeof(path), "%s/%s", dir, subdirs[i]);
		stream = opendir(path);
		if (!stream)
			continue;
		while ((entry = readdir(stream)))
			if (entry->d_name[0] != '.')
				unlinkat(dirfd(stream), entry->d_name, 0);
		closedir(stream);
		rmdir(path);
	}
	return rmdir(dir) && errno != ENOENT ? -errno : 0;
}

static int make_dir(const char *dir)
{
	char path[128];

	if (mkdir(dir, 0700))
		return -errno;
	for (size_t i = 0; i < SUBDIRS; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, subdirs[i]);
		if (mkdir(path, 0700))
			return -errno;
	}
	return 0;
}

int pt_object_load(const char *dir, bool socket_tag, pt_chosen_fn *chosen, struct podtag_bpf **ret)
{
	struct podtag_bpf *skel = podtag_bpf__open();
	struct bpf_program *program;
	struct bpf_map *map;
	char path[128];
	struct stat st;
	int err;

	if (!skel)
		return -ENOMEM; /* the object is part of this binary, and sound */

	skel->rodata->socket_tag = socket_tag;
	skel->rodata->host_netns = stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
	bpf_object__for_each_map(map, skel->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/maps/%s", dir, bpf_map__name(map));
		bpf_map__set_pin_path(map, path);
	}
	bpf_object__for_each_program(program, skel->obj)
	{
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, chosen(dir, name, socket_tag));
	}
	if (socket_tag)
		bpf_map__set_max_entries(skel->maps.sock_pod_hash, 1);

	err = podtag_bpf__load(skel);
	if (err) {
		podtag_bpf__destroy(skel);
		return err;
	}
	*ret = skel;
	return 0;
}

/* bpffs has no way to pin over a name, but rename() replaces one atomically. */
static int pin_over(int fd, const char *dir, const char *kind, const char *name)
{
	char path[128], fresh[136];
	int err;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name);
	snprintf(fresh, sizeof(fresh), "%s-new", path);
	unlink(fresh);
	err = bpf_obj_pin(fd, fresh);
	if (!err && rename(fresh, path))
		err = -errno;
	return err;
}

int pt_object_pin(struct podtag_bpf *skel, const char *dir)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program(program, skel->obj)
	{
		if (!bpf_program__autoload(program) || err)
			continue;
		err = pin_over(bpf_program__fd(program), dir, "progs", bpf_program__name(program));
	}
	return err;
}

int pt_object_jump(struct podtag_bpf *skel, const char *jump_map, __u32 index, const char *name)
{
	struct bpf_program *handler = bpf_object__find_program_by_name(skel->obj, name);
	struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, jump_map);
	int fd = bpf_program__fd(handler);

	if (!bpf_program__autoload(handler))
		return 0;
	return bpf_map_update_elem(bpf_map__fd(map), &index, &fd, BPF_ANY);
}

/* From here on the stubs, attached long ago or not yet, run this object's handlers. */
static int set_handlers(struct podtag_bpf *skel)
{
	int err = 0;

	for (size_t i = 0; i < HOOKS && !err; i++)
		err = pt_object_jump(skel, hooks[i].jump_map, hooks[i].index, hooks[i].handler);
	return err;
}

/* A link takes its stub's name. */
static int attach_stubs(struct podtag_bpf *skel, const char *dir)
{
	for (size_t i = 0; i < HOOKS; i++) {
		struct bpf_program *stub =
			bpf_object__find_program_by_name(skel->obj, hooks[i].stub);
		struct bpf_link *link;
		char path[128];
		int err;

		if (!hooks[i].is_tracing || is_pinned(dir, "links", hooks[i].stub))
			continue;
		if (!bpf_program__autoload(stub))
			return -EUCLEAN; /* pinned, but its link is gone: somebody took it */
		link = bpf_program__attach(stub);
		if (!link)
			return -errno;
		snprintf(path, sizeof(path), "%s/links/%s", dir, hooks[i].stub);
		err = bpf_link__pin(link, path);
		bpf_link__destroy(link);
		if (err)
			return err;
	}
	return 0;
}

/* Brings one pinned tcx link to the program that now has the name of the one it runs. */
static int update_tcx_link(const char *dir, const char *name)
{
	struct bpf_link_info link_info = {};
	struct bpf_prog_info prog_info = {};
	__u32 link_size = sizeof(link_info), prog_size = sizeof(prog_info);
	int err, link_fd, prog_fd, new_fd;
	char path[320];

	snprintf(path, sizeof(path), "%s/links/%s", dir, name);
	link_fd = bpf_obj_get(path);
	if (link_fd < 0)
		return link_fd;

	err = bpf_obj_get_info_by_fd(link_fd, &link_info, &link_size);
	if (err)
		goto close_link;
	err = prog_fd = bpf_prog_get_fd_by_id(link_info.prog_id);
	if (prog_fd < 0)
		goto close_link;
	err = bpf_obj_get_info_by_fd(prog_fd, &prog_info, &prog_size);
	close(prog_fd);
	if (err)
		goto close_link;

	snprintf(path, sizeof(path), "%s/progs/%s", dir, prog_info.name);
	err = new_fd = bpf_obj_get(path);
	if (new_fd < 0)
		goto close_link;
	err = bpf_link_update(link_fd, new_fd, NULL);
	close(new_fd);

close_link:
	close(link_fd);
	return err == -ENOLINK ? 0 : err; /* its interface is gone; the sweep takes it */
}

static int update_tcx_links(const char *dir)
{
	struct dirent *entry;
	char path[128];
	DIR *stream;
	int err = 0;

	snprintf(path, sizeof(path), "%s/links", dir);
	stream = opendir(path);
	if (!stream)
		return -errno;
	while (!err && (entry = readdir(stream)))
		if (!strncmp(entry->d_name, "if", 2))
			err = update_tcx_link(dir, entry->d_name);
	closedir(stream);
	return err;
}

static void set_text(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
}

/* Once, before anything is counted there. */
static void name_losses(const struct pt_datapath *dp)
{
	int fd = dp->maps[PT_MAP_HTTP_LOST];

	for (__u32 i = 0; i < PT_LOST_COUNT; i++) {
		struct pt_gave_up lost;

		if (bpf_map_lookup_elem(fd, &i, &lost) || lost.reason[0])
			continue;
		set_text(lost.reason, sizeof(lost.reason), pt_http_lost_reasons[i]);
		bpf_map_update_elem(fd, &i, &lost, BPF_EXIST);
	}
}

/* Says in the maps what is loaded, and gives each counter its name. */
static int describe(const char *dir, bool socket_tag)
{
	static const char *const commands[PT_COMMAND_COUNT] = {
		[PT_ADD] = "ADD",       [PT_DEL] = "DEL", [PT_CHECK] = "CHECK",
		[PT_STATUS] = "STATUS", [PT_GC] = "GC",   [PT_VERSION] = "VERSION",
	};
	static const char *const reasons[PT_REASON_COUNT] = {
#define X(id, text) [PT_##id] = text,
		PT_REASONS(X)
#undef X
	};
	struct pt_datapath dp;
	int err = pt_datapath_open_dir(dir, &dp);

	if (err)
		return err;

	for (int i = 0; i < PT_COMMAND_COUNT; i++)
		set_text(dp.operations[i].command, sizeof(dp.operations[i].command), commands[i]);
	for (int i = 0; i < PT_REASON_COUNT; i++)
		set_text(dp.gave_up[i].reason, sizeof(dp.gave_up[i].reason), reasons[i]);
	name_losses(&dp);
	set_text(dp.info->version, sizeof(dp.info->version), PODTAG_VERSION);
	set_text(dp.info->socket_tag, sizeof(dp.info->socket_tag), socket_tag ? "yes" : "no");
	dp.info->loaded_ns = pt_now_ns();
	dp.info->object_hash = pt_object_hash();
	pt_datapath_close(&dp);
	return 0;
}

/* In the order that loses nothing: what new pods will attach, what runs in old ones, the word that
 * it is done. Killed in between, the next load does it all again. */
static int bring_up(const char *dir, bool socket_tag)
{
	struct podtag_bpf *skel = NULL;
	int err = pt_object_load(dir, socket_tag, is_first, &skel);

	if (err)
		return err;

	err = set_handlers(skel);
	if (!err)
		err = pt_object_pin(skel, dir);
	if (!err)
		err = attach_stubs(skel, dir);
	if (!err)
		err = update_tcx_links(dir);
	if (!err)
		err = describe(dir, socket_tag);
	podtag_bpf__destroy(skel);
	return err;
}

/* 5.10 refuses socket storage to tracing programs; there a hash has the tags. The same means serve
 * the kernels up to 5.16, which do not have bpf_loop(): two ways are enough to keep tested. */
static int bring_up_either_way(const char *dir)
{
	bool is_new = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_loop, NULL) == 1;
	int err = bring_up(dir, is_new);

	if (err == -EINVAL && is_new) {
		why.text[0] = '\0';
		err = bring_up(dir, false);
	}
	return err;
}

static int create(void)
{
	int err;

	pt_pins_remove(NEW_DIR);
	pt_pins_remove(OLD_DIR);
	err = make_dir(NEW_DIR);
	if (!err)
		err = bring_up_either_way(NEW_DIR);
	if (!err && rename(NEW_DIR, PT_DIR))
		err = -errno;
	if (err)
		pt_pins_remove(NEW_DIR);
	return err ? err : PT_LOAD_CREATED;
}

static int upgrade(void)
{
	struct pt_datapath dp;
	bool current;
	int err = pt_datapath_open(&dp);

	if (err)
		return err;
	current = dp.info->object_hash == pt_object_hash();
	pt_datapath_close(&dp);
	if (current)
		return PT_LOAD_NOTHING;

	err = bring_up_either_way(PT_DIR);
	return err ? err : PT_LOAD_UPGRADED;
}

int pt_datapath_load(char *text, size_t size)
{
	int result;

	pt_why_begin(text, size);
	result = access(PT_DIR, F_OK) ? create() : upgrade();
	pt_why_end(result);
	if (result == -ESRCH) { /* libbpf's word for it */
		snprintf(text, size, "this kernel has no BTF in /sys/kernel/btf/vmlinux");
		result = -EOPNOTSUPP;
	}
	return result;
}

int pt_datapath_unload(void)
{
	struct pt_datapath dp = {};
	int err, left = 0, retired;

	retired = pt_schema_retire();
	pt_pins_remove(NEW_DIR);
	if (!pt_datapath_open(&dp))
		left = pt_detach_pods(&dp);
	pt_datapath_close(&dp);
	if (!left && retired < 0)
		left = retired;
	pt_pins_remove(OLD_DIR);
	if (rename(PT_DIR, OLD_DIR)) /* gone at once for everybody, then piece by piece */
		return errno == ENOENT ? left : -errno;
	err = pt_pins_remove(OLD_DIR);
	return err ? err : left;
}
