// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/wishes.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/datapath.h"

void pt_wishes_open(struct pt_wishes *wishes)
{
	wishes->pods = bpf_obj_get(PT_DIR "/maps/pod_by_netns");
	wishes->wanted = bpf_obj_get(PT_DIR "/maps/tls_wanted");
}

void pt_wishes_close(struct pt_wishes *wishes)
{
	if (wishes->pods >= 0)
		close(wishes->pods);
	if (wishes->wanted >= 0)
		close(wishes->wanted);
	wishes->pods = wishes->wanted = -1;
}

enum pt_tls_mode pt_wish_of(const struct pt_wishes *wishes, pid_t pid)
{
	enum pt_tls_mode mode;
	struct pt_pod_ref ref;
	struct stat st;
	char path[32];
	__u32 netns;

	if (wishes->pods < 0)
		return PT_TLS_OFF;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st))
		return PT_TLS_OFF;
	netns = st.st_ino;
	if (bpf_map_lookup_elem(wishes->pods, &netns, &ref))
		return PT_TLS_OFF;
	return bpf_map_lookup_elem(wishes->wanted, &ref.pod_id, &mode) ? wishes->node : mode;
}
