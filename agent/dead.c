// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* End pods whose DEL never came: podtag was taken out of the chain, the runtime was killed.
 *
 * No living pod may be ended, so each clue is looked at from its safe side:
 * - An ifindex says something only in the namespace where ADD read it (pt_pod.node_netns); an agent
 *   that is not there sees none of the node's interfaces, and judges none. A number that is there
 *   again, on whatever interface, means life. So does any host end that was only renamed.
 * - A host end that was moved elsewhere, or removed by hand, does not end its pod: the namespace is
 *   looked for too, among mounts and processes. Its number there again means life, too.
 * - An agent in a container may see no other namespaces at all. Then what libcni's cache still has
 *   lives, and what has no host end as well.
 * - What is looked for is read before it is looked for: an ADD in the meantime is not missed.
 */
#include "agent/dead.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "agent/log.h"
#include "bpf/each.h"
#include "bpf/namespaces.h"
#include "bpf/pods.h"
#include "cni/cache.h"
#include "cni/netns.h"

/* Of the initial pid namespace: include/linux/proc_ns.h, and since 6.18 linux/nsfs.h. */
#define PID_INIT_INO 0xeffffffcu

/* The network namespaces that can be seen from here. */
struct namespaces {
	bool is_read;
	bool is_complete; /* enough is seen for one that is not to be gone */
	__u32 *inodes;
	size_t count;
};

static int collect(const void *key, const void *value, void *arg)
{
	struct pt_dead *found = arg;
	struct pt_dead_one *ones;

	ones = reallocarray(found->ones, found->count + 1, sizeof(*ones));
	if (!ones)
		return -ENOMEM;
	found->ones = ones;
	memcpy(&ones[found->count].key, key, sizeof(ones->key));
	memcpy(&ones[found->count++].attachment, value, sizeof(ones->attachment));
	return 0;
}

static bool has_namespace(const struct namespaces *seen, __u32 inode)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->inodes[i] == inode)
			return true;
	}
	return false;
}

static int keep(const char *path, __u32 inode, void *arg)
{
	struct namespaces *seen = arg;
	__u32 *inodes;

	(void)path;
	if (has_namespace(seen, inode))
		return 0;
	inodes = reallocarray(seen->inodes, seen->count + 1, sizeof(*inodes));
	if (!inodes)
		return -ENOMEM;
	seen->inodes = inodes;
	inodes[seen->count++] = inode;
	return 0;
}

static int see_namespaces(struct namespaces *seen)
{
	struct stat st;
	int err;

	if (seen->is_read)
		return 0;
	err = pt_namespaces_each(keep, seen);
	if (err)
		return err;
	seen->is_read = true;
	seen->is_complete =
		(!stat("/proc/self/ns/pid", &st) && st.st_ino == PID_INIT_INO) || seen->count > 1;
	return 0;
}

static bool host_end_is_gone(const struct pt_datapath *dp, const struct pt_attachment *attachment,
			     __u32 own_netns)
{
	char name[IF_NAMESIZE];
	struct pt_pod pod;

	if (bpf_map_lookup_elem(dp->maps[PT_MAP_PODS], &attachment->pod_id, &pod))
		return false; /* the sweep of the maps mends that */
	return pod.node_netns && pod.node_netns == own_netns &&
	       !if_indextoname(attachment->ifindex, name) && errno == ENXIO;
}

/* Texts that were cut (pt_text_fit()) have no file of their name. */
static bool is_cached(const struct pt_attachment_key *key)
{
	return strchr(key->network, '~') || strchr(key->container_id, '~') ||
	       pt_cache_has(key->network, key->container_id, key->ifname);
}

/* 1, 0, or a negative errno. The quick clues come first: of a living pod with a host end there is
 * no other. */
static int is_dead(const struct pt_datapath *dp, const struct pt_dead_one *one, __u32 own_netns,
		   struct namespaces *seen)
{
	const struct pt_attachment *attachment = &one->attachment;
	int err;

	if (attachment->ifindex ? !host_end_is_gone(dp, attachment, own_netns)
				: is_cached(&one->key))
		return 0;
	err = see_namespaces(seen);
	if (err)
		return err;
	if (has_namespace(seen, attachment->netns))
		return 0;
	return seen->is_complete || (attachment->ifindex && !is_cached(&one->key));
}

int pt_dead_find(const struct pt_datapath *dp, struct pt_dead *ret)
{
	const __u32 own_netns = pt_netns_own();
	struct namespaces seen = {};
	size_t kept = 0;
	int err;

	*ret = (struct pt_dead){};
	err = pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
			  sizeof(struct pt_attachment), collect, ret);
	for (size_t i = 0; !err && i < ret->count; i++) {
		int dead = is_dead(dp, &ret->ones[i], own_netns, &seen);

		if (dead > 0)
			ret->ones[kept++] = ret->ones[i];
		else
			err = dead;
	}
	ret->count = err ? 0 : kept;
	free(seen.inodes);
	return err;
}

int pt_dead_end(struct pt_datapath *dp, const struct pt_dead *dead)
{
	int err, first_err = 0;

	for (size_t i = 0; i < dead->count; i++) {
		const struct pt_dead_one *one = &dead->ones[i];
		struct pt_attachment now;

		if (bpf_map_lookup_elem(dp->maps[PT_MAP_ATTACHMENTS], &one->key, &now) ||
		    now.pod_id != one->attachment.pod_id || now.netns != one->attachment.netns ||
		    now.ifindex != one->attachment.ifindex)
			continue; /* a DEL came, or another ADD */
		err = pt_attachment_end(dp, &one->key);
		if (!first_err)
			first_err = err;
		pt_agent_log(PT_LOG_INFO, "interface %s of %s in network %s is gone without a DEL",
			     one->key.ifname, one->key.container_id, one->key.network);
	}
	return first_err;
}

void pt_dead_free(struct pt_dead *dead)
{
	free(dead->ones);
	*dead = (struct pt_dead){};
}
