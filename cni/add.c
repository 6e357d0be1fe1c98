// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* ADD: tell the kernel who the pod is, and attach. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/pods.h"
#include "bpf/tc.h"
#include "cni/attach.h"
#include "cni/cgroup.h"
#include "cni/link.h"
#include "cni/log.h"
#include "cni/netns.h"
#include "cni/text.h"
#include "cni/verbs.h"

/* Part of the second that a pod waits at most; what is left is for loading and attaching. */
#define LOCK_MS 700

static void set_text(char *field, size_t size, const char *text)
{
	char clean[1024];

	pt_text_clean(clean, sizeof(clean), text ? text : "");
	pt_text_fit(field, size, clean);
}

/* The address alone, in the kernel's own spelling; anything else leaves *ret as it is. */
static void read_address(const char *text, int family, char *ret, socklen_t size)
{
	unsigned char binary[sizeof(struct in6_addr)];
	char address[64];

	if (*ret || (size_t)snprintf(address, sizeof(address), "%s", text) >= sizeof(address))
		return;
	address[strcspn(address, "/")] = '\0';
	if (inet_pton(family, address, binary) == 1)
		inet_ntop(family, binary, ret, size);
}

/* The first of each family. Only shown, never trusted: plugins write all sorts of things here. */
static void read_addresses(json_t *prev_result, struct pt_pod *pod)
{
	json_t *ip;
	size_t i;

	json_array_foreach (json_object_get(prev_result, "ips"), i, ip) {
		const char *text = json_string_value(json_object_get(ip, "address"));

		if (!text)
			continue;
		read_address(text, AF_INET, pod->ipv4, sizeof(pod->ipv4));
		read_address(text, AF_INET6, pod->ipv6, sizeof(pod->ipv6));
	}
}

static void read_cgroup(const struct pt_conf *conf, struct pt_session *session, struct pt_pod *pod)
{
	int err = -ENOENT;

	if (conf->cgroup == PT_CGROUP_NODE)
		return;
	if (conf->cgroup_path)
		err = pt_cgroup_find(conf->cgroup_path, &pod->cgroup_id);
	if (err && conf->cgroup == PT_CGROUP_POD)
		pt_session_miss(session, PT_CGROUP, PT_CNI_NOT_OBSERVED,
				"the pod's cgroup is not to be found: %s",
				conf->cgroup_path ? conf->cgroup_path : "no cgroupPath");
}

static void tell_bad_annotation(const struct pt_conf *conf)
{
	char *text;

	if (!conf->bad_tls)
		return;
	text = json_dumps(conf->bad_tls, JSON_COMPACT | JSON_ENCODE_ANY);
	pt_log(PT_LOG_WARN, "annotation %s: %.128s is not one of off, on, auto: ignored",
	       PT_TLS_ANNOTATION, text ? text : "?");
	free(text);
}

static void fill_pod(const struct pt_env *env, const struct pt_conf *conf,
		     const struct pt_link *link, struct pt_session *session, struct pt_pod *pod)
{
	/* who is not named by Kubernetes is known by the sandbox alone */
	set_text(pod->namespace, sizeof(pod->namespace), env->pod_namespace);
	set_text(pod->name, sizeof(pod->name), env->pod_name ? env->pod_name : env->container_id);
	set_text(pod->uid, sizeof(pod->uid), env->pod_uid);
	set_text(pod->container_id, sizeof(pod->container_id), env->container_id);
	set_text(pod->ifname, sizeof(pod->ifname), env->ifname);
	set_text(pod->node_interface, sizeof(pod->node_interface), link->peer_name);
	pod->netns = link->netns;
	pod->ifindex = link->peer_ifindex;
	pod->node_netns = pt_netns_own();
	read_addresses(conf->prev_result, pod);
	read_cgroup(conf, session, pod);
}

static void miss_link(struct pt_session *session, const struct pt_env *env, int err,
		      struct pt_link *link)
{
	link->ifindex = 0; /* half an answer is none */
	link->peer_ifindex = 0;
	link->peer_name[0] = '\0';
	if (err == -ENODEV) {
		link->reason = "no_interface";
		pt_session_miss(session, PT_NO_INTERFACE, PT_CNI_NOT_OBSERVED,
				"no interface %s in the pod", env->ifname);
	} else {
		link->reason = "netlink";
		pt_session_miss(session, PT_NETLINK, PT_CNI_NOT_OBSERVED,
				"interface %s cannot be read: %s", env->ifname, strerror(-err));
	}
}

static void miss_map(struct pt_session *session, int err)
{
	bool full = err == -E2BIG || err == -ENOSPC || err == -ENOMEM;

	pt_session_miss(session, full ? PT_MAP_FULL : PT_MAP_UPDATE, PT_CNI_NOT_OBSERVED,
			"the pod cannot be written into the maps: %s", strerror(-err));
}

static void undo(struct pt_session *session, const struct pt_attachment_key *key)
{
	if (pt_session_begin(session, LOCK_MS, false))
		return;
	pt_attachment_end(&session->dp, key);
	pt_session_unlock(session);
	pt_tc_reap();
}

/* With the session begun. */
static void tag_and_attach(const struct pt_env *env, const struct pt_conf *conf,
			   struct pt_session *session, const struct pt_link *link)
{
	struct pt_attachment attachment = {}, before = {};
	struct pt_attachment_key key;
	struct pt_pod pod = {};
	int err;

	fill_pod(env, conf, link, session, &pod);
	pt_attachment_key_fill(&key, conf->name, env->container_id, env->ifname);
	bpf_map_lookup_elem(session->dp.maps[PT_MAP_ATTACHMENTS], &key, &before);
	err = pt_pod_begin(&session->dp, &key, &pod, conf->tls, &attachment);
	if (err) {
		miss_map(session, err);
	} else {
		if (before.pod_id != attachment.pod_id)
			before.hook = PT_HOOK_NONE; /* another pod's, and gone */
		/* the kernel may take its time here, and other pods need not wait for that */
		pt_session_unlock(session);
		pt_attach(session, link, before.hook, conf->mark_mask, &attachment);
		err = pt_attachment_write(&session->dp, &key, &attachment);
		if (err == -ENOENT)
			pt_tc_retire_tcx(attachment.ifindex); /* a DEL was faster */
		else if (err)
			miss_map(session, err);
	}
	if (session->missed && conf->closed)
		undo(session, &key); /* the runtime gets an error: as if never */
	else
		pt_log(PT_LOG_INFO, "pod %s/%s is %llu, on %s%s%s", pod.namespace, pod.name,
		       attachment.pod_id, pod.node_interface, *attachment.reason ? ", " : "",
		       attachment.reason);
}

int pt_add(const struct pt_env *env, const struct pt_conf *conf, struct pt_session *session,
	   struct pt_error *err)
{
	struct pt_link link = { .netlink_fd = -1, .reason = "" };
	int netns_fd, ret;
	__u32 netns = 0;

	tell_bad_annotation(conf);
	pt_session_open(session); /* if it is loaded, the deadline is counted from here on */

	/* where it cannot be told, /proc is missing, and the node itself might become a "pod" */
	netns_fd = env->netns_override ? 0 : pt_netns_is_own(env->netns);
	if (netns_fd >= 0)
		netns_fd = pt_netns_open(env->netns, &netns);
	if (netns_fd < 0) {
		pt_session_miss(session, PT_NETNS, PT_CNI_NOT_OBSERVED,
				"CNI_NETNS %s cannot be opened: %s", env->netns,
				strerror(-netns_fd));
	} else {
		/* before the lock: another pod need not wait for it */
		ret = pt_link_find(netns_fd, env->ifname, &link);
		if (ret)
			miss_link(session, env, ret, &link);
		link.netns = netns; /* known whatever netlink said */
		if (!pt_session_begin(session, LOCK_MS, session->command == PT_ADD))
			tag_and_attach(env, conf, session, &link);
		pt_link_close(&link);
		close(netns_fd);
	}

	if (session->missed && conf->closed) {
		*err = session->miss;
		return -1;
	}
	return 0;
}
