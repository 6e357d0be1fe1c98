// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* CHECK: whether what ADD did is still there. */
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/tc.h"
#include "cni/link.h"
#include "cni/netns.h"
#include "cni/verbs.h"

/* The filters are in the pod, and a pod with CAP_NET_ADMIN can take them away. */
static bool clsact_is_attached(const struct pt_env *env)
{
	struct pt_link link = { .netlink_fd = -1 };
	bool attached;
	__u32 netns;
	int fd;

	fd = pt_netns_open(env->netns, &netns);
	if (fd < 0)
		return false;
	attached = !pt_link_find(fd, env->ifname, &link) &&
		   pt_tc_clsact_is_attached(link.netlink_fd, link.ifindex);
	pt_link_close(&link);
	close(fd);
	return attached;
}

int pt_attachment_check(const struct pt_env *env, const char *network, struct pt_session *session,
			struct pt_error *err)
{
	struct pt_attachment attachment;
	struct pt_attachment_key key;

	if (pt_session_open(session))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "podtag's datapath is not loaded");

	pt_attachment_key_fill(&key, network, env->container_id, env->ifname);
	if (bpf_map_lookup_elem(session->dp.maps[PT_MAP_ATTACHMENTS], &key, &attachment))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "no attachment of %s in network %s",
			       env->ifname, network);
	if (attachment.hook == PT_HOOK_NONE)
		return pt_fail(err, PT_CNI_CHECK_FAILED, "no tc program attached for %s: %s",
			       env->ifname, attachment.reason);
	if (attachment.hook == PT_HOOK_CLSACT && !clsact_is_attached(env))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "the tc filters of %s in the pod are gone",
			       env->ifname);
	if (attachment.hook == PT_HOOK_TCX && !pt_tc_tcx_is_attached(attachment.ifindex))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "the tcx links of interface %u are gone",
			       attachment.ifindex);
	return 0;
}

int pt_check(const struct pt_env *env, const struct pt_conf *conf, struct pt_session *session,
	     struct pt_error *err)
{
	if (!conf->closed)
		return 0; /* CRI-O refuses the pod on an error */
	return pt_attachment_check(env, conf->name, session, err);
}
