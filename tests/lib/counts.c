// SPDX-License-Identifier: BSD-2-Clause
/* What podtag counts of one pod, read from the pinned maps: a lookup for each, however many pods
 * there are.
 *
 * usage: counts NETWORK CONTAINER IFNAME   a living pod, by its attachment
 *        counts POD-ID|POD                 any pod, for as long as its counters are kept; the
 * newest of that name Prints pod_id hook reason deleted rxp rxb txp txb syn synack rto fast tlp
 * other; hook and reason are - where there is no attachment or nothing to say. Exits with 1 when
 * there is no such pod.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/types.h"

static int open_map(const char *map)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf/podtag/v%d/maps/%s", PT_SCHEMA, map);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static int lookup(const char *map, const void *key, void *value)
{
	int fd = open_map(map), err = bpf_map_lookup_elem(fd, key, value);

	close(fd);
	return err;
}

/* The newest pod of that name, 0 when there is none: ids are handed out in order. */
static __u64 find(const char *name)
{
	__u64 id, *prev = NULL, newest = 0;
	int fd = open_map("pods");
	struct pt_pod pod;

	for (; !bpf_map_get_next_key(fd, prev, &id); prev = &id)
		if (id > newest && !bpf_map_lookup_elem(fd, &id, &pod) && !strcmp(pod.name, name))
			newest = id;
	close(fd);
	return newest;
}

static struct pt_traffic traffic_of(__u64 pod_id, __u32 classid)
{
	struct pt_traffic each[libbpf_num_possible_cpus()], sum = {};
	__u32 slot = PT_SLOT(classid);

	if (lookup("pod_traffic", &slot, each) || each[0].pod_id != pod_id)
		return sum;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		sum.receive_packets += each[i].receive_packets;
		sum.receive_bytes += each[i].receive_bytes;
		sum.transmit_packets += each[i].transmit_packets;
		sum.transmit_bytes += each[i].transmit_bytes;
	}
	return sum;
}

static void print_hooks(__u64 id)
{
	static const char *const names[] = {
		[PT_HOOK_NONE] = "PT_HOOK_NONE",
		[PT_HOOK_CLSACT] = "PT_HOOK_CLSACT",
		[PT_HOOK_TCX] = "PT_HOOK_TCX",
	};
	struct pt_attachment_key key, *prev = NULL;
	struct pt_attachment attachment;
	int fd = open_map("attachments");

	for (; !bpf_map_get_next_key(fd, prev, &key); prev = &key)
		if (!bpf_map_lookup_elem(fd, &key, &attachment) && attachment.pod_id == id)
			printf("%s %s\n", names[attachment.hook], attachment.reason);
}

int main(int argc, char **argv)
{
	static const char *const hooks[] = { "-", "clsact", "tcx" };
	struct pt_attachment attachment = {};
	struct pt_attachment_key key = {};
	struct pt_retransmits r = {};
	struct pt_traffic t;
	struct pt_pod pod;
	char *end;

	if (argc == 4) {
		snprintf(key.network, sizeof(key.network), "%s", argv[1]);
		snprintf(key.container_id, sizeof(key.container_id), "%s", argv[2]);
		snprintf(key.ifname, sizeof(key.ifname), "%s", argv[3]);
		if (lookup("attachments", &key, &attachment))
			return 1;
	} else if (argc == 2) {
		attachment.pod_id = strtoull(argv[1], &end, 10);
		if (*end)
			attachment.pod_id = find(argv[1]);
	} else if (argc == 3 && !strcmp(argv[1], "hooks")) {
		print_hooks(find(argv[2]));
		return 0;
	} else {
		fputs("usage: counts NETWORK CONTAINER IFNAME | counts POD-ID|POD | counts hooks "
		      "POD\n",
		      stderr);
		return 2;
	}
	if (lookup("pods", &attachment.pod_id, &pod))
		return 1;
	lookup("tcp_retransmits", &attachment.pod_id, &r); /* none: all are 0 */
	t = traffic_of(attachment.pod_id, pod.classid);
	printf("%llu %s %s %d %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
	       attachment.pod_id, hooks[attachment.hook],
	       attachment.reason[0] ? attachment.reason : "-", pod.deleted_ns > 0,
	       t.receive_packets, t.receive_bytes, t.transmit_packets, t.transmit_bytes, r.syn,
	       r.synack, r.rto, r.fast, r.tlp, r.other);
	return 0;
}
