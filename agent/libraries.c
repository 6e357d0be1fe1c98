// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Says when to search, and for what. Whoever maps a file that was looked into before needs nothing:
 * a probe is on the file.
 */
#include "agent/libraries.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/log.h"
#include "agent/mappings.h"
#include "agent/meters.h"
#include "agent/probes.h"
#include "agent/search.h"
#include "agent/tls_files.h"

#define LOOK_MS        5 /* a program maps its libraries one after the other */
#define RETRY_MS       1000
#define CHILD_SECONDS  20
#define REVIEW_SECONDS 30

_Static_assert(sizeof(struct pt_search_outcome) <= PT_CHILD_TELLS, "the child can tell it");

struct pt_libraries {
	struct event_base *base;
	struct event *timer;
	struct pt_mappings *mappings;
	struct pt_child *child;
	struct pt_libraries_record record;
	bool wants_all; /* to look at all processes, not only at the batch */
	size_t count;   /* of the batch */
	struct pt_search search;
	struct pt_meters meters;
};

static void look_in(struct pt_libraries *libraries, long ms)
{
	const struct timeval pause = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (libraries->child)
		return; /* it is done before */
	evtimer_add(libraries->timer, &pause);
}

/* Without a way to probe there is nothing to look for until the programs are others. */
static void give_up(struct pt_libraries *libraries, int err)
{
	pt_agent_log(PT_LOG_WARN, "no metrics of HTTP over TLS on this node: %s",
		     err == -EPERM ? "this kernel's return probes end processes in containers"
				   : strerror(-err));
	pt_libraries_leave_all(PT_UNSEEN_UNAVAILABLE);
	memset(&libraries->search.memory->targets, 0, sizeof(libraries->search.memory->targets));
	pt_wishes_close(&libraries->search.wishes);
}

static void look_at_everything(void *arg)
{
	struct pt_libraries *libraries = arg;

	libraries->wants_all = true;
	look_in(libraries, LOOK_MS);
}

static void on_looked(const void *arg, const char *problem, void *arg2)
{
	const struct pt_search_outcome *outcome = arg;
	struct pt_libraries *libraries = arg2;

	if (outcome && outcome->tested) {
		give_up(libraries, outcome->tested);
	} else if (outcome && !libraries->search.is_tested) {
		libraries->search.is_tested = true;
		libraries->record.probe_ns = libraries->meters.budget.call_ns = outcome->probe_ns;
	}
	if (!outcome)
		pt_agent_log(PT_LOG_WARN, "TLS libraries can't be looked for: %s", problem);
	else if (outcome->err)
		pt_agent_log(PT_LOG_WARN, "a TLS library can't be probed: %s",
			     strerror(-outcome->err));
	if (outcome && outcome->detached) {
		/* somebody may have mapped it again in the meantime */
		memset(libraries->search.memory->seen, 0, sizeof(libraries->search.memory->seen));
		libraries->wants_all = true;
	}
	for (size_t i = 0; i < libraries->search.taken; i++)
		close(libraries->search.batch[i].fd);
	libraries->count -= libraries->search.taken;
	memmove(libraries->search.batch, libraries->search.batch + libraries->search.taken,
		libraries->count * sizeof(*libraries->search.batch));
	libraries->search.taken = 0;
	pt_child_free(libraries->child);
	libraries->child = NULL;
	look_in(libraries, libraries->count || libraries->wants_all ? 0 : REVIEW_SECONDS * 1000);
	pt_meters_watch(&libraries->meters);
}

/* Of the child that is about to be forked. */
static struct pt_search *next;

static void run(void *outcome)
{
	pt_search_run(next, outcome);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct pt_child_work work = { sizeof(struct pt_search_outcome), CHILD_SECONDS,
						   run, on_looked };
	struct pt_libraries *libraries = arg;

	(void)fd;
	(void)what;
	if (libraries->child || libraries->search.wishes.pods < 0)
		return; /* pt_libraries_loaded() says when */
	libraries->search.taken = libraries->count;
	libraries->search.looks_at_all = libraries->wants_all || !libraries->count;
	libraries->wants_all = false;
	next = &libraries->search;
	libraries->child = pt_child_new(libraries->base, &work, libraries);
	if (!libraries->child)
		look_in(libraries, RETRY_MS);
}

static bool is_in_batch(const struct pt_libraries *libraries, const struct pt_mapping *mapping)
{
	for (size_t i = 0; i < libraries->count; i++) {
		const struct pt_mapping *one = &libraries->search.batch[i].mapping;

		if (one->inode == mapping->inode && one->major == mapping->major &&
		    one->minor == mapping->minor && one->generation == mapping->generation)
			return true;
	}
	return false;
}

static void on_mapped(const struct pt_mapping *mapping, void *arg)
{
	struct pt_libraries *libraries = arg;
	struct pt_file_id id = pt_mapping_file(mapping);
	bool is_known = pt_is_seen(libraries->search.memory->seen, mapping);
	enum pt_tls_mode mode;
	int fd;

	if (is_in_batch(libraries, mapping) ||
	    (is_known && !pt_target_find(&libraries->search.memory->targets, &id)))
		return;
	mode = pt_wish_of(&libraries->search.wishes, mapping->pid);
	if (mode == PT_TLS_OFF || (is_known && !pt_search_note_user(&libraries->search, &id, mode)))
		return;
	if (libraries->count == PT_BATCH_MAX) {
		look_at_everything(libraries);
		return;
	}
	fd = pt_mapping_open(mapping);
	if (fd < 0)
		return; /* its process has ended */
	libraries->search.batch[libraries->count++] = (struct pt_candidate){ *mapping, mode, fd };
	look_in(libraries, LOOK_MS);
}

struct pt_libraries *pt_libraries_new(struct event_base *base, enum pt_tls_mode mode,
				      unsigned int budget)
{
	static const struct pt_mappings_events events = { on_mapped, look_at_everything };
	struct pt_libraries *libraries = calloc(1, sizeof(*libraries));

	if (!libraries)
		return NULL;
	libraries->base = base;
	libraries->search.wishes = (struct pt_wishes){ mode, -1, -1 };
	libraries->search.memory = mmap(NULL, sizeof(*libraries->search.memory),
					PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	libraries->timer = libraries->search.memory == MAP_FAILED
				   ? NULL
				   : evtimer_new(base, on_timer, libraries);
	libraries->record.targets = &libraries->search.memory->targets;
	libraries->meters = (struct pt_meters){
		.targets = &libraries->search.memory->targets,
		.budget.percent = budget,
		.cut = look_at_everything,
		.arg = libraries,
	};
	if (libraries->timer && !pt_meters_init(&libraries->meters, base))
		libraries->mappings = pt_mappings_new(base, &events, libraries);
	if (!libraries->mappings) {
		pt_libraries_free(libraries);
		return NULL;
	}
	return libraries;
}

const struct pt_libraries_record *pt_libraries_record(const struct pt_libraries *libraries)
{
	return &libraries->record;
}

void pt_libraries_loaded(struct pt_libraries *libraries)
{
	pt_wishes_close(&libraries->search.wishes);
	pt_wishes_open(&libraries->search.wishes);
	pt_tls_files_unmap(libraries->meters.files);
	libraries->search.files = pt_tls_files_map();
	libraries->record.files = libraries->meters.files = libraries->search.files;
	memset(libraries->search.memory->seen, 0, sizeof(libraries->search.memory->seen));
	pt_probes_tell(PT_UNSEEN_NO_PROBE);
	look_at_everything(libraries);
}

static int leave(const struct pt_file_id *id, void *arg)
{
	(void)arg;
	pt_probes_detach(id);
	return 0;
}

void pt_libraries_leave_all(enum pt_unseen why)
{
	pt_probes_tell(why);
	pt_probes_each(leave, NULL);
}

void pt_libraries_free(struct pt_libraries *libraries)
{
	if (!libraries)
		return;
	for (size_t i = 0; i < libraries->count; i++)
		close(libraries->search.batch[i].fd);
	pt_child_free(libraries->child);
	pt_mappings_free(libraries->mappings);
	if (libraries->timer)
		event_free(libraries->timer);
	pt_meters_done(&libraries->meters);
	pt_tls_files_unmap(libraries->meters.files);
	pt_wishes_close(&libraries->search.wishes);
	if (libraries->search.memory != MAP_FAILED)
		munmap(libraries->search.memory, sizeof(*libraries->search.memory));
	free(libraries);
}
