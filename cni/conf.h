/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The network configuration on stdin. */
#ifndef PT_CONF_H
#define PT_CONF_H

#include <jansson.h>
#include <stdbool.h>

#include "bpf/types.h"
#include "cni/error.h"
#include "cni/log.h"
#include "cni/span.h"

/* The newest version, which is also what an answer carries when the input's is not to be had. */
#define PT_CNI_VERSION_NEWEST "1.1.0"

/* The supported ones, oldest first; NULL ends the list. */
extern const char *const pt_cni_versions[];

/* Of a pod: whether its TLS libraries are looked at. */
#define PT_TLS_ANNOTATION "podtag.io/tls"

enum pt_cgroup_policy { PT_CGROUP_AUTO, PT_CGROUP_POD, PT_CGROUP_NODE, PT_CGROUP_POLICIES };

/* All texts lie in root or in the text that was parsed. */
struct pt_conf {
	json_t *root;
	const char *cni_version; /* one of pt_cni_versions */
	const char *name;        /* of the network */

	/* podtag's own keys */
	bool closed; /* failurePolicy */
	enum pt_cgroup_policy cgroup;
	__u32 mark_mask;      /* 0: skb->mark is not touched */
	const char *log_file; /* or NULL */
	enum pt_log_level log_level;

	bool bad_options; /* one is invalid, as *err says, but DEL and GC need none */

	const char *cgroup_path;   /* runtimeConfig.cgroupPath, or NULL */
	enum pt_tls_mode tls;      /* the pod's annotation podtag.io/tls */
	const json_t *bad_tls;     /* its value, when that is no mode, or NULL */
	json_t *prev_result;       /* set for ADD and CHECK, which fail without it */
	struct pt_span prev_text;  /* its bytes */
	json_t *valid_attachments; /* GC: the array, or NULL when there is none */
};

/* Parses and validates what that command needs. The text must stay. Returns 0, or -1 with *err
 * filled. Call pt_conf_done() in both cases: version and log keys are set as far as they were
 * found, so that the error can be told. */
int pt_conf_parse(const char *text, size_t size, enum pt_command command, struct pt_conf *ret,
		  struct pt_error *err);

/* The text's cniVersion if podtag supports it, else the newest: what VERSION and errors carry. */
const char *pt_conf_version(const char *text, size_t size);

/* A VERSION call may come with nobody at the other end of stdin: how long to wait for more of it.
 */
#define PT_VERSION_QUIET_MS 200

/* The answer to VERSION with that on stdin; text may be NULL. The caller frees it; NULL: no memory.
 */
char *pt_conf_version_reply(const char *text, size_t size);

/* A zeroed conf is fine. */
void pt_conf_done(struct pt_conf *conf);

#endif
