// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which hook counts and marks a pod's packets.
 *
 * clsact on the pod's end is cheap and exact, and needs no host end. tcx on the host end is taken
 * where the pod's end is not free, and for marks: skb->mark does not survive the way from one
 * namespace into the other, so only the host end can set one that the host sees.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/pods.h"
#include "bpf/tc.h"
#include "cni/attach.h"
#include "cni/log.h"

int pt_mark_make(__u64 pod_id, __u32 mask, __u32 *ret)
{
	int shift = __builtin_ctz(mask);

	if (pod_id > mask >> shift)
		return -EOVERFLOW;
	*ret = (__u32)pod_id << shift;
	return 0;
}

/* Kata Containers adds an ingress qdisc of its own to the pod's end once the CNI chain is through,
 * and gives the pod up when a clsact has that place. */
static bool node_has_kata(void)
{
	static const char *const paths[] = {
		"/opt/kata",
		"/usr/bin/containerd-shim-kata-v2",
		"/usr/local/bin/containerd-shim-kata-v2",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!access(paths[i], F_OK))
			return true;
	}
	return false;
}

static int attach_clsact(const struct pt_link *link, struct pt_attachment *attachment)
{
	int err = -ENODEV;

	if (link->netlink_fd >= 0)
		err = pt_tc_attach_clsact(link->netlink_fd, link->ifindex, attachment->classid);
	if (err)
		pt_log(PT_LOG_INFO, "no clsact on the pod's end: %s", strerror(-err));
	else
		attachment->hook = PT_HOOK_CLSACT;
	return err;
}

static int attach_tcx(const struct pt_link *link, bool mark, struct pt_attachment *attachment)
{
	int err = -ENODEV;

	if (link->peer_ifindex)
		err = pt_tc_attach_tcx(link->peer_ifindex, mark);
	if (err)
		pt_log(PT_LOG_INFO, "no tcx on the host end: %s", strerror(-err));
	else
		attachment->hook = PT_HOOK_TCX;
	return err;
}

/* In its place before the program that reads it runs. Returns "" or a reason. Without a mark the
 * mask is 0, which marks nothing. */
static const char *write_mark(struct pt_session *session, const struct pt_link *link, __u64 pod_id,
			      __u32 mask)
{
	__u32 mark;
	int err;

	if (pt_mark_make(pod_id, mask, &mark)) {
		pt_session_miss(session, PT_MARK_OVERFLOW, PT_CNI_NOT_OBSERVED,
				"pod id %llu does not fit into markMask 0x%08x", pod_id, mask);
		return "mark_overflow";
	}
	err = pt_interface_mark(&session->dp, link->peer_ifindex, mark, mask);
	if (err) {
		pt_session_miss(session, PT_MAP_UPDATE, PT_CNI_NOT_OBSERVED,
				"the mark cannot be written: %s", strerror(-err));
		return "map_update";
	}
	return "";
}

/* One hook and never a second beside it, which would count every packet twice. */
static void attach_one(const struct pt_link *link, enum pt_hook before, bool mark, bool kata,
		       struct pt_attachment *attachment)
{
	bool tcx_first = before ? before == PT_HOOK_TCX : mark || kata;

	if (!tcx_first) {
		if (attach_clsact(link, attachment))
			attach_tcx(link, mark, attachment);
	} else if (attach_tcx(link, mark, attachment) && !kata) {
		attach_clsact(link, attachment);
	}
}

void pt_attach(struct pt_session *session, const struct pt_link *link, enum pt_hook before,
	       __u32 mark_mask, struct pt_attachment *attachment)
{
	bool kata = node_has_kata();
	const char *reason = "";

	if (!link->ifindex) {
		reason = link->reason; /* noted in the session before */
		goto out;
	}
	if (mark_mask && link->peer_ifindex)
		reason = write_mark(session, link, attachment->pod_id, mark_mask);
	attach_one(link, before, mark_mask, kata, attachment);

	if (attachment->hook == PT_HOOK_NONE) {
		reason = kata ? "kata_needs_tcx" : "tc_attach";
		pt_session_miss(session, PT_TC_ATTACH, PT_CNI_NOT_OBSERVED,
				"no hook for the traffic programs: %s", reason);
	} else if (mark_mask && attachment->hook != PT_HOOK_TCX) {
		reason = "mark_needs_tcx";
		pt_session_miss(session, PT_TC_ATTACH, PT_CNI_NOT_OBSERVED,
				"markMask needs tcx and a host end");
	} else if (!link->peer_ifindex) {
		reason = link->reason; /* all of the pod is counted, but a person may wonder */
	}
out:
	memset(attachment->reason, 0, sizeof(attachment->reason));
	snprintf(attachment->reason, sizeof(attachment->reason), "%s", reason);
}
