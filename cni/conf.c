// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The network configuration on stdin: what CNI itself defines. */
#include <stdio.h>
#include <string.h>

#include "cni/conf.h"
#include "cni/env.h"
#include "cni/name.h"
#include "cni/options.h"

const char *const pt_cni_versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", NULL };

static const char *version_supported(const json_t *version)
{
	const char *text = pt_json_text(version);

	for (size_t i = 0; text && pt_cni_versions[i]; i++) {
		if (!strcmp(text, pt_cni_versions[i]))
			return pt_cni_versions[i];
	}
	return NULL;
}

const char *pt_conf_version(const char *text, size_t size)
{
	json_auto_t *root = json_loadb(text, size, PT_JSON_FLAGS, NULL);
	const char *version = version_supported(json_object_get(root, "cniVersion"));

	return version ? version : PT_CNI_VERSION_NEWEST;
}

char *pt_conf_version_reply(const char *text, size_t size)
{
	json_auto_t *root = json_object(), *versions = json_array();

	for (size_t i = 0; pt_cni_versions[i]; i++)
		json_array_append_new(versions, json_string(pt_cni_versions[i]));
	json_object_set_new(root, "cniVersion", json_string(pt_conf_version(text, size)));
	json_object_set(root, "supportedVersions", versions);
	return json_dumps(root, JSON_COMPACT);
}

static int version_refused(const char *text, struct pt_error *err)
{
	char supported[128] = "";

	for (size_t i = 0; pt_cni_versions[i]; i++) {
		size_t used = strlen(supported);

		snprintf(supported + used, sizeof(supported) - used, "%s\"%s\"", i ? " " : "",
			 pt_cni_versions[i]);
	}
	pt_fail(err, PT_CNI_VERSION, "incompatible CNI versions");
	return pt_fail_details(err, "config is \"%.64s\", plugin supports [%s]", text, supported);
}

static int read_version(struct pt_conf *conf, struct pt_error *err)
{
	json_t *version = json_object_get(conf->root, "cniVersion");
	const char *text = pt_json_text(version);

	if (version && !json_is_null(version) && !json_is_string(version))
		return pt_fail(err, PT_CNI_DECODE, "cniVersion is not a string");
	conf->cni_version = version_supported(version);
	if (conf->cni_version)
		return 0;
	/* before 0.2.0 there was no such key */
	return version_refused(text && *text ? text : "0.1.0", err);
}

static int check_command(const struct pt_conf *conf, enum pt_command command, struct pt_error *err)
{
	bool too_old = false;

	if (command == PT_CHECK)
		too_old = !strncmp(conf->cni_version, "0.3.", 4);
	else if (command == PT_GC || command == PT_STATUS)
		too_old = strcmp(conf->cni_version, "1.1.0") != 0;
	if (too_old)
		return pt_fail(err, PT_CNI_VERSION, "config version does not allow %s",
			       pt_command_names[command]);
	return 0;
}

static int read_name(struct pt_conf *conf, struct pt_error *err)
{
	json_t *name = json_object_get(conf->root, "name");

	if (!name || json_is_null(name) || (json_is_string(name) && !json_string_length(name)))
		return pt_fail(err, PT_CNI_CONFIG, "missing network name");
	conf->name = pt_json_text(name);
	if (!conf->name || !pt_name_is_valid(conf->name))
		return pt_fail_value(err, "name", name);
	return 0;
}

static int read_prev_result(struct pt_conf *conf, const char *text, size_t size,
			    struct pt_error *err)
{
	json_t *prev = json_object_get(conf->root, "prevResult");

	if (!prev || json_is_null(prev))
		return pt_fail(err, PT_CNI_CONFIG,
			       "podtag must be called as chained plugin: no prevResult");
	if (!json_is_object(prev))
		return pt_fail_value(err, "prevResult", prev);
	if (!pt_span_find(text, size, "prevResult", &conf->prev_text))
		return pt_fail(err, PT_CNI_DECODE, "prevResult has no place in the text");
	conf->prev_result = prev;
	return 0;
}

/* The key was misspelled in the first edition of the specification, and libcni sends both. */
static json_t *attachments_find(json_t *root)
{
	json_t *list = json_object_get(root, "cni.dev/valid-attachments");

	if (!list)
		list = json_object_get(root, "cni.dev/attachments");
	return json_is_array(list) ? list : NULL;
}

int pt_conf_parse(const char *text, size_t size, enum pt_command command, struct pt_conf *ret,
		  struct pt_error *err)
{
	json_error_t jerr;
	json_t *runtime;

	*ret = (struct pt_conf){ .log_level = PT_LOG_WARN };
	ret->root = json_loadb(text, size, PT_JSON_FLAGS, &jerr);
	if (!ret->root) {
		pt_fail(err, PT_CNI_DECODE, "network config is not valid JSON");
		return pt_fail_details(err, "line %d, column %d: %s", jerr.line, jerr.column,
				       jerr.text);
	}
	if (!json_is_object(ret->root))
		return pt_fail(err, PT_CNI_DECODE, "network config is not a JSON object");

	if (read_name(ret, err) || read_version(ret, err) || check_command(ret, command, err))
		return -1;
	if (pt_options_read(ret, err)) {
		/* None of them is needed to clean up, and an error would keep pods that are
		 * there Terminating until somebody mends the file. */
		if (command != PT_DEL && command != PT_GC)
			return -1;
		ret->bad_options = true;
	}
	runtime = json_object_get(ret->root, "runtimeConfig");
	ret->cgroup_path = pt_json_text(json_object_get(runtime, "cgroupPath"));
	pt_annotations_read(ret, json_object_get(runtime, "io.kubernetes.cri.pod-annotations"));
	ret->valid_attachments = attachments_find(ret->root);
	if (command == PT_ADD || command == PT_CHECK)
		return read_prev_result(ret, text, size, err);
	return 0;
}

void pt_conf_done(struct pt_conf *conf)
{
	json_decref(conf->root);
	*conf = (struct pt_conf){};
}
