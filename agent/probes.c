// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/probes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "agent/pclntab.h"
#include "agent/symbols.h"
#include "bpf/datapath.h"

#define LINKS PT_DIR "/links"

/* The programs at a function's entry and, or NULL, at its return. */
struct hook {
	const char *name; /* in pins, which allow no dots */
	const char *function;
	const char *entry;
	const char *exit;
};

static const struct hook hooks[] = {
	{ "SSL_read", "SSL_read", "podtag_tls_call", "podtag_ssl_rd" },
	{ "SSL_write", "SSL_write", "podtag_tls_call", "podtag_ssl_wr" },
	{ "SSL_read_ex", "SSL_read_ex", "podtag_tls_call", "podtag_ssl_rdx" },
	{ "SSL_write_ex", "SSL_write_ex", "podtag_tls_call", "podtag_ssl_wrx" },
	{ "SSL_shutdown", "SSL_shutdown", "podtag_tls_bye", NULL },
	{ "SSL_free", "SSL_free", "podtag_tls_free", NULL },
	{ "gnutls_record_recv", "gnutls_record_recv", "podtag_tls_call", "podtag_ssl_rd" },
	{ "gnutls_record_send", "gnutls_record_send", "podtag_tls_call", "podtag_gnu_wr" },
	{ "gnutls_bye", "gnutls_bye", "podtag_tls_bye", NULL },
	{ "gnutls_deinit", "gnutls_deinit", "podtag_tls_free", NULL },
};

#define HOOKS (sizeof(hooks) / sizeof(*hooks))

static const struct hook go_hooks[] = {
	{ "go_read", "crypto/tls.(*Conn).Read", "podtag_go_read", "podtag_go_rd" },
	{ "go_write", "crypto/tls.(*Conn).Write", "podtag_go_write", "podtag_go_wr" },
	{ "go_close", "crypto/tls.(*Conn).Close", "podtag_go_close", NULL },
};

#define GO_HOOKS (sizeof(go_hooks) / sizeof(*go_hooks))

/* What all pins of a file begin with. */
static void pins_of(const struct pt_file_id *id, char *ret, size_t size)
{
	snprintf(ret, size, "tls-%jx-%jx-", (uintmax_t)id->device, (uintmax_t)id->inode);
}

/* A number in a file of sysfs that has one, in a text like "config:0". */
static int read_number(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	int number, err = 0;

	if (!file)
		return -errno;
	if (fscanf(file, format, &number) != 1)
		err = -EINVAL;
	fclose(file);
	return err ? err : number;
}

/* The kernel's way to probe a file's instruction: a perf event. It lasts as long as the link. */
static int open_event(int fd, uint64_t offset, bool is_exit)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char path[32];
	int type, bit, event;

	type = read_number("/sys/bus/event_source/devices/uprobe/type", "%d");
	bit = read_number("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:%d");
	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	attr.type = type;
	attr.config = is_exit ? 1ull << bit : 0;
	attr.uprobe_path = (uint64_t)(uintptr_t)path;
	attr.probe_offset = offset;
	event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return event < 0 ? -errno : event;
}

/* As it is now: an upgrade replaces programs. */
static int open_program(const char *program)
{
	char path[128];

	snprintf(path, sizeof(path), PT_DIR "/progs/%s", program);
	return bpf_obj_get(path);
}

/* Returns a link, which detaches when it is closed and not pinned. The program finds the file's
 * slot by the link's cookie. */
static int link_program(int fd, uint64_t offset, const char *program, bool is_exit, int slot)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = slot);
	int prog = open_program(program), event, link;

	if (prog < 0)
		return prog;
	link = event = open_event(fd, offset, is_exit);
	if (event >= 0) {
		link = bpf_link_create(prog, event, BPF_PERF_EVENT, &options);
		close(event);
	}
	close(prog);
	return link;
}

/* Whether a pin is a link of that program. */
static bool is_linked(const char *pin, const char *program)
{
	int link = bpf_obj_get(pin), prog = link < 0 ? -1 : open_program(program);
	struct bpf_prog_info prog_info = {};
	struct bpf_link_info link_info = {};
	__u32 prog_size = sizeof(prog_info), link_size = sizeof(link_info);
	bool is_its;

	is_its = prog >= 0 && !bpf_obj_get_info_by_fd(link, &link_info, &link_size) &&
		 !bpf_obj_get_info_by_fd(prog, &prog_info, &prog_size) &&
		 link_info.prog_id == prog_info.id;
	if (prog >= 0)
		close(prog);
	if (link >= 0)
		close(link);
	return is_its;
}

/* In the place of a program that was replaced, which stays until this one is there: of a call that
 * two see the second finds it seen. */
static int attach_program(int fd, uint64_t offset, const char *program, bool is_exit, int slot,
			  const char *pin)
{
	int link, err;

	if (is_linked(pin, program))
		return 0;
	link = link_program(fd, offset, program, is_exit, slot);
	if (link < 0)
		return link;
	unlink(pin);
	err = bpf_obj_pin(link, pin);
	close(link);
	return err;
}

/* The returns first: a call that is seen only when it returns is not counted. Where they are is
 * NULL for a function whose caller may be told to return elsewhere first. */
static int attach_hook(int fd, const struct pt_file_id *id, const struct hook *hook, uint64_t entry,
		       const struct pt_go_function *go, int slot)
{
	char pins[64], pin[192];
	int err = 0;

	pins_of(id, pins, sizeof(pins));
	for (size_t i = 0; hook->exit && i < (go ? go->count : 1) && !err; i++) {
		snprintf(pin, sizeof(pin), LINKS "/%s%s-exit-%zu", pins, hook->name, i);
		err = attach_program(fd, go ? go->returns[i] : entry, hook->exit, !go, slot, pin);
	}
	if (err)
		return err;
	snprintf(pin, sizeof(pin), LINKS "/%s%s", pins, hook->name);
	return attach_program(fd, entry, hook->entry, false, slot, pin);
}

static int find_c(int fd, uint64_t *offsets)
{
	const char *names[HOOKS];

	for (size_t i = 0; i < HOOKS; i++)
		names[i] = hooks[i].function;
	return pt_symbols_find(fd, names, HOOKS, offsets);
}

static int find_go(int fd, struct pt_go_function *functions)
{
	const char *names[GO_HOOKS];

	for (size_t i = 0; i < GO_HOOKS; i++)
		names[i] = go_hooks[i].function;
	return pt_pclntab_find(fd, names, GO_HOOKS, functions);
}

int pt_probes_attach(int fd, const struct pt_file_id *id, pt_slot_fn *slot_of, void *arg)
{
	struct pt_go_function functions[GO_HOOKS];
	uint64_t offsets[HOOKS];
	int c = find_c(fd, offsets), go, slot, err;

	if (c < 0)
		return c == -ENOEXEC ? 0 : c;
	go = find_go(fd, functions);
	if (!c && !go)
		return 0;
	slot = slot_of(fd, id, go ? PT_PROBED_GO : PT_PROBED_C, arg);
	if (slot < 0)
		return slot;
	err = go < 0 ? go : 0;
	for (size_t i = 0; i < HOOKS && !err; i++)
		if (offsets[i])
			err = attach_hook(fd, id, &hooks[i], offsets[i], NULL, slot);
	for (size_t i = 0; i < GO_HOOKS && go && !err; i++)
		err = attach_hook(fd, id, &go_hooks[i], functions[i].entry, &functions[i], slot);
	if (err)
		pt_probes_detach(id);
	return err ? err : 1;
}

int pt_probes_try(int fd, uint64_t offset, int links[2])
{
	links[0] = link_program(fd, offset, "podtag_ssl_rd", true, 0);
	if (links[0] < 0)
		return links[0];
	links[1] = link_program(fd, offset, "podtag_tls_call", false, 0);
	if (links[1] >= 0)
		return 0;
	close(links[0]);
	return links[1];
}

void pt_probes_tell(enum pt_unseen unseen)
{
	int map = bpf_obj_get(PT_DIR "/maps/tls_probes");
	struct pt_tls_probes probes;
	__u32 key = 0;

	if (map < 0)
		return;
	if (!bpf_map_lookup_elem(map, &key, &probes)) {
		probes.unseen = unseen;
		probes.generation++;
		bpf_map_update_elem(map, &key, &probes, BPF_EXIST);
	}
	close(map);
}

/* Entries first: what has no entry is not counted when it returns. */
bool pt_probes_detach(const struct pt_file_id *id)
{
	char pins[64], pin[320];
	struct dirent *entry;
	bool had_some = false;
	DIR *links;

	pins_of(id, pins, sizeof(pins));
	for (int exits = false; exits <= true; exits++) {
		links = opendir(LINKS);
		while (links && (entry = readdir(links))) {
			bool is_exit = strstr(entry->d_name, "-exit-");

			if (strncmp(entry->d_name, pins, strlen(pins)) != 0 || is_exit != exits)
				continue;
			snprintf(pin, sizeof(pin), LINKS "/%s", entry->d_name);
			had_some |= !unlink(pin);
		}
		if (links)
			closedir(links);
	}
	return had_some;
}

int pt_probes_each(pt_probed_fn *fn, void *arg)
{
	DIR *links = opendir(LINKS);
	struct dirent *entry;
	int err = 0;

	if (!links)
		return -errno;
	while (!err && (errno = 0, entry = readdir(links))) {
		uintmax_t device, inode;
		struct pt_file_id id;

		if (sscanf(entry->d_name, "tls-%jx-%jx-", &device, &inode) != 2)
			continue;
		id.device = device;
		id.inode = inode;
		err = fn(&id, arg);
	}
	if (!err && errno)
		err = -errno;
	closedir(links);
	return err;
}
