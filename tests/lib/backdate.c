// SPDX-License-Identifier: BSD-2-Clause
/* Make a deleted pod's retention end sooner: moves deleted_ns in the pinned map `pods` back.
 *
 * usage: backdate POD-NAME SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/types.h"

int main(int argc, char **argv)
{
	__u64 *prev = NULL, id, shift;
	struct pt_pod pod;
	int fd, done = 0;

	if (argc != 3) {
		fputs("usage: backdate POD-NAME SECONDS\n", stderr);
		return 2;
	}
	shift = strtoull(argv[2], NULL, 10) * 1000000000ull;
	fd = bpf_obj_get("/sys/fs/bpf/podtag/v1/maps/pods");
	if (fd < 0) {
		perror("backdate: pods");
		return 1;
	}
	for (; !bpf_map_get_next_key(fd, prev, &id); prev = &id) {
		if (bpf_map_lookup_elem(fd, &id, &pod) || strcmp(pod.name, argv[1]) ||
		    !pod.deleted_ns)
			continue;
		pod.deleted_ns = pod.deleted_ns > shift ? pod.deleted_ns - shift : 1;
		if (!bpf_map_update_elem(fd, &id, &pod, BPF_EXIST))
			done++;
	}
	if (!done)
		fprintf(stderr, "backdate: no deleted pod %s\n", argv[1]);
	return !done;
}
