// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag's entry in a network configuration, read and edited as text. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cni/name.h"
#include "cni/options.h"
#include "cni/span.h"
#include "install/conflist.h"

#define SPACE " \t\r\n"
#define TYPE  "podtag"

static bool is_podtag(const json_t *plugin)
{
	const char *type = pt_json_text(json_object_get(plugin, "type"));

	return type && !strcmp(type, TYPE);
}

static void set_text(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
}

static int read_plugin(const json_t *plugin, size_t index, struct pt_chain *ret, char *why,
		       size_t why_size)
{
	const char *type = pt_json_text(json_object_get(plugin, "type"));
	size_t used = strlen(ret->types);

	if (!type || !*type) {
		snprintf(why, why_size, "plugin %zu has no \"type\"", index);
		return -1;
	}
	if (!index)
		set_text(ret->first_type, sizeof(ret->first_type), type);
	snprintf(ret->types + used, sizeof(ret->types) - used, "%s%s", used ? " " : "", type);
	ret->last = is_podtag(plugin);
	ret->podtags += ret->last;
	ret->plugins++;
	return 0;
}

static int read_plugins(const json_t *root, struct pt_chain *ret, char *why, size_t why_size)
{
	const json_t *plugins = json_object_get(root, "plugins");
	json_t *plugin;
	size_t i;

	if (!json_is_array(plugins) || !json_array_size(plugins)) {
		snprintf(why, why_size, "\"plugins\" is %s",
			 !plugins                 ? "missing"
			 : json_is_array(plugins) ? "empty"
						  : "not an array");
		return -1;
	}
	json_array_foreach (plugins, i, plugin) {
		if (read_plugin(plugin, i, ret, why, why_size))
			return -1;
	}
	return 0;
}

int pt_chain_read(const char *text, size_t size, bool is_list, struct pt_chain *ret, char *why,
		  size_t why_size)
{
	json_error_t error;
	json_auto_t *root = json_loadb(text, size, PT_JSON_FLAGS, &error);
	const char *name, *version;

	*ret = (struct pt_chain){};
	if (!json_is_object(root) || memchr(text, '\0', size)) { /* jansson lets some NULs pass */
		snprintf(why, why_size, "not a JSON object%s%s", root ? "" : ": ",
			 root ? "" : error.text);
		return -1;
	}
	name = pt_json_text(json_object_get(root, "name"));
	if (!name || !pt_name_is_valid(name)) {
		snprintf(why, why_size, "\"name\" is %s", name ? "no valid name" : "missing");
		return -1;
	}
	version = pt_json_text(json_object_get(root, "cniVersion"));
	set_text(ret->name, sizeof(ret->name), name);
	set_text(ret->version, sizeof(ret->version), version ? version : "");
	return is_list ? read_plugins(root, ret, why, why_size)
		       : read_plugin(root, 0, ret, why, why_size);
}

/* How the members of an object are set apart. */
struct style {
	struct pt_span before; /* each member */
	struct pt_span end;    /* behind the last */
	struct pt_span deeper; /* what members of a member have more */
	const char *colon;
};

static size_t spaces(const char *text, size_t size)
{
	size_t n = 0;

	while (n < size && strchr(SPACE, text[n]) && text[n])
		n++;
	return n;
}

/* The object is not empty: it has a type. */
static struct style style_of(const struct pt_span *object)
{
	const char *close = object->text + object->size - 1, *end = close;
	struct style s = { .before = { object->text + 1, 0 }, .colon = ": " };

	s.before.size = spaces(s.before.text, object->size - 1);
	while (strchr(SPACE, end[-1]))
		end--;
	s.end = (struct pt_span){ end, close - end };
	if (!s.before.size)
		s.colon = ":";
	if (!memchr(s.before.text, '\n', s.before.size))
		return s; /* all on one line */
	if (s.end.size < s.before.size && !memcmp(s.before.text, s.end.text, s.end.size))
		s.deeper =
			(struct pt_span){ s.before.text + s.end.size, s.before.size - s.end.size };
	else
		s.deeper = (struct pt_span){ "  ", 2 };
	return s;
}

static void put(FILE *out, const struct pt_span *span)
{
	fwrite(span->text, 1, span->size, out);
}

static void put_member(FILE *out, const struct style *s, bool deep, const char *key)
{
	put(out, &s->before);
	if (deep)
		put(out, &s->deeper);
	fprintf(out, "\"%s\"%s", key, s->colon);
}

static void put_entry(FILE *out, const struct style *s)
{
	fputc('{', out);
	put_member(out, s, false, "type");
	fputs("\"" TYPE "\",", out);
	put_member(out, s, false, "capabilities");
	fputc('{', out);
	put_member(out, s, true, "cgroupPath");
	fputs("true,", out);
	put_member(out, s, true, "io.kubernetes.cri.pod-annotations");
	fputs("true", out);
	put(out, &s->before);
	fputc('}', out);
	put(out, &s->end);
	fputc('}', out);
}

static char *finish(FILE *out, char **text)
{
	if (fclose(out)) {
		free(*text);
		return NULL;
	}
	return *text;
}

/* Of the last plugin. */
static bool find_last(const char *text, size_t size, struct pt_span *ret)
{
	json_auto_t *root = json_loadb(text, size, PT_JSON_FLAGS, NULL);
	size_t count = json_array_size(json_object_get(root, "plugins"));
	struct pt_span plugins;

	return count && pt_span_find(text, size, "plugins", &plugins) &&
	       pt_span_element(plugins.text, plugins.size, count - 1, ret);
}

char *pt_conflist_add(const char *text, size_t size)
{
	struct pt_span last, gap;
	struct style style;
	size_t ret_size;
	const char *at;
	char *ret;
	FILE *out;

	if (!find_last(text, size, &last))
		return NULL;
	out = open_memstream(&ret, &ret_size);
	if (!out)
		return NULL;

	for (at = last.text; strchr(SPACE, at[-1]); at--)
		;
	gap = (struct pt_span){ at, last.text - at };
	style = style_of(&last);
	at = last.text + last.size;
	fwrite(text, 1, at - text, out);
	fputc(',', out);
	put(out, &gap);
	put_entry(out, &style);
	fwrite(at, 1, text + size - at, out);
	return finish(out, &ret);
}

/* Cuts plugin number index out of text, which has more than one: from the end of the one before,
 * or the first one up to the second. Returns the new size. */
static size_t cut(char *text, size_t size, size_t index)
{
	struct pt_span plugins, entry, other;
	const char *from, *to;

	if (!pt_span_find(text, size, "plugins", &plugins) ||
	    !pt_span_element(plugins.text, plugins.size, index, &entry) ||
	    !pt_span_element(plugins.text, plugins.size, index ? index - 1 : 1, &other))
		return size;
	from = index ? other.text + other.size : entry.text;
	to = index ? entry.text + entry.size : other.text;
	memmove(text + (from - text), to, text + size - to);
	return size - (to - from);
}

char *pt_conflist_remove(const char *text, size_t size)
{
	json_auto_t *root = json_loadb(text, size, PT_JSON_FLAGS, NULL);
	const json_t *plugins = json_object_get(root, "plugins");
	size_t left = json_array_size(plugins);
	char *ret = malloc(size + 1);

	if (!ret)
		return NULL;
	memcpy(ret, text, size);
	for (size_t i = left; i-- > 0 && left > 1;) {
		if (!is_podtag(json_array_get(plugins, i)))
			continue;
		size = cut(ret, size, i);
		left--;
	}
	ret[size] = '\0';
	return ret;
}

char *pt_conflist_from_conf(const char *text, size_t size)
{
	static const struct style style = {
		.before = { "\n      ", 7 },
		.end = { "\n    ", 5 },
		.deeper = { "  ", 2 },
		.colon = ": ",
	};
	static const char *const keys[] = { "cniVersion", "name" };
	struct pt_span value, conf = { text, size };
	size_t ret_size;
	char *ret;
	FILE *out;

	out = open_memstream(&ret, &ret_size);
	if (!out)
		return NULL;

	fputs("{\n", out);
	for (size_t i = 0; i < 2; i++) {
		if (!pt_span_find(text, size, keys[i], &value))
			continue;
		fprintf(out, "  \"%s\": ", keys[i]);
		put(out, &value);
		fputs(",\n", out);
	}
	fputs("  \"plugins\": [\n    ", out);
	conf.text += spaces(text, size);
	conf.size -= conf.text - text;
	while (strchr(SPACE, conf.text[conf.size - 1]))
		conf.size--;
	put(out, &conf);
	fputs(",\n    ", out);
	put_entry(out, &style);
	fputs("\n  ]\n}\n", out);
	return finish(out, &ret);
}

bool pt_conflist_is_from_conf(const char *text, size_t size)
{
	struct pt_span plugins, conf;
	bool same = false;
	char *again;

	if (!pt_span_find(text, size, "plugins", &plugins) ||
	    !pt_span_element(plugins.text, plugins.size, 0, &conf))
		return false;
	again = pt_conflist_from_conf(conf.text, conf.size);
	if (again)
		same = strlen(again) == size && !memcmp(again, text, size);
	free(again);
	return same;
}
