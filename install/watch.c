// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-install watch: podtag stays in the chain, whoever rewrites it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "install/detect.h"

#define POLL_MS     30000 /* should an event be missed */
#define BLIND_MS    5000  /* without any events */
#define QUIET_MS    200   /* after which a burst of events is over */
#define THROTTLE_MS 5000  /* from one write to the next */
/* That many reverts in that time are a war, which is not won by writing faster. */
#define REVERTS    5
#define REVERTS_MS 300000
#define WAR_MS     60000 /* from one write to the next then */

#define DIRS_MAX 16
#define EVENTS                                                                                     \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF |   \
	 IN_MOVE_SELF)

struct watch {
	const struct pt_options *options;
	int signals;
	int keeper;                 /* the lock by which uninstall sees that this runs, or -1 */
	bool had_entry;             /* podtag was in the chain before */
	long long reverts[REVERTS]; /* when, the last ones; 0: never */
	unsigned int revert_count;
	long long free_ms; /* when the next write may be */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Of a folder that is not there, what is nearest above it. */
static int watch_dir(int fd, const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	while (inotify_add_watch(fd, *path ? path : "/", EVENTS | IN_ONLYDIR) < 0) {
		char *slash = strrchr(path, '/');

		if ((errno != ENOENT && errno != ENOTDIR) || !slash)
			return -errno;
		*slash = '\0';
	}
	return 0;
}

/* Made anew each time: what was missing may be there, what was there may be another. Returns an
 * inotify descriptor, or -1 with a complaint. */
static int watch_dirs(const struct watch *watch, const char *bin_dir)
{
	const char *dirs[DIRS_MAX + 1];
	size_t count = pt_conf_dirs(watch->options, dirs, DIRS_MAX);
	int err = 0, fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		err = -errno;
	if (*bin_dir)
		dirs[count++] = bin_dir;
	for (size_t i = 0; i < count && !err; i++)
		err = watch_dir(fd, dirs[i]);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return pt_complain(err,
			   "no inotify (see fs.inotify.max_user_instances and "
			   "max_user_watches): looking every %d s instead",
			   BLIND_MS / 1000);
}

/* Returns whether a signal has come to end it. Events end the wait if there are any to come. */
static bool wait_for(const struct watch *watch, int events, long long ms)
{
	struct pollfd fds[] = {
		{ .fd = watch->signals, .events = POLLIN },
		{ .fd = events, .events = POLLIN },
	};

	poll(fds, 2, ms < 0 ? 0 : (int)ms);
	return fds[0].revents;
}

/* Until a burst of events is over. */
static bool drain(const struct watch *watch, int events)
{
	char buffer[4096];

	while (events >= 0 && read(events, buffer, sizeof(buffer)) > 0)
		if (wait_for(watch, events, QUIET_MS))
			return true;
	return false;
}

static bool cilium_renames(const struct pt_node *node)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s.cilium_bak", node->base->path);
	return !strncmp(node->base->chain.first_type, "cilium", 6) || !access(path, F_OK);
}

static void name_cause(const struct watch *watch)
{
	struct pt_node node;

	if (!pt_node_find(watch->options, &node) && node.base)
		pt_complain(
			0,
			"podtag was taken out of %s %d times within %d minutes, most likely by the "
			"owner of its first plugin, %s. %s From now on podtag is put in at most "
			"once a minute",
			node.base->path, REVERTS, REVERTS_MS / 60000, node.base->chain.first_type,
			cilium_renames(&node)
				? "Cilium does so unless it is installed with cni.exclusive=false "
				  "(cni-exclusive: \"false\" in its ConfigMap cilium-config)."
				: "Look for an option of it that leaves the chain to others.");
	pt_node_free(&node);
}

static void note(struct watch *watch, enum pt_outcome outcome)
{
	long long now = now_ms(), *oldest;
	bool war = false;

	if (outcome == PT_ENTRY_PUT_IN && watch->had_entry) {
		oldest = &watch->reverts[watch->revert_count++ % REVERTS];
		*oldest = now;
		oldest = &watch->reverts[watch->revert_count % REVERTS];
		war = *oldest && now - *oldest < REVERTS_MS;
	}
	if (war)
		name_cause(watch);
	if (outcome == PT_ENTRY_PUT_IN || outcome == PT_CHANGED)
		watch->free_ms = now + (war ? WAR_MS : THROTTLE_MS);
	if (outcome == PT_ENTRY_PUT_IN || outcome == PT_UNCHANGED)
		watch->had_entry = true;
	if (outcome == PT_NO_BASE)
		pt_complain(0, "waiting for the base CNI's network configuration");
}

/* Lets an uninstall know, for as long as this lives. False: one is under way. */
static bool keep(struct watch *watch, const char *bin_dir)
{
	int lock = *bin_dir ? pt_dir_lock(bin_dir, LOCK_SH, 0) : -ENOENT;

	if (lock >= 0) {
		if (watch->keeper >= 0)
			close(watch->keeper);
		watch->keeper = lock;
	}
	return lock != -EWOULDBLOCK;
}

/* Looks, repairs, and waits for the next reason to look, which may be what it just wrote. Returns
 * false at the end. */
static bool round_of(struct watch *watch)
{
	struct pt_node node;
	bool free, end;
	int events;

	pt_node_find(watch->options, &node);
	free = keep(watch, node.bin_dir);
	events = watch_dirs(watch, node.bin_dir); /* first watch, then look */
	pt_node_free(&node);
	if (free)
		note(watch, pt_install_once(watch->options));
	else
		pt_complain(0, "waiting for podtag-install uninstall to end");
	end = wait_for(watch, events, events < 0 ? BLIND_MS : POLL_MS) || drain(watch, events) ||
	      wait_for(watch, -1, watch->free_ms - now_ms());
	if (events >= 0)
		close(events);
	return !end;
}

int pt_watch(const struct pt_options *options)
{
	struct watch watch = { .options = options, .keeper = -1 };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	watch.signals = signalfd(-1, &ends, SFD_CLOEXEC);
	if (watch.signals < 0)
		return pt_complain(-errno, "signals") != 0;
	while (round_of(&watch))
		;
	return 0;
}
