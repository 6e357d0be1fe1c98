// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-install status: what is installed, and what is amiss. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/binary.h"
#include "install/put.h"

static void problem(json_t *status, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void problem(json_t *status, const char *format, ...)
{
	char text[2 * PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(json_object_get(status, "problems"), json_string(text));
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static void look_at_binary(const char *bin_dir, json_t *status)
{
	static const char *const states[PT_KINDS + 1] = {
		[PT_KIND_PODTAG] = "current",
		[PT_KIND_PASS] = "pass-through",
		[PT_KINDS] = "other",
	};
	json_t *plugin = json_object(), *versions = NULL;
	char path[PATH_MAX], *version = NULL;
	int kind = pt_binary_look(bin_dir);

	json_object_set_new(status, "plugin", plugin);
	pt_path(path, bin_dir, "podtag");
	set_text(plugin, "path", path);
	set_text(plugin, "state", kind < 0 ? "missing" : states[kind]);
	if (kind < 0) {
		problem(status, "%s: %s", path, strerror(-kind));
		return;
	}
	versions = pt_binary_versions(bin_dir);
	if (!versions)
		problem(status, "%s does not answer VERSION", path);
	json_decref(versions);
	if (kind == PT_KIND_PASS)
		problem(status, "%s only passes results on: podtag was uninstalled", path);
	if (kind == PT_KINDS)
		problem(status, "%s is another build than podtag-install has", path);
	version = kind == PT_KIND_PASS ? NULL : pt_binary_version(bin_dir);
	if (version)
		set_text(plugin, "version", version);
	free(version);
}

/* The one that the runtime uses, whoever made it. */
static const struct pt_conf_file *find_used(const struct pt_node *node, json_t *status)
{
	for (size_t i = 0; i < node->confs.count; i++) {
		const struct pt_conf_file *file = &node->confs.files[i];

		if (!file->valid)
			problem(status, "%s is not valid: %s", file->path, file->why);
		else if (file->made || file == node->base)
			return file;
	}
	return NULL;
}

/* Whether the base CNI has changed its file since podtag was put in. */
static void look_for_drift(const struct pt_conf_file *used, json_t *chain)
{
	char path[PATH_MAX + sizeof(PT_BACKUP_SUFFIX)], *without;
	struct pt_file backup = {};

	snprintf(path, sizeof(path), "%s" PT_BACKUP_SUFFIX, used->path);
	if (pt_file_read(path, PT_CONF_MAX, &backup))
		return;
	set_text(chain, "backup", path);
	without = pt_conflist_remove(used->file.text, used->file.size);
	json_object_set_new(
		chain, "changed_since",
		json_boolean(!without || !pt_file_equal(&backup, without, strlen(without))));
	free(without);
	pt_file_free(&backup);
}

static void look_at_chain(const struct pt_node *node, json_t *status)
{
	const struct pt_conf_file *used = find_used(node, status);
	struct pt_change change = {};
	json_t *chain = json_object();

	json_object_set_new(status, "chain", chain);
	if (!used || !node->base) {
		problem(status, "%s: no network configuration of a base CNI", node->conf_dir);
		return;
	}
	set_text(chain, "path", used->path);
	set_text(chain, "plugins", used->is_list ? used->chain.types : used->chain.first_type);
	json_object_set_new(chain, "podtag", json_integer(used->chain.podtags));
	json_object_set_new(chain, "last", json_boolean(used->chain.last));
	if (used->made)
		set_text(chain, "made_from", node->base->path);
	else if (used->is_list)
		look_for_drift(used, chain);

	if (used->chain.podtags > 1)
		problem(status, "%s: podtag is in the chain %zu times", used->path,
			used->chain.podtags);
	if (pt_change_plan(node, &change))
		problem(status, "%s cannot be edited", node->base->path);
	else if (change.after)
		problem(status, "%s: %s", change.path,
			used->made ? "not what podtag-install would make now"
				   : "podtag is not in the chain");
	pt_change_free(&change);
}

static void look_for_leftovers(const char *dir, json_t *leftovers)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	while (stream && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, PT_TEMP_PREFIX, strlen(PT_TEMP_PREFIX)))
			continue;
		pt_path(path, dir, entry->d_name);
		json_array_append_new(leftovers, json_string(path));
	}
	if (stream)
		closedir(stream);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_list(const char *label, const json_t *list)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element) {
		printf("%-10s%s\n", label, json_string_value(element));
	}
}

static void print_text(const json_t *status)
{
	const json_t *plugin = json_object_get(status, "plugin");
	const json_t *chain = json_object_get(status, "chain");
	const char *version = text_of(plugin, "version"), *from = text_of(chain, "made_from");

	if (plugin)
		printf("%-10s%s: %s%s%s\n", "plugin", text_of(plugin, "path"),
		       text_of(plugin, "state"), *version ? ", " : "", version);
	if (*text_of(chain, "path"))
		printf("%-10s%s: %s%s%s%s\n", "chain", text_of(chain, "path"),
		       text_of(chain, "plugins"), *from ? ", made from " : "", from,
		       json_is_true(json_object_get(chain, "changed_since"))
			       ? ", changed by its owner since podtag was put in"
			       : "");
	if (*text_of(chain, "backup"))
		printf("%-10s%s\n", "backup", text_of(chain, "backup"));
	print_list("leftover", json_object_get(status, "leftovers"));
	print_list("problem", json_object_get(status, "problems"));
}

int pt_status(const struct pt_options *options)
{
	json_auto_t *status = json_object();
	json_t *leftovers = json_array();
	struct pt_node node;
	char *text;
	bool ok;

	json_object_set_new(status, "problems", json_array());
	json_object_set_new(status, "leftovers", leftovers);
	if (pt_node_find(options, &node)) {
		pt_node_free(&node);
		return 1;
	}
	look_at_chain(&node, status);
	if (*node.bin_dir)
		look_at_binary(node.bin_dir, status);
	else
		problem(status, "no folder of plugins found: --cni-bin-dir says where it is");
	look_for_leftovers(node.conf_dir, leftovers);
	if (*node.bin_dir)
		look_for_leftovers(node.bin_dir, leftovers);
	pt_node_free(&node);

	ok = !json_array_size(json_object_get(status, "problems"));
	json_object_set_new(status, "ok", json_boolean(ok));
	text = options->json ? json_dumps(status, JSON_COMPACT) : NULL;
	if (text)
		puts(text);
	else
		print_text(status);
	free(text);
	return !ok;
}
