// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* DEL and GC: forget pods. Neither needs anything but the record that ADD wrote. */
#include <stdlib.h>
#include <string.h>

#include "bpf/pods.h"
#include "bpf/tc.h"
#include "cni/log.h"
#include "cni/verbs.h"

/* Whoever holds the lock for longer is busy with something that a sweep follows. */
#define LOCK_MS 200

void pt_attachment_key_fill(struct pt_attachment_key *ret, const char *network,
			    const char *container_id, const char *ifname)
{
	*ret = (struct pt_attachment_key){};
	pt_text_fit(ret->network, sizeof(ret->network), network);
	pt_text_fit(ret->container_id, sizeof(ret->container_id), container_id);
	pt_text_fit(ret->ifname, sizeof(ret->ifname), ifname);
}

static void sweep(struct pt_session *session)
{
	int err = pt_pods_sweep(&session->dp);

	if (err)
		pt_log(PT_LOG_INFO, "sweep: %s", strerror(-err));
	pt_session_unlock(session);
	pt_tc_reap();
}

int pt_del(const struct pt_env *env, const struct pt_conf *conf, struct pt_session *session,
	   struct pt_error *err)
{
	struct pt_attachment_key key;
	int ret;

	(void)err;
	if (pt_session_begin(session, LOCK_MS, false))
		return 0; /* nothing is loaded: nothing to forget */

	pt_attachment_key_fill(&key, conf->name, env->container_id, env->ifname);
	ret = pt_attachment_end(&session->dp, &key);
	if (ret)
		pt_session_miss(session, PT_MAP_UPDATE, PT_CNI_NOT_OBSERVED,
				"the attachment cannot be ended: %s", strerror(-ret));
	sweep(session);
	return 0;
}

struct wanted {
	struct pt_attachment_key *keys; /* sorted */
	size_t count;
};

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pt_attachment_key));
}

static bool is_wanted(const struct pt_attachment_key *key, void *arg)
{
	struct wanted *wanted = arg;

	return bsearch(key, wanted->keys, wanted->count, sizeof(*key), key_compare);
}

/* One element that cannot be read makes the whole list worthless: the pod it meant would be removed
 * while it lives. */
static int wanted_read(const struct pt_conf *conf, struct wanted *ret)
{
	json_t *element;
	size_t i;

	ret->count = json_array_size(conf->valid_attachments);
	ret->keys = calloc(ret->count + 1, sizeof(*ret->keys));
	if (!ret->keys)
		return -1;
	json_array_foreach (conf->valid_attachments, i, element) {
		const char *id = json_string_value(json_object_get(element, "containerID"));
		const char *ifname = json_string_value(json_object_get(element, "ifname"));

		if (!id || !ifname)
			return -1;
		pt_attachment_key_fill(&ret->keys[i], conf->name, id, ifname);
	}
	qsort(ret->keys, ret->count, sizeof(*ret->keys), key_compare);
	return 0;
}

int pt_gc(const struct pt_env *env, const struct pt_conf *conf, struct pt_session *session,
	  struct pt_error *err)
{
	struct wanted wanted = {};
	int ret;

	(void)env;
	(void)err;
	if (!conf->valid_attachments)
		return 0; /* a runtime that gives no list does not mean an empty one */
	if (wanted_read(conf, &wanted)) {
		pt_log(PT_LOG_WARN, "the list of valid attachments cannot be read");
		session->missed = true;
	} else if (!pt_session_begin(session, LOCK_MS, false)) {
		ret = pt_network_gc(&session->dp, conf->name, is_wanted, &wanted);
		if (ret)
			pt_session_miss(session, PT_MAP_UPDATE, PT_CNI_NOT_OBSERVED,
					"garbage collection: %s", strerror(-ret));
		sweep(session);
	}
	free(wanted.keys);
	return 0;
}
