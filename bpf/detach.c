// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Take the filters away from the pods that have them, each in its own network namespace. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/detach.h"
#include "bpf/each.h"
#include "bpf/namespaces.h"
#include "bpf/netlink.h"
#include "bpf/tc.h"

struct wanted {
	__u32 netns;
	__u32 ifindex; /* of the host end: where that is gone, so is the pod; 0: has no filters */
	bool done;
};

struct search {
	struct wanted *pods;
	size_t count;
	size_t room;
};

static int collect(const void *key, const void *value, void *arg)
{
	const struct pt_attachment *attachment = value;
	struct search *search = arg;

	(void)key;
	if (search->count == search->room) {
		size_t room = search->room ? 2 * search->room : 64;
		struct wanted *more = realloc(search->pods, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		search->pods = more;
		search->room = room;
	}
	/* a killed ADD may have attached what it did not write down */
	search->pods[search->count++] = (struct wanted){
		.netns = attachment->netns,
		.ifindex = attachment->hook == PT_HOOK_CLSACT ? attachment->ifindex : 0,
	};
	return 0;
}

/* Of whatever interfaces there are: a pod may have several, and rename them. */
static int detach_here(void)
{
	struct if_nameindex *links = if_nameindex();
	int fd = pt_netlink_open();

	for (size_t i = 0; links && fd >= 0 && links[i].if_index; i++)
		pt_tc_detach_clsact(fd, links[i].if_index);
	if (links)
		if_freenameindex(links);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int detach_in(const char *path)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = own < 0 || there < 0 ? -errno : 0;

	if (!err && setns(there, CLONE_NEWNET))
		err = -errno;
	if (!err) {
		err = detach_here();
		if (setns(own, CLONE_NEWNET))
			abort(); /* in a pod's namespace all else would go wrong */
	}
	if (own >= 0)
		close(own);
	if (there >= 0)
		close(there);
	return err;
}

/* A path that leads elsewhere, because something is mounted over it, is left: another may do. */
static int visit(const char *path, __u32 inode, void *arg)
{
	struct search *search = arg;
	bool here = false, done;
	struct stat st;

	for (size_t i = 0; i < search->count; i++)
		here |= search->pods[i].netns == inode && !search->pods[i].done;
	if (!here || stat(path, &st) || st.st_ino != inode)
		return 0;
	done = !detach_in(path);
	for (size_t i = 0; i < search->count; i++)
		if (search->pods[i].netns == inode)
			search->pods[i].done = done;
	return 0;
}

int pt_detach_pods(const struct pt_datapath *dp)
{
	char name[IF_NAMESIZE];
	struct search search = {};
	int err;

	err = pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
			  sizeof(struct pt_attachment), collect, &search);
	if (!err)
		err = pt_namespaces_each(visit, &search);
	for (size_t i = 0; i < search.count; i++)
		if (!search.pods[i].done && if_indextoname(search.pods[i].ifindex, name))
			err = err ? err : -EBUSY;
	free(search.pods);
	return err;
}
