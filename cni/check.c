// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* CHECK: whether what ADD did is still there. */
#include <bpf/bpf.h>

#include "bpf/tc.h"
#include "cni/verbs.h"

int pt_check(const struct pt_env *env, const struct pt_conf *conf, struct pt_session *session,
	     struct pt_error *err)
{
	struct pt_attachment attachment;
	struct pt_attachment_key key;

	if (!conf->closed)
		return 0; /* CRI-O refuses the pod on an error */

	if (pt_session_open(session))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "podtag's datapath is not loaded");

	pt_attachment_key_fill(&key, conf->name, env->container_id, env->ifname);
	if (bpf_map_lookup_elem(session->dp.maps[PT_MAP_ATTACHMENTS], &key, &attachment))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "no attachment of %s in network %s",
			       env->ifname, conf->name);
	if (attachment.hook == PT_HOOK_NONE)
		return pt_fail(err, PT_CNI_CHECK_FAILED, "no tc program attached for %s: %s",
			       env->ifname, attachment.reason);
	if (attachment.hook == PT_HOOK_TCX && !pt_tc_tcx_is_attached(attachment.ifindex))
		return pt_fail(err, PT_CNI_CHECK_FAILED, "the tcx links of interface %u are gone",
			       attachment.ifindex);
	return 0;
}
