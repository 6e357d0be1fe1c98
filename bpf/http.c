// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Load the HTTP programs and attach them to the packets of all sockets of the node; and those on
 * TLS libraries, which the agent attaches where pods have one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/datapath.h"
#include "bpf/load.h"

#define LOCK_MS 10000

/* Attached to the root of cgroup2, so that every pod's first packet meets them. A link there can be
 * updated; the jump map is for a program that goes on in itself. */
static const struct {
	const char *link;
	const char *with_loop;
	const char *with_tail;
	const char *jump_map;
} hooks[] = {
	{ "podtag_http_in", "podtag_http_in", "podtag_tail_in", "on_http_in" },
	{ "podtag_http_out", "podtag_http_out", "podtag_tail_out", "on_http_out" },
};

#define HOOKS (sizeof(hooks) / sizeof(*hooks))

/* What goes on for the programs that are attached to libraries, and for that at a process's end. */
static const struct {
	const char *map;
	__u32 index;
	const char *program;
} tls_jumps[] = {
	{ "on_tls", PT_IN, "podtag_tls_in" },
	{ "on_tls", PT_OUT, "podtag_tls_out" },
	{ "on_exit", 0, "podtag_tls_exit" },
	{ "on_exec", 0, "podtag_tls_exec" },
};

#define TLS_JUMPS (sizeof(tls_jumps) / sizeof(*tls_jumps))

static const char *program_of(size_t hook, bool socket_tag)
{
	return socket_tag ? hooks[hook].with_loop : hooks[hook].with_tail;
}

static bool is_tls(const char *program)
{
	return !strncmp(program, "podtag_tls_", 11) || !strncmp(program, "podtag_ssl_", 11) ||
	       !strncmp(program, "podtag_gnu_", 11) || !strncmp(program, "podtag_go_", 10);
}

static bool is_http(const char *dir, const char *program, bool socket_tag)
{
	(void)dir;
	for (size_t i = 0; i < HOOKS; i++)
		if (!strcmp(program, program_of(i, socket_tag)))
			return true;
	return false;
}

static bool is_http_or_tls(const char *dir, const char *program, bool socket_tag)
{
	return is_http(dir, program, socket_tag) || is_tls(program);
}

bool pt_is_http(const char *program)
{
	return is_http(NULL, program, true) || is_http_or_tls(NULL, program, false);
}

/* The root of all cgroups: in a container's namespace the mount shows only a part of them. */
static int open_root_cgroup(void)
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;
	struct stat st;
	int fd;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		if (statfs(mounts[i], &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		if (stat(mounts[i], &st) || st.st_ino != 1)
			return -EPERM;
		fd = open(mounts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

static int attach(struct podtag_bpf *skel, const char *name, const char *program, int cgroup)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, program);
	struct bpf_link *link;
	char path[128];
	int err, fd;

	snprintf(path, sizeof(path), PT_DIR "/links/%s", name);
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		err = bpf_link_update(fd, bpf_program__fd(prog), NULL);
		close(fd);
		return err;
	}
	link = bpf_program__attach_cgroup(prog, cgroup);
	if (!link)
		return -errno;
	err = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return err;
}

/* One direction alone would count wrong. */
static void detach_all(void)
{
	char path[128];

	for (size_t i = 0; i < HOOKS; i++) {
		snprintf(path, sizeof(path), PT_DIR "/links/%s", hooks[i].link);
		unlink(path);
	}
}

static int attach_all(struct podtag_bpf *skel, bool socket_tag, int cgroup)
{
	int err = 0;

	for (size_t i = 0; i < HOOKS && !err; i++)
		err = pt_object_jump(skel, hooks[i].jump_map, 0, program_of(i, socket_tag));
	for (size_t i = 0; i < TLS_JUMPS && !err; i++)
		err = pt_object_jump(skel, tls_jumps[i].map, tls_jumps[i].index,
				     tls_jumps[i].program);
	if (!err)
		err = pt_object_pin(skel, PT_DIR);
	for (size_t i = 0; i < HOOKS && !err; i++)
		err = attach(skel, hooks[i].link, program_of(i, socket_tag), cgroup);
	if (err)
		detach_all();
	return err;
}

/* The loaded datapath's inode, 0 when there is none. */
static ino_t inode(void)
{
	struct stat st;

	return stat(PT_DIR, &st) ? 0 : st.st_ino;
}

/* Before 6.1 a kernel warns, in its log, of each program on a uprobe whose maps allocate as they
 * grow, and is right. This helper came with the allocator that made it safe. */
static bool may_have_tls(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_ktime_get_tai_ns, NULL) == 1;
}

/* What a kernel cannot have for TLS is no reason to be without the rest. */
static int load_with_tls(bool socket_tag, struct podtag_bpf **ret)
{
	int err = -EOPNOTSUPP;

	if (socket_tag && may_have_tls())
		err = pt_object_load(PT_DIR, true, is_http_or_tls, ret);
	return err ? pt_object_load(PT_DIR, socket_tag, is_http, ret) : 0;
}

/* Only the verifier takes long, and nobody has to wait for that. A negative cgroup is why there is
 * none. */
static int load(struct pt_datapath *dp, int cgroup)
{
	bool socket_tag = !strcmp(dp->info->socket_tag, "yes");
	struct podtag_bpf *skel = NULL;
	int lock, err = cgroup < 0 ? cgroup : 0;
	ino_t before = inode();

	if (!err)
		err = load_with_tls(socket_tag, &skel);
	lock = pt_datapath_lock(LOCK_MS);
	if (lock < 0) {
		err = lock;
	} else if (inode() != before) {
		err = -ESTALE;
	} else {
		if (!err)
			err = attach_all(skel, socket_tag, cgroup);
		snprintf(dp->info->http, sizeof(dp->info->http), "%s", err ? "no" : "yes");
		dp->info->http_hash = pt_object_hash();
		if (err)
			pt_gave_up(dp, PT_HTTP);
	}
	if (lock >= 0)
		close(lock);
	podtag_bpf__destroy(skel);
	return err;
}

int pt_http_load(char *text, size_t size)
{
	struct pt_datapath dp;
	int err, cgroup;
	bool has_any;

	text[0] = '\0';
	err = pt_datapath_open(&dp);
	if (err)
		return err;
	has_any = dp.info->http[0];
	if (dp.info->http_hash == pt_object_hash() && !strcmp(dp.info->http, "yes")) {
		pt_datapath_close(&dp);
		return PT_LOAD_NOTHING;
	}
	cgroup = open_root_cgroup();
	pt_why_begin(text, size);
	err = load(&dp, cgroup);
	pt_why_end(err);
	if (cgroup == -ENOENT)
		snprintf(text, size, "no cgroup2 on /sys/fs/cgroup or /sys/fs/cgroup/unified");
	else if (cgroup == -EPERM)
		snprintf(text, size, "the cgroup2 that is mounted is only a part of the node's");
	if (cgroup >= 0)
		close(cgroup);
	pt_datapath_close(&dp);
	return err ? err : has_any ? PT_LOAD_UPGRADED : PT_LOAD_CREATED;
}
