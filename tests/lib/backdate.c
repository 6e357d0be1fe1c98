// SPDX-License-Identifier: BSD-2-Clause
/* Make deleted pods' retention end sooner: moves deleted_ns in the pinned map `pods` back.
 *
 * usage: backdate POD-NAME|--all SECONDS
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/types.h"

int main(int argc, char **argv)
{
	bool all = argc > 1 && !strcmp(argv[1], "--all");
	static __u64 ids[PT_PODS_MAX];
	int fd, count = 0, done = 0;
	struct pt_pod pod;
	__u64 shift;

	if (argc != 3) {
		fputs("usage: backdate POD-NAME|--all SECONDS\n", stderr);
		return 2;
	}
	shift = strtoull(argv[2], NULL, 10) * 1000000000ull;
	fd = bpf_obj_get("/sys/fs/bpf/podtag/v2/maps/pods");
	if (fd < 0) {
		perror("backdate: pods");
		return 1;
	}
	/* all keys first: an entry that is written moves to where the walk may meet it again */
	while (count < PT_PODS_MAX &&
	       !bpf_map_get_next_key(fd, count ? &ids[count - 1] : NULL, &ids[count]))
		count++;
	for (int i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(fd, &ids[i], &pod) || !pod.deleted_ns ||
		    (!all && strcmp(pod.name, argv[1])))
			continue;
		pod.deleted_ns -= shift; /* wraps, as all that reads it does, just after boot */
		if (!bpf_map_update_elem(fd, &ids[i], &pod, BPF_EXIST))
			done++;
	}
	if (!done && !all)
		fprintf(stderr, "backdate: no deleted pod %s\n", argv[1]);
	return !done && !all;
}
