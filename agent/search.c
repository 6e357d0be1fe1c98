// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/search.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/pclntab.h"
#include "agent/probe_test.h"
#include "agent/probes.h"
#include "agent/symbols.h"
#include "agent/tls_files.h"
#include "bpf/datapath.h"
#include "cni/text.h"

#define IDLE_SECONDS 45 /* programs that run for a moment now and then are looked into once */
#define CHILD_MEMORY (64u << 20)

/* In the child. */
static struct pt_search *working;

struct pt_file_id pt_mapping_file(const struct pt_mapping *mapping)
{
	return (struct pt_file_id){ makedev(mapping->major, mapping->minor), mapping->inode };
}

/* Whether a target has cost too much, and nobody wants it probed nevertheless. */
static bool is_barred(const struct pt_search *search, const struct pt_target *target)
{
	return search->files && search->files[target->slot].retry_ns > pt_now_ns() &&
	       !pt_target_is_on(target);
}

bool pt_search_note_user(struct pt_search *search, const struct pt_file_id *id,
			 enum pt_tls_mode mode)
{
	struct pt_target *target = pt_target_find(&search->memory->targets, id);

	if (!target)
		return false;
	if (mode == PT_TLS_ON)
		pt_target_set_on(target);
	return target->state == PT_TARGET_OVER_BUDGET && !is_barred(search, target);
}

/* A library is known by its file's name, and Go's, which is in each program, by its own. */
static void name_target(struct pt_target *target, int fd, enum pt_probed kind)
{
	char path[32], name[PATH_MAX] = "crypto/tls", version[sizeof(target->version)];
	char *library = name;
	ssize_t size;

	if (kind == PT_PROBED_GO) {
		pt_pclntab_version(fd, version, sizeof(version));
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		size = readlink(path, name, sizeof(name) - 1);
		name[size < 0 ? 0 : size] = '\0';
		library = basename(name);
		library[strcspn(library, " ")] = '\0'; /* of "(deleted)" */
		pt_symbols_version(fd, version, sizeof(version));
	}
	pt_text_clean(target->library, sizeof(target->library), library);
	pt_text_clean(target->version, sizeof(target->version), version);
}

/* Returns NULL when there are too many. */
static struct pt_target *describe(const struct pt_file_id *id, int fd, enum pt_probed kind)
{
	struct pt_target *target = pt_target_add(&working->memory->targets, id);

	if (!target)
		return NULL;
	name_target(target, fd, kind);
	target->idle_since = 0;
	target->slot = working->files
			       ? pt_tls_file_take(working->files, &working->memory->targets, target)
			       : 0;
	return target;
}

static int slot_for(int fd, const struct pt_file_id *id, enum pt_probed kind, void *arg)
{
	struct pt_target *target = describe(id, fd, kind);
	const enum pt_tls_mode *mode = arg;

	if (!target)
		return -ENOSPC;
	pt_search_note_user(working, id, *mode);
	target->state = PT_TARGET_PROBED;
	if (!is_barred(working, target))
		return (int)target->slot;
	target->state = PT_TARGET_OVER_BUDGET;
	return -EDQUOT;
}

static void look_into(const struct pt_mapping *mapping, enum pt_tls_mode mode, const char *path,
		      struct pt_search_outcome *outcome)
{
	struct pt_file_id id = pt_mapping_file(mapping);
	struct pt_target *target;
	struct pt_seen *seen;
	int fd, found;

	if (!pt_search_note_user(working, &id, mode) && pt_is_seen(working->memory->seen, mapping))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return; /* its process has ended, most often */
	seen = pt_seen_note(working->memory->seen, mapping);
	seen->tries++;
	found = pt_probes_attach(fd, &id, slot_for, &mode);
	if (found < 0 && found != -EDQUOT) {
		outcome->err = found;
		target = pt_target_find(&working->memory->targets, &id);
		if (target)
			target->state = PT_TARGET_REFUSED;
	}
	close(fd);
	seen->tries = PT_TRIES_MAX;
}

/* Files that processes in pods have mapped. */
struct used {
	struct pt_file_id *ids;
	size_t count, room;
	enum pt_tls_mode mode; /* of the process that is looked at */
	struct pt_search_outcome *outcome;
};

static bool is_used(const struct used *used, const struct pt_file_id *id)
{
	for (size_t i = 0; i < used->count; i++)
		if (pt_is_same_file(&used->ids[i], id))
			return true;
	return false;
}

static int use(const struct pt_mapping *mapping, void *arg)
{
	struct used *used = arg;
	struct pt_file_id id = pt_mapping_file(mapping);
	char path[80];

	if (is_used(used, &id) && !pt_search_note_user(working, &id, used->mode))
		return 0;
	if (used->count == used->room) {
		size_t room = 2 * used->room + 64;
		struct pt_file_id *ids = reallocarray(used->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		used->ids = ids;
		used->room = room;
	}
	used->ids[used->count++] = id;
	pt_mapping_path(mapping, path, sizeof(path));
	look_into(mapping, used->mode, path, used->outcome);
	return 0;
}

/* What an agent before this one has probed, also if no process has it mapped by now. */
static int take_over(const struct pt_file_id *id, void *arg)
{
	struct pt_target *target = pt_target_add(&working->memory->targets, id);

	(void)arg;
	if (!target)
		pt_probes_detach(id);
	else if (!target->slot && working->files)
		pt_tls_file_recall(working->files, target);
	return 0;
}

static void let_go(const struct used *used)
{
	for (size_t i = 0; i < PT_TARGETS_MAX; i++) {
		struct pt_target *target = &working->memory->targets.all[i];

		if (!target->id.inode ||
		    !pt_target_is_over(target, is_used(used, &target->id), IDLE_SECONDS))
			continue;
		pt_probes_detach(&target->id);
		*target = (struct pt_target){};
		used->outcome->detached++;
	}
}

static void look_at_all(struct pt_search_outcome *outcome)
{
	struct used used = { .outcome = outcome };
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return;
	pt_probes_each(take_over, NULL);
	while (err != -ENOMEM && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		used.mode = pid ? pt_wish_of(&working->wishes, pid) : PT_TLS_OFF;
		if (used.mode != PT_TLS_OFF)
			err = pt_mappings_read(pid, SIZE_MAX, use, &used);
	}
	closedir(proc);
	if (err != -ENOMEM)
		let_go(&used);
	free(used.ids);
}

static void take_off_what_costs_too_much(void)
{
	bool is_less = false;

	for (size_t i = 0; i < PT_TARGETS_MAX; i++) {
		const struct pt_target *target = &working->memory->targets.all[i];

		if (target->state != PT_TARGET_OVER_BUDGET || !is_barred(working, target))
			continue;
		is_less |= pt_probes_detach(&target->id);
	}
	if (is_less)
		pt_probes_tell(PT_UNSEEN_NO_PROBE);
}

static void look(struct pt_search_outcome *outcome)
{
	char path[64];

	take_off_what_costs_too_much();
	for (size_t i = 0; i < working->taken; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(), working->batch[i].fd);
		look_into(&working->batch[i].mapping, working->batch[i].mode, path, outcome);
	}
	if (working->looks_at_all)
		look_at_all(outcome);
	take_off_what_costs_too_much(); /* that an agent before this one has probed */
}

void pt_search_run(struct pt_search *search, struct pt_search_outcome *outcome)
{
	const struct rlimit memory = { CHILD_MEMORY, CHILD_MEMORY };
	int links[2];

	working = search;
	/* the next agent may not want what this one does */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a file may say of its symbols that they are of any size */
	setrlimit(RLIMIT_DATA, &memory);
	/* the agent's own descriptors are closed */
	pt_wishes_open(&search->wishes);
	if (search->is_tested) {
		look(outcome);
		return;
	}
	outcome->tested = pt_probe_test(&outcome->probe_ns, links);
	if (outcome->tested)
		return;
	look(outcome);
	close(links[0]);
	close(links[1]);
}
