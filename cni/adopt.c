// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Adoption: what ADD would do, for pods that are there.
 *
 * A DEL that comes meanwhile must win, also one of a chain that podtag was not in. libcni calls the
 * plugins' DELs, podtag's among the first, and removes its file after the last. So under the lock,
 * right before the pod is begun, its file and its namespace must still be there, and no sandbox of
 * that id may have ended (pt_pod_has_ended()). Whatever the order:
 *
 * - DEL was through before: the file is gone.
 * - podtag's DEL was before, the file is still there: the pod it ended has ended; adopted again it
 *   would hide its own final values. If podtag did not know the pod, there is no trace of that DEL:
 *   the pod is begun, and the agent's sweep (agent/dead.c) ends it as soon as its interface and
 *   namespace are gone, which is what the other plugins are at.
 * - podtag's DEL comes after: it finds what was begun here, as after any ADD.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/pods.h"
#include "cni/adopt.h"
#include "cni/cache.h"
#include "cni/cache_list.h"
#include "cni/link.h"
#include "cni/log.h"
#include "cni/netns.h"
#include "cni/verbs.h"

/* Nobody waits for this process, but many for those that it waits for. */
#define LOCK_MS 5000

const char *const pt_not_adopted_names[PT_NOT_ADOPTED_COUNT] = {
#define X(id, text) [PT_NOT_ADOPTED_##id] = text,
	PT_NOT_ADOPTED(X)
#undef X
};

struct pass {
	pt_adopt_tell_fn *tell;
	void *arg;
	struct pt_adoption *adoption;
	int err; /* why the pass cannot go on */
};

/* One file while it is looked at. */
struct candidate {
	const char *path;
	struct pt_cache cache;
	struct pt_env env;
	struct pt_conf conf;
	struct pt_session session;
	__u32 netns;
};

static void fail(struct pass *pass, const char *path, const struct pt_env *env,
		 enum pt_not_adopted reason, const char *text)
{
	const struct pt_adopt_failure failure = {
		.file = path,
		.namespace = env && env->pod_namespace ? env->pod_namespace : "",
		.pod = !env            ? ""
		       : env->pod_name ? env->pod_name
				       : env->container_id,
		.ifname = env ? env->ifname : "",
		.reason = reason,
		.text = text,
	};

	pass->adoption->not_adopted[reason]++;
	pass->tell(&failure, pass->arg);
}

static void fill_env(struct candidate *candidate)
{
	const struct pt_cache *cache = &candidate->cache;
	json_t *pair;
	size_t i;

	candidate->env = (struct pt_env){
		.command = PT_ADD,
		.container_id = cache->container_id,
		.netns = cache->netns,
		.ifname = cache->ifname,
	};
	json_array_foreach (cache->args, i, pair) {
		pt_env_set_arg(&candidate->env, json_string_value(json_array_get(pair, 0)),
			       json_string_value(json_array_get(pair, 1)));
	}
}

/* What podtag would find on stdin. The runtime has its answer long since, so there is nobody whom
 * failurePolicy could tell. */
static int parse_conf(struct candidate *candidate, struct pt_error *err)
{
	const struct pt_cache *cache = &candidate->cache;
	json_t *entry = pt_cache_entry(cache);
	json_auto_t *stdin_json = entry ? json_copy(entry) : json_object();
	json_t *version = json_object_get(cache->list, "cniVersion");
	char *text;
	int ret;

	json_object_set_new(stdin_json, "name", json_string(cache->network));
	json_object_set(stdin_json, "prevResult", cache->result);
	if (version)
		json_object_set(stdin_json, "cniVersion", version);
	if (cache->capabilities)
		json_object_set(stdin_json, "runtimeConfig", cache->capabilities);
	text = json_dumps(stdin_json, JSON_COMPACT);
	if (!text)
		return pt_fail(err, PT_CNI_IO, "no memory");
	ret = pt_conf_parse(text, strlen(text), PT_ADD, &candidate->conf, err);
	candidate->conf.closed = false;
	candidate->conf.prev_text = (struct pt_span){}; /* nobody is answered */
	free(text);
	return ret;
}

/* As after an ADD that could do all of it: nothing to be done. */
static bool is_attached(struct candidate *candidate)
{
	struct pt_session *session = &candidate->session;
	struct pt_attachment attachment;
	struct pt_attachment_key key;
	struct pt_pod_ref ref;
	struct pt_error err;

	if (pt_attachment_check(&candidate->env, candidate->conf.name, session, &err))
		return false;
	pt_attachment_key_fill(&key, candidate->conf.name, candidate->env.container_id,
			       candidate->env.ifname);
	if (bpf_map_lookup_elem(session->dp.maps[PT_MAP_ATTACHMENTS], &key, &attachment) ||
	    bpf_map_lookup_elem(session->dp.maps[PT_MAP_POD_BY_NETNS], &candidate->netns, &ref))
		return false;
	return attachment.netns == candidate->netns && attachment.pod_id == ref.pod_id &&
	       pt_pod_has_tls(&session->dp, ref.pod_id, candidate->conf.tls);
}

/* With the lock held, which DEL needs too. */
static bool is_dead(const struct candidate *candidate)
{
	int fd = pt_netns_open(candidate->env.netns, &(__u32){ 0 });

	if (fd < 0 || access(candidate->path, F_OK)) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	close(fd);
	return pt_pod_has_ended(&candidate->session.dp, candidate->env.container_id) > 0;
}

/* ADD tags a pod without an interface; here it is most likely one whose DEL is at work, with
 * nothing left by which its end could be seen later. */
static bool has_interface(const struct pt_env *env)
{
	struct pt_link link = { .netlink_fd = -1 };
	int err, fd = pt_netns_open(env->netns, &(__u32){ 0 });

	if (fd < 0)
		return true; /* pt_add() says why */
	err = pt_link_find(fd, env->ifname, &link);
	pt_link_close(&link);
	close(fd);
	return err != -ENODEV;
}

static enum pt_not_adopted reason_of(const struct pt_session *session)
{
	switch (session->reason) {
	case PT_LOCK:
		return PT_NOT_ADOPTED_LOCK;
	case PT_NETNS:
		return PT_NOT_ADOPTED_NETNS;
	case PT_NO_INTERFACE:
		return PT_NOT_ADOPTED_NO_INTERFACE;
	case PT_NETLINK:
		return PT_NOT_ADOPTED_NETLINK;
	case PT_MAP_FULL:
		return PT_NOT_ADOPTED_MAP_FULL;
	case PT_TC_ATTACH:
		return PT_NOT_ADOPTED_TC_ATTACH;
	default:
		return PT_NOT_ADOPTED_MAP_UPDATE;
	}
}

static void add(struct pass *pass, struct candidate *candidate)
{
	struct pt_session *session = &candidate->session;
	struct pt_error err;
	int ret;

	ret = pt_session_begin(session, LOCK_MS, false);
	if (ret) {
		pass->err = ret; /* it would be the same for the next */
		if (session->missed)
			fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_LOCK,
			     session->miss.msg);
		return;
	}
	if (is_dead(candidate)) {
		pass->adoption->dead++;
		return;
	}
	if (!has_interface(&candidate->env)) {
		pt_fail(&err, PT_CNI_NOT_OBSERVED, "no interface %s in the pod",
			candidate->env.ifname);
		fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_NO_INTERFACE, err.msg);
		return;
	}
	pt_add(&candidate->env, &candidate->conf, session, &err);
	pt_session_unlock(session);

	if (is_attached(candidate))
		pass->adoption->adopted++;
	else if (session->missed)
		fail(pass, candidate->path, &candidate->env, reason_of(session), session->miss.msg);
	else
		pass->adoption->dead++; /* by a DEL since */
}

/* A namespace that is not there any more, or in whose place a plain file is, as is left when the
 * mount is gone. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EINVAL;
}

static void adopt(struct pass *pass, struct candidate *candidate)
{
	char text[sizeof(struct pt_error) + 2];
	const char *netns = candidate->cache.netns;
	struct pt_error err;
	int fd;

	fill_env(candidate);
	if (!netns) {
		fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_NETNS,
		     "neither libcni nor the plugins have written down the pod's netns");
		return;
	}
	fd = pt_netns_open(netns, &candidate->netns);
	if (is_gone(fd)) {
		pass->adoption->dead++;
		return;
	}
	if (fd < 0) {
		pt_fail(&err, PT_CNI_NETNS, "netns %s cannot be opened: %s", netns, strerror(-fd));
		fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_NETNS, err.msg);
		return;
	}
	close(fd);
	if (pt_netns_is_own(netns) == 1) {
		pt_fail(&err, PT_CNI_NETNS, "netns %s is the node's own", netns);
		fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_OWN_NETNS, err.msg);
	} else if (parse_conf(candidate, &err)) {
		snprintf(text, sizeof(text), "%s%s%s", err.msg, *err.details ? ": " : "",
			 err.details);
		fail(pass, candidate->path, &candidate->env, PT_NOT_ADOPTED_CONFIG, text);
	} else if (is_attached(candidate)) {
		pass->adoption->attached++;
	} else {
		add(pass, candidate);
	}
}

static void adopt_file(struct pass *pass, const char *path)
{
	struct candidate candidate = { .path = path, .session = { .command = PT_COMMAND_COUNT } };
	struct pt_error err;
	int error;

	error = pt_cache_read(AT_FDCWD, path, &candidate.cache, &err);
	if (!error) {
		/* no line of its own for what pass->tell tells */
		pt_log_setup(PT_LOG_ERROR, NULL, "adopt", candidate.cache.container_id);
		adopt(pass, &candidate);
	} else if (error != -ENOENT && error != -EAGAIN) {
		fail(pass, path, NULL, PT_NOT_ADOPTED_CACHE_FILE, err.msg);
	}
	pt_session_end(&candidate.session, false);
	pt_conf_done(&candidate.conf);
	pt_cache_done(&candidate.cache);
}

static void tell_broken(const char *path, bool is_dir, const char *why, void *arg)
{
	fail(arg, path, NULL, is_dir ? PT_NOT_ADOPTED_CACHE_DIR : PT_NOT_ADOPTED_CACHE_FILE, why);
}

int pt_adopt(pt_adopt_tell_fn *tell, void *arg, struct pt_adoption *ret)
{
	struct pass pass = { .tell = tell, .arg = arg, .adoption = ret };
	struct pt_cache_list list;

	*ret = (struct pt_adoption){};
	if (access(PT_DIR, F_OK))
		return -errno;
	pass.err = pt_cache_list_read(&list, tell_broken, &pass);
	for (size_t i = 0; i < list.count && !pass.err; i++) {
		if (list.items[i].is_stale)
			ret->dead++;
		else
			adopt_file(&pass, list.items[i].path);
	}
	pt_cache_list_done(&list);
	return pass.err;
}
