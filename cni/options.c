// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag's own keys in the network configuration, beside `type`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cni/options.h"

const char *pt_json_text(const json_t *string)
{
	const char *text = json_string_value(string);

	return text && strlen(text) == json_string_length(string) ? text : NULL;
}

int pt_fail_value(struct pt_error *err, const char *key, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	pt_fail(err, PT_CNI_CONFIG, "invalid value for \"%s\": %.128s", key, text ? text : "?");
	free(text);
	return -1;
}

/* Index of the string in names, or -1. */
static int choice(const json_t *value, const char *const *names, int count)
{
	const char *text = pt_json_text(value);

	for (int i = 0; text && i < count; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	return -1;
}

static bool read_failure_policy(const json_t *value, struct pt_conf *conf)
{
	static const char *const names[] = { "open", "closed" };
	int i = choice(value, names, 2);

	conf->closed = i == 1;
	return i >= 0;
}

static bool read_cgroup(const json_t *value, struct pt_conf *conf)
{
	static const char *const names[] = {
		[PT_CGROUP_AUTO] = "auto",
		[PT_CGROUP_POD] = "pod",
		[PT_CGROUP_NODE] = "node",
	};
	int i = choice(value, names, PT_CGROUP_POLICIES);

	if (i >= 0)
		conf->cgroup = i;
	return i >= 0;
}

static bool read_log_level(const json_t *value, struct pt_conf *conf)
{
	int i = choice(value, pt_log_level_names, PT_LOG_LEVELS);

	if (i >= 0)
		conf->log_level = i;
	return i >= 0;
}

static bool read_log_file(const json_t *value, struct pt_conf *conf)
{
	const char *text = pt_json_text(value);

	if (!text || *text != '/')
		return false;
	conf->log_file = text;
	return true;
}

/* A number, or a text such as "0x00ff0000" because JSON has no hexadecimal. */
static bool read_mark_mask(const json_t *value, struct pt_conf *conf)
{
	const char *text = pt_json_text(value);
	double number = 0;
	__u32 mask, lowest;

	if (json_is_number(value)) {
		number = json_number_value(value);
	} else if (text) {
		bool hex = !strncasecmp(text, "0x", 2);
		const char *digits = text + (hex ? 2 : 0);

		/* not left to strtoull(), which takes signs, spaces and a second 0x */
		if (!*digits || strlen(digits) > 10 ||
		    digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
			return false;
		number = strtoull(digits, NULL, hex ? 16 : 10);
	}
	if (!(number >= 1 && number <= UINT32_MAX) || number != (__u32)number)
		return false;

	mask = number;
	lowest = mask & -mask;
	if ((mask + lowest) & mask) /* a carry that stops inside: the ones are not contiguous */
		return false;
	conf->mark_mask = mask;
	return true;
}

int pt_options_read(struct pt_conf *conf, struct pt_error *err)
{
	static const struct {
		const char *key;
		bool (*read)(const json_t *value, struct pt_conf *conf);
	} options[] = {
		/* the log first, so that an error in the others can be written to it */
		{ "logFile", read_log_file },
		{ "logLevel", read_log_level },
		{ "failurePolicy", read_failure_policy },
		{ "cgroup", read_cgroup },
		{ "markMask", read_mark_mask },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		json_t *value = json_object_get(conf->root, options[i].key);

		if (value && !options[i].read(value, conf))
			return pt_fail_value(err, options[i].key, value);
	}
	return 0;
}

void pt_annotations_read(struct pt_conf *conf, const json_t *annotations)
{
	static const char *const names[] = {
		[PT_TLS_UNSAID] = "",
		[PT_TLS_OFF] = "off",
		[PT_TLS_ON] = "on",
		[PT_TLS_AUTO] = "auto",
	};
	const json_t *tls = json_object_get(annotations, PT_TLS_ANNOTATION);
	int i = choice(tls, names, PT_TLS_MODES);

	conf->tls = i > PT_TLS_UNSAID ? i : PT_TLS_UNSAID;
	conf->bad_tls = conf->tls ? NULL : tls;
}
