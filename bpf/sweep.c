// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Remove what nobody needs any more: pods whose retention is over, and half-done work of processes
 * that were killed. With the lock held nothing is half done that will still be finished. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/each.h"
#include "bpf/pods.h"
#include "bpf/snapshot.h"

/* A pod as the sweep sees it. */
struct seen {
	__u64 id;
	__u64 deleted_ns;
	__u32 classid;
	bool has_attachment;
};

/* Keys that are to be removed from one map. */
struct doomed {
	char *keys;
	size_t key_size;
	size_t count;
};

struct sweep {
	struct pt_datapath *dp;
	struct seen *pods; /* in order of id */
	size_t count;
	size_t room;
	struct doomed doomed;
	size_t owner; /* offset of pod_id in the value, or OWNER_IS_KEY */
};

#define OWNER_IS_KEY ((size_t)-1)

static int collect_pod(const void *key, const void *value, void *arg)
{
	const struct pt_pod *pod = value;
	struct sweep *sweep = arg;

	if (sweep->count == sweep->room) {
		size_t room = sweep->room ? 2 * sweep->room : 64;
		struct seen *pods = reallocarray(sweep->pods, room, sizeof(*pods));

		if (!pods)
			return -ENOMEM;
		sweep->pods = pods;
		sweep->room = room;
	}
	sweep->pods[sweep->count] = (struct seen){
		.deleted_ns = pod->deleted_ns,
		.classid = pod->classid,
	};
	memcpy(&sweep->pods[sweep->count++].id, key, sizeof(__u64));
	return 0;
}

static int by_id(const void *a, const void *b)
{
	__u64 x = ((const struct seen *)a)->id, y = ((const struct seen *)b)->id;

	return (x > y) - (x < y);
}

static struct seen *find_seen(const struct sweep *sweep, __u64 id)
{
	struct seen wanted = { .id = id };

	if (!sweep->count)
		return NULL;
	return bsearch(&wanted, sweep->pods, sweep->count, sizeof(wanted), by_id);
}

static int doom(struct doomed *doomed, const void *key)
{
	char *keys = reallocarray(doomed->keys, doomed->count + 1, doomed->key_size);

	if (!keys)
		return -ENOMEM;
	memcpy(keys + doomed->count * doomed->key_size, key, doomed->key_size);
	doomed->keys = keys;
	doomed->count++;
	return 0;
}

static int doom_orphan(const void *key, const void *value, void *arg)
{
	struct sweep *sweep = arg;
	__u64 pod_id;

	memcpy(&pod_id, sweep->owner == OWNER_IS_KEY ? key : value + sweep->owner, sizeof(pod_id));
	return find_seen(sweep, pod_id) ? 0 : doom(&sweep->doomed, key);
}

/* Removes the entries of one map whose pod is not in pods. */
static int sweep_map(struct sweep *sweep, enum pt_map map, size_t key_size, size_t value_size,
		     size_t owner)
{
	int err, fd = sweep->dp->maps[map];

	sweep->owner = owner;
	sweep->doomed = (struct doomed){ .key_size = key_size };
	err = pt_map_each(fd, key_size, value_size, doom_orphan, sweep);
	for (size_t i = 0; i < sweep->doomed.count; i++)
		bpf_map_delete_elem(fd, sweep->doomed.keys + i * key_size);
	free(sweep->doomed.keys);
	return err;
}

static int find_orphan(const void *key, const void *value, void *arg)
{
	__u64 pod_id;

	(void)value;
	memcpy(&pod_id, key, sizeof(pod_id));
	return find_seen(arg, pod_id) ? 0 : -EXDEV;
}

/* A node has many more series than pods, so they are looked through only when a pod has gone. What
 * says so, its entry in http_pods, goes after its series. */
static int sweep_http(struct sweep *sweep)
{
	int err = pt_map_each(sweep->dp->maps[PT_MAP_HTTP_PODS], sizeof(__u64),
			      sizeof(struct pt_http_pod), find_orphan, sweep);

	if (err != -EXDEV)
		return err;
	err = sweep_map(sweep, PT_MAP_HTTP_LATENCY, sizeof(struct pt_http_key),
			sizeof(struct pt_http_latency), OWNER_IS_KEY);
	if (!err)
		err = sweep_map(sweep, PT_MAP_HTTP_PODS, sizeof(__u64), sizeof(struct pt_http_pod),
				OWNER_IS_KEY);
	return err;
}

static int mark_attached(const void *key, const void *value, void *arg)
{
	const struct pt_attachment *attachment = value;
	struct seen *pod = find_seen(arg, attachment->pod_id);

	(void)key;
	if (pod)
		pod->has_attachment = true;
	return 0;
}

/* Its slot first: killed in between, the pod is still there to be removed. */
static void remove_pod(struct pt_datapath *dp, const struct seen *seen)
{
	if (seen->classid)
		pt_slot_clear(dp, seen->classid);
	bpf_map_delete_elem(dp->maps[PT_MAP_PODS], &seen->id);
}

/* A pod without attachments was ended or begun by a process that died: it ends now. One that ended
 * long ago goes, and with it, in the maps that are swept next, all that was its. */
static void sweep_pods(struct sweep *sweep)
{
	const __u64 now_ns = pt_now_ns();
	int fd = sweep->dp->maps[PT_MAP_PODS];
	size_t kept = 0;

	for (size_t i = 0; i < sweep->count; i++) {
		struct seen *seen = &sweep->pods[i];
		struct pt_pod pod;

		if (!seen->has_attachment && !seen->deleted_ns &&
		    !bpf_map_lookup_elem(fd, &seen->id, &pod)) {
			pod.deleted_ns = seen->deleted_ns = now_ns;
			bpf_map_update_elem(fd, &seen->id, &pod, BPF_EXIST);
		}
		if (seen->deleted_ns && now_ns - seen->deleted_ns > PT_REMOVAL_NS)
			remove_pod(sweep->dp, seen);
		else
			sweep->pods[kept++] = *seen;
	}
	sweep->count = kept;
}

static int doom_dead_netns(const void *key, const void *value, void *arg)
{
	const struct pt_pod_ref *ref = value;
	struct sweep *sweep = arg;
	struct seen *pod = find_seen(sweep, ref->pod_id);

	return pod && !pod->deleted_ns ? 0 : doom(&sweep->doomed, key);
}

static int sweep_netns(struct sweep *sweep)
{
	int err, fd = sweep->dp->maps[PT_MAP_POD_BY_NETNS];

	sweep->doomed = (struct doomed){ .key_size = sizeof(__u32) };
	err = pt_map_each(fd, sizeof(__u32), sizeof(struct pt_pod_ref), doom_dead_netns, sweep);
	for (size_t i = 0; i < sweep->doomed.count; i++)
		bpf_map_delete_elem(fd, sweep->doomed.keys + i * sizeof(__u32));
	free(sweep->doomed.keys);
	return err;
}

int pt_pods_sweep(struct pt_datapath *dp)
{
	struct sweep sweep = { .dp = dp };
	int err;

	err = pt_map_each(dp->maps[PT_MAP_PODS], sizeof(__u64), sizeof(struct pt_pod), collect_pod,
			  &sweep);
	if (sweep.count)
		qsort(sweep.pods, sweep.count, sizeof(*sweep.pods), by_id);
	if (!err)
		err = pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
				  sizeof(struct pt_attachment), mark_attached, &sweep);
	if (!err) {
		sweep_pods(&sweep);
		err = sweep_netns(&sweep);
	}
	if (!err)
		err = sweep_map(&sweep, PT_MAP_ATTACHMENTS, sizeof(struct pt_attachment_key),
				sizeof(struct pt_attachment),
				offsetof(struct pt_attachment, pod_id));
	if (!err)
		err = sweep_map(&sweep, PT_MAP_POD_BY_IFINDEX, sizeof(__u32),
				sizeof(struct pt_interface), offsetof(struct pt_interface, pod_id));
	if (!err)
		err = sweep_map(&sweep, PT_MAP_POD_BY_IP, sizeof(struct pt_ip),
				sizeof(struct pt_ip_owner), offsetof(struct pt_ip_owner, pod_id));

	if (!err)
		err = sweep_map(&sweep, PT_MAP_TCP_RETRANSMITS, sizeof(__u64),
				sizeof(struct pt_retransmits), OWNER_IS_KEY);
	if (!err && dp->maps[PT_MAP_TLS_WANTED] >= 0)
		err = sweep_map(&sweep, PT_MAP_TLS_WANTED, sizeof(__u64), sizeof(enum pt_tls_mode),
				OWNER_IS_KEY);
	if (!err && dp->maps[PT_MAP_TLS_CONNECTIONS] >= 0)
		err = sweep_map(&sweep, PT_MAP_TLS_CONNECTIONS, sizeof(__u64),
				sizeof(struct pt_tls_connections), OWNER_IS_KEY);
	if (!err)
		err = sweep_http(&sweep);

	free(sweep.pods);
	return err;
}
