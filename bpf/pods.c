// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The life of a pod in the identity maps: begin, attach, end. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/each.h"
#include "bpf/pods.h"
#include "bpf/tc.h"

void pt_text_fit(char *field, size_t size, const char *text)
{
	const size_t tail = 17; /* '~' and 16 hexadecimal digits */
	__u64 hash = 0xcbf29ce484222325;
	size_t length = strlen(text), kept;

	if (length < size) {
		memset(field, 0, size); /* a key is hashed with what is behind its text */
		memcpy(field, text, length);
		return;
	}
	for (size_t i = 0; i < length; i++) /* FNV-1a */
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
	kept = size - 1 > tail ? size - 1 - tail
			       : 0; /* a name of 15 bytes has room for 14 digits */
	while (kept && (text[kept] & 0xc0) == 0x80)
		kept--; /* not in the middle of a character */
	memset(field, 0, size);
	snprintf(field, size, "%.*s~%016llx", (int)kept, text, (unsigned long long)hash);
}

/* Writes a slot on all CPUs, with counters of zero. */
static int write_slot(struct pt_datapath *dp, __u32 slot, __u64 pod_id, __u32 classid)
{
	int err, cpus = libbpf_num_possible_cpus();
	struct pt_traffic *traffic;

	if (cpus < 1)
		return -EINVAL;
	traffic = calloc(cpus, sizeof(*traffic));
	if (!traffic)
		return -ENOMEM;
	for (int i = 0; i < cpus; i++) {
		traffic[i].pod_id = pod_id;
		traffic[i].classid = classid;
	}
	err = bpf_map_update_elem(dp->maps[PT_MAP_POD_TRAFFIC], &slot, traffic, BPF_ANY);
	free(traffic);
	return err;
}

/* Whether a slot is nobody's, or was given to a pod that was never written: its ADD was killed. */
static bool is_free(struct pt_datapath *dp, __u32 slot, struct pt_traffic *buffer)
{
	struct pt_pod pod;

	return !bpf_map_lookup_elem(dp->maps[PT_MAP_POD_TRAFFIC], &slot, buffer) &&
	       (!buffer->pod_id ||
		bpf_map_lookup_elem(dp->maps[PT_MAP_PODS], &buffer->pod_id, &pod));
}

/* Slots are given in turn, so that one comes back as late as can be. */
static int give_slot(struct pt_datapath *dp, __u32 *classid)
{
	int err, cpus = libbpf_num_possible_cpus();
	struct pt_traffic *buffer;

	if (cpus < 1)
		return -EINVAL;
	buffer = calloc(cpus, sizeof(*buffer));
	err = buffer ? -E2BIG : -ENOMEM;
	for (int tries = 0; buffer && tries < PT_PODS_MAX; tries++) {
		__u64 turn = dp->info->slots_given++;
		__u32 slot = turn % PT_PODS_MAX + 1;

		if (is_free(dp, slot, buffer)) {
			*classid = turn / PT_PODS_MAX % PT_GENERATION_MAX << PT_SLOT_BITS | slot;
			err = 0;
			break;
		}
	}
	free(buffer);
	return err;
}

int pt_slot_clear(struct pt_datapath *dp, __u32 classid)
{
	return write_slot(dp, PT_SLOT(classid), 0, 0);
}

int pt_interface_mark(struct pt_datapath *dp, __u32 ifindex, __u32 mark, __u32 mark_mask)
{
	int err, fd = dp->maps[PT_MAP_POD_BY_IFINDEX];
	struct pt_interface interface;

	err = bpf_map_lookup_elem(fd, &ifindex, &interface);
	if (err)
		return err;
	interface.mark = mark;
	interface.mark_mask = mark_mask;
	return bpf_map_update_elem(fd, &ifindex, &interface, BPF_EXIST);
}

static bool parse_ip(const char *text, struct pt_ip *ret)
{
	*ret = (struct pt_ip){ .addr = { [10] = 0xff, [11] = 0xff } };
	return inet_pton(AF_INET, text, &ret->addr[12]) == 1 ||
	       inet_pton(AF_INET6, text, ret->addr) == 1;
}

static int own_ip(struct pt_datapath *dp, __u64 pod_id, const char *text)
{
	struct pt_ip_owner owner = { .pod_id = pod_id };
	struct pt_ip ip;

	if (!parse_ip(text, &ip))
		return 0;
	snprintf(owner.text, sizeof(owner.text), "%s", text);
	return bpf_map_update_elem(dp->maps[PT_MAP_POD_BY_IP], &ip, &owner, BPF_ANY);
}

/* An address may have a new owner by now, whose entry stays. */
static void disown_ip(struct pt_datapath *dp, __u64 pod_id, const char *text)
{
	struct pt_ip_owner owner;
	struct pt_ip ip;

	if (parse_ip(text, &ip) && !bpf_map_lookup_elem(dp->maps[PT_MAP_POD_BY_IP], &ip, &owner) &&
	    owner.pod_id == pod_id)
		bpf_map_delete_elem(dp->maps[PT_MAP_POD_BY_IP], &ip);
}

static void disown_ifindex(struct pt_datapath *dp, __u64 pod_id, __u32 ifindex)
{
	struct pt_interface interface;

	if (!bpf_map_lookup_elem(dp->maps[PT_MAP_POD_BY_IFINDEX], &ifindex, &interface) &&
	    interface.pod_id == pod_id)
		bpf_map_delete_elem(dp->maps[PT_MAP_POD_BY_IFINDEX], &ifindex);
}

static void disown_netns(struct pt_datapath *dp, __u64 pod_id, __u32 netns)
{
	struct pt_pod_ref ref;

	if (!bpf_map_lookup_elem(dp->maps[PT_MAP_POD_BY_NETNS], &netns, &ref) &&
	    ref.pod_id == pod_id)
		bpf_map_delete_elem(dp->maps[PT_MAP_POD_BY_NETNS], &netns);
}

/* From here on no socket is tagged with the pod; its counters stay until the sweep. */
static int end_pod(struct pt_datapath *dp, __u64 pod_id)
{
	struct pt_pod pod;

	if (bpf_map_lookup_elem(dp->maps[PT_MAP_PODS], &pod_id, &pod))
		return 0;

	disown_netns(dp, pod_id, pod.netns);
	if (pod.deleted_ns)
		return 0;
	pod.deleted_ns = pt_now_ns();
	return bpf_map_update_elem(dp->maps[PT_MAP_PODS], &pod_id, &pod, BPF_EXIST);
}

/* The attachments of one pod, or those that pick() takes. */
struct found {
	__u64 pod_id;
	struct pt_attachment_key *keys;
	size_t count;
};

static int find_of_pod(const void *key, const void *value, void *arg)
{
	const struct pt_attachment *attachment = value;
	struct found *found = arg;
	struct pt_attachment_key *keys;

	if (attachment->pod_id != found->pod_id)
		return 0;
	keys = reallocarray(found->keys, found->count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	memcpy(&keys[found->count], key, sizeof(*keys));
	found->keys = keys;
	found->count++;
	return 0;
}

static int attachments_of(struct pt_datapath *dp, struct found *found)
{
	return pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
			   sizeof(struct pt_attachment), find_of_pod, found);
}

int pt_attachment_end(struct pt_datapath *dp, const struct pt_attachment_key *key)
{
	struct pt_attachment attachment;
	struct found left = {};
	int err;

	err = bpf_map_lookup_elem(dp->maps[PT_MAP_ATTACHMENTS], key, &attachment);
	if (err)
		return err == -ENOENT ? 0 : err;

	disown_ip(dp, attachment.pod_id, attachment.ipv4);
	disown_ip(dp, attachment.pod_id, attachment.ipv6);
	if (attachment.ifindex) {
		err = pt_tc_retire_tcx(attachment.ifindex);
		if (err)
			return err;
		disown_ifindex(dp, attachment.pod_id, attachment.ifindex);
	}

	left.pod_id = attachment.pod_id;
	err = attachments_of(dp, &left);
	if (!err && left.count <= 1)
		err = end_pod(dp, attachment.pod_id);
	free(left.keys);
	if (err)
		return err;

	err = bpf_map_delete_elem(dp->maps[PT_MAP_ATTACHMENTS], key);
	return err == -ENOENT ? 0 : err;
}

/* The living pod of that namespace and sandbox, or 0. Another sandbox in the same namespace number
 * is a pod whose DEL never came, and is ended here. */
static int find_pod(struct pt_datapath *dp, const struct pt_pod *pod, __u64 *ret)
{
	struct pt_pod_ref ref;
	struct found stale = {};
	struct pt_pod there;
	int err;

	*ret = 0;
	if (bpf_map_lookup_elem(dp->maps[PT_MAP_POD_BY_NETNS], &pod->netns, &ref) ||
	    bpf_map_lookup_elem(dp->maps[PT_MAP_PODS], &ref.pod_id, &there) || there.deleted_ns)
		return 0;
	if (!strcmp(there.container_id, pod->container_id)) {
		*ret = ref.pod_id;
		return 0;
	}

	stale.pod_id = ref.pod_id;
	err = attachments_of(dp, &stale);
	for (size_t i = 0; i < stale.count && !err; i++)
		err = pt_attachment_end(dp, &stale.keys[i]);
	free(stale.keys);
	return err ? err : end_pod(dp, ref.pod_id);
}

/* A pod is described by its first interface; others add only themselves. */
static int write_pod(struct pt_datapath *dp, __u64 pod_id, const struct pt_pod *pod, __u32 *classid)
{
	struct pt_pod now = *pod, before;
	int err;

	now.deleted_ns = 0;
	if (!bpf_map_lookup_elem(dp->maps[PT_MAP_PODS], &pod_id, &before)) {
		*classid = before.classid;
		if (strcmp(before.ifname, pod->ifname))
			return 0;
		now.created_ns = before.created_ns;
	} else {
		now.created_ns = pt_now_ns();
		err = give_slot(dp, classid);
		if (err)
			return err;
	}
	now.classid = *classid;
	return bpf_map_update_elem(dp->maps[PT_MAP_PODS], &pod_id, &now, BPF_ANY);
}

static bool has_slot(struct pt_datapath *dp, __u64 pod_id, __u32 classid)
{
	struct pt_traffic *buffer = calloc(libbpf_num_possible_cpus(), sizeof(*buffer));
	__u32 slot = PT_SLOT(classid);
	bool has;

	has = buffer && !bpf_map_lookup_elem(dp->maps[PT_MAP_POD_TRAFFIC], &slot, buffer) &&
	      buffer->pod_id == pod_id;
	free(buffer);
	return has;
}

/* What is there already keeps its counts. */
static int write_counters(struct pt_datapath *dp, __u64 pod_id, __u32 classid)
{
	const struct pt_retransmits retransmits = {};
	const struct pt_http_pod http = {};
	int err;

	err = bpf_map_update_elem(dp->maps[PT_MAP_TCP_RETRANSMITS], &pod_id, &retransmits,
				  BPF_NOEXIST);
	if (!err || err == -EEXIST)
		err = bpf_map_update_elem(dp->maps[PT_MAP_HTTP_PODS], &pod_id, &http, BPF_NOEXIST);
	if (err && err != -EEXIST)
		return err;
	return has_slot(dp, pod_id, classid) ? 0
					     : write_slot(dp, PT_SLOT(classid), pod_id, classid);
}

static int write_tls(struct pt_datapath *dp, __u64 pod_id, enum pt_tls_mode tls)
{
	int fd = dp->maps[PT_MAP_TLS_WANTED];

	return tls && fd >= 0 ? bpf_map_update_elem(fd, &pod_id, &tls, BPF_ANY) : 0;
}

bool pt_pod_has_tls(const struct pt_datapath *dp, __u64 pod_id, enum pt_tls_mode tls)
{
	int fd = dp->maps[PT_MAP_TLS_WANTED];
	enum pt_tls_mode is;

	if (!tls || fd < 0)
		return true; /* there is nothing to write */
	return !bpf_map_lookup_elem(fd, &pod_id, &is) && is == tls;
}

/* Last, when the counters are there: a socket that finds its pod finds them too. */
static int write_identity(struct pt_datapath *dp, __u64 pod_id, const struct pt_pod *pod,
			  __u32 classid)
{
	const struct pt_interface interface = { .pod_id = pod_id, .classid = classid };
	const struct pt_pod_ref ref = { .pod_id = pod_id };
	int err;

	err = bpf_map_update_elem(dp->maps[PT_MAP_POD_BY_NETNS], &pod->netns, &ref, BPF_ANY);
	if (!err && pod->ifindex)
		err = bpf_map_update_elem(dp->maps[PT_MAP_POD_BY_IFINDEX], &pod->ifindex,
					  &interface, BPF_ANY);
	if (!err)
		err = own_ip(dp, pod_id, pod->ipv4);
	if (!err)
		err = own_ip(dp, pod_id, pod->ipv6);
	return err;
}

/* The attachment of an earlier ADD of the same pod, or a new one. */
static int begin_attachment(struct pt_datapath *dp, const struct pt_attachment_key *key,
			    const struct pt_pod *pod, __u64 pod_id, struct pt_attachment *ret)
{
	struct pt_attachment old;
	int err;

	err = bpf_map_lookup_elem(dp->maps[PT_MAP_ATTACHMENTS], key, &old);
	if (!err && old.pod_id == pod_id && old.ifindex == pod->ifindex) {
		disown_ip(dp, pod_id, old.ipv4); /* it may come with others now */
		disown_ip(dp, pod_id, old.ipv6);
		*ret = old;
		ret->hook = PT_HOOK_NONE;
		memcpy(ret->ipv4, pod->ipv4, sizeof(ret->ipv4));
		memcpy(ret->ipv6, pod->ipv6, sizeof(ret->ipv6));
		return 0;
	}
	if (!err)
		err = pt_attachment_end(dp, key);
	if (err && err != -ENOENT)
		return err;

	*ret = (struct pt_attachment){
		.pod_id = pod_id,
		.netns = pod->netns,
		.ifindex = pod->ifindex,
	};
	memcpy(ret->ipv4, pod->ipv4, sizeof(ret->ipv4));
	memcpy(ret->ipv6, pod->ipv6, sizeof(ret->ipv6));
	return 0;
}

static int begin(struct pt_datapath *dp, const struct pt_attachment_key *key,
		 const struct pt_pod *pod, enum pt_tls_mode tls, struct pt_attachment *ret)
{
	__u64 pod_id;
	int err;

	err = find_pod(dp, pod, &pod_id);
	if (err)
		return err;
	if (!pod_id)
		pod_id = ++dp->info->last_pod_id;

	err = begin_attachment(dp, key, pod, pod_id, ret);
	if (!err)
		err = bpf_map_update_elem(dp->maps[PT_MAP_ATTACHMENTS], key, ret, BPF_ANY);
	if (!err)
		err = write_pod(dp, pod_id, pod, &ret->classid);
	if (!err)
		err = write_counters(dp, pod_id, ret->classid);
	if (!err)
		err = write_tls(dp, pod_id, tls);
	if (!err)
		err = write_identity(dp, pod_id, pod, ret->classid);
	return err;
}

int pt_pod_begin(struct pt_datapath *dp, const struct pt_attachment_key *key,
		 const struct pt_pod *pod, enum pt_tls_mode tls, struct pt_attachment *ret)
{
	int err = begin(dp, key, pod, tls, ret);

	if (err != -E2BIG)
		return err;
	/* Without an agent nobody else has given back the room of pods deleted long ago. */
	pt_pods_sweep(dp);
	return begin(dp, key, pod, tls, ret);
}

int pt_attachment_write(struct pt_datapath *dp, const struct pt_attachment_key *key,
			const struct pt_attachment *attachment)
{
	return bpf_map_update_elem(dp->maps[PT_MAP_ATTACHMENTS], key, attachment, BPF_EXIST);
}

static int is_ended(const void *key, const void *value, void *arg)
{
	const struct pt_pod *pod = value;

	(void)key;
	return pod->deleted_ns && !strcmp(pod->container_id, arg);
}

int pt_pod_has_ended(const struct pt_datapath *dp, const char *container_id)
{
	char fitted[sizeof(((struct pt_pod *)0)->container_id)];

	pt_text_fit(fitted, sizeof(fitted), container_id);
	return pt_map_each(dp->maps[PT_MAP_PODS], sizeof(__u64), sizeof(struct pt_pod), is_ended,
			   fitted);
}

struct gc {
	const char *network;
	pt_wanted_fn *wanted;
	void *arg;
	struct found unwanted;
};

static int find_unwanted(const void *key, const void *value, void *arg)
{
	const struct pt_attachment_key *attachment = key;
	struct gc *gc = arg;

	(void)value;
	if (strcmp(attachment->network, gc->network) || gc->wanted(attachment, gc->arg))
		return 0;
	gc->unwanted.pod_id = ((const struct pt_attachment *)value)->pod_id;
	return find_of_pod(key, value, &gc->unwanted);
}

int pt_network_gc(struct pt_datapath *dp, const char *network, pt_wanted_fn *wanted, void *arg)
{
	char fitted[sizeof(((struct pt_attachment_key *)0)->network)];
	struct gc gc = { .network = fitted, .wanted = wanted, .arg = arg };
	int first_err, err;

	pt_text_fit(fitted, sizeof(fitted), network);
	first_err = pt_map_each(dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
				sizeof(struct pt_attachment), find_unwanted, &gc);
	for (size_t i = 0; i < gc.unwanted.count; i++) {
		err = pt_attachment_end(dp, &gc.unwanted.keys[i]);
		if (!first_err)
			first_err = err;
	}
	free(gc.unwanted.keys);
	return first_err;
}
