// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* YAML read strictly, event after event: libyaml has a document form too, which would follow
 * aliases. */
#include "agent/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int pt_yaml_fail(struct pt_yaml *yaml, const char *format, ...)
{
	int len = snprintf(yaml->error, yaml->error_size, "%s: line %zu: ", yaml->file,
			   yaml->event.start_mark.line + 1);
	va_list args;

	va_start(args, format);
	if (len >= 0 && (size_t)len < yaml->error_size)
		vsnprintf(yaml->error + len, yaml->error_size - len, format, args);
	va_end(args);
	return -1;
}

static int fail_to_parse(struct pt_yaml *yaml)
{
	const char *problem = yaml->parser.problem;

	if (yaml->parser.error == YAML_MEMORY_ERROR)
		problem = "out of memory";
	snprintf(yaml->error, yaml->error_size, "%s: line %zu: %s", yaml->file,
		 yaml->parser.problem_mark.line + 1, problem ? problem : "not YAML");
	return -1;
}

int pt_yaml_next(struct pt_yaml *yaml)
{
	yaml_event_t *event = &yaml->event;
	const yaml_char_t *tag = NULL;

	yaml_event_delete(event);
	if (!yaml_parser_parse(&yaml->parser, event))
		return fail_to_parse(yaml);

	if (event->type == YAML_SCALAR_EVENT)
		tag = event->data.scalar.tag;
	else if (event->type == YAML_MAPPING_START_EVENT)
		tag = event->data.mapping_start.tag;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		tag = event->data.sequence_start.tag;
	if (tag)
		return pt_yaml_fail(yaml, "the tag %s is not supported", tag);
	if (event->type == YAML_ALIAS_EVENT)
		return pt_yaml_fail(yaml, "the alias *%s is not supported",
				    event->data.alias.anchor);
	return 0;
}

const char *pt_yaml_text(const struct pt_yaml *yaml)
{
	return (const char *)yaml->event.data.scalar.value;
}

static bool is_plain(const struct pt_yaml *yaml)
{
	return yaml->event.type == YAML_SCALAR_EVENT &&
	       yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool pt_yaml_is_null(const struct pt_yaml *yaml)
{
	const char *text = pt_yaml_text(yaml);

	return is_plain(yaml) && (!*text || !strcmp(text, "~") || !strcasecmp(text, "null"));
}

int pt_yaml_want_string(struct pt_yaml *yaml, const char *key)
{
	if (yaml->event.type != YAML_SCALAR_EVENT)
		return pt_yaml_fail(yaml, "%s: not a string", key);
	if (strlen(pt_yaml_text(yaml)) != yaml->event.data.scalar.length)
		return pt_yaml_fail(yaml, "%s: a NUL is in it", key);
	return 0;
}

int pt_yaml_bool(struct pt_yaml *yaml, const char *key, bool *ret)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "off", "on" },
	};

	for (size_t i = 0; is_plain(yaml) && i < sizeof(words) / sizeof(*words); i++)
		for (int value = 0; value < 2; value++)
			if (!strcasecmp(pt_yaml_text(yaml), words[i][value])) {
				*ret = value;
				return 0;
			}
	return pt_yaml_fail(yaml, "%s: neither true nor false", key);
}

/* NULL, with the error written, if it is none of them. */
static const struct pt_yaml_choice *choose(struct pt_yaml *yaml, const char *key,
					   const struct pt_yaml_choice *choices)
{
	char known[640] = "";
	size_t len = 0;

	if (pt_yaml_want_string(yaml, key))
		return NULL;
	for (const struct pt_yaml_choice *c = choices; c->name; c++) {
		if (!strcmp(pt_yaml_text(yaml), c->name))
			return c;
		if (len < sizeof(known))
			len += snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					c->name);
	}
	pt_yaml_fail(yaml, "%s: \"%s\" is not one of %s", key, pt_yaml_text(yaml), known);
	return NULL;
}

int pt_yaml_choice(struct pt_yaml *yaml, const char *key, const struct pt_yaml_choice *choices,
		   int *ret)
{
	const struct pt_yaml_choice *found = choose(yaml, key, choices);

	if (!found)
		return -1;
	*ret = found->value;
	return 0;
}

int pt_yaml_list(struct pt_yaml *yaml, const char *key, const struct pt_yaml_choice *choices,
		 char *to, size_t size)
{
	unsigned int seen = 0;
	size_t len = 0;

	if (yaml->event.type != YAML_SEQUENCE_START_EVENT)
		return pt_yaml_fail(yaml, "%s: not a list", key);
	while (!pt_yaml_next(yaml)) {
		const struct pt_yaml_choice *found;

		if (yaml->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		found = choose(yaml, key, choices);
		if (!found)
			return -1;
		if (seen & 1U << (found - choices))
			return pt_yaml_fail(yaml, "%s: %s is there twice", key, found->name);
		seen |= 1U << (found - choices);
		if (found->alias && len < size)
			len += snprintf(to + len, size - len, "%s%s", len ? ":" : "", found->alias);
	}
	return -1;
}

static int read_key(struct pt_yaml *yaml, const char *section, const struct pt_yaml_key *keys,
		    unsigned int *seen)
{
	const char *dot = *section ? "." : "";
	const char *name;
	int i = 0;

	if (pt_yaml_want_string(yaml, *section ? section : "a key"))
		return -1;
	name = pt_yaml_text(yaml);
	while (keys[i].name && strcmp(keys[i].name, name) != 0)
		i++;
	if (!keys[i].name)
		return pt_yaml_fail(yaml, "unknown key \"%s%s%s\"", section, dot, name);
	if (*seen & 1U << i)
		return pt_yaml_fail(yaml, "\"%s%s%s\" is there twice", section, dot, name);
	*seen |= 1U << i;
	if (!keys[i].read)
		return pt_yaml_fail(yaml, "\"%s%s%s\" is not supported, %s", section, dot, name,
				    keys[i].advice);
	if (pt_yaml_next(yaml))
		return -1;
	return pt_yaml_is_null(yaml) ? 0 : keys[i].read(yaml, &keys[i]);
}

int pt_yaml_keys(struct pt_yaml *yaml, const char *section, const struct pt_yaml_key *keys)
{
	unsigned int seen = 0;

	if (yaml->event.type != YAML_MAPPING_START_EVENT)
		return pt_yaml_fail(yaml, "%s: not a mapping of keys to values",
				    *section ? section : "the file");
	while (!pt_yaml_next(yaml)) {
		if (yaml->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_key(yaml, section, keys, &seen))
			return -1;
	}
	return -1;
}

static int skip(struct pt_yaml *yaml, int events)
{
	while (events-- > 0)
		if (pt_yaml_next(yaml))
			return -1;
	return 0;
}

static int read_document(struct pt_yaml *yaml, const struct pt_yaml_key *keys)
{
	if (skip(yaml, 2)) /* to the document's start */
		return -1;
	if (yaml->event.type == YAML_STREAM_END_EVENT)
		return 0;
	if (pt_yaml_next(yaml))
		return -1;
	if (!pt_yaml_is_null(yaml) && pt_yaml_keys(yaml, "", keys))
		return -1;
	if (skip(yaml, 2)) /* over the document's end */
		return -1;
	return yaml->event.type == YAML_STREAM_END_EVENT ? 0
							 : pt_yaml_fail(yaml, "a second document");
}

int pt_yaml_read(struct pt_yaml *yaml, const char *text, size_t size,
		 const struct pt_yaml_key *keys)
{
	int err;

	if (!yaml_parser_initialize(&yaml->parser))
		return pt_yaml_fail(yaml, "out of memory");
	yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)text, size);
	err = read_document(yaml, keys);
	yaml_event_delete(&yaml->event);
	yaml_parser_delete(&yaml->parser);
	return err;
}
