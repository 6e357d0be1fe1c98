// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A network configuration that somebody else wrote, edited. */
#include <jansson.h>
#include <string.h>

#include "install/conflist.h"
#include "tests/fuzz/fuzz.h"

static json_t *parse(const char *text)
{
	return json_loadb(text, strlen(text), JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

/* As jansson understands both: the same but for one plugin more, podtag, at the end. */
static void same_but_for_podtag(const char *before, const char *after)
{
	json_t *old = parse(before), *new = parse(after), *plugins;
	size_t count;

	must(old && new);
	plugins = json_object_get(new, "plugins");
	count = json_array_size(plugins);
	must(count > 1);
	must(!strcmp(json_string_value(json_object_get(json_array_get(plugins, count - 1), "type")),
		     "podtag"));
	must(!json_array_remove(plugins, count - 1));
	must(json_equal(old, new));
	json_decref(old);
	json_decref(new);
}

static void edit_list(const char *text, size_t size, const struct pt_chain *chain)
{
	char *added = pt_conflist_add(text, size), *removed = pt_conflist_remove(text, size);
	char *again, why[256];
	struct pt_chain now;

	must(added && removed && strlen(added) > size);
	same_but_for_podtag(text, added);
	must(!pt_chain_read(added, strlen(added), true, &now, why, sizeof(why)));
	must(now.last && now.podtags == chain->podtags + 1);

	must(!pt_chain_read(removed, strlen(removed), true, &now, why, sizeof(why)));
	must(!now.podtags || now.plugins == 1);
	if (!chain->podtags) {
		must(!strcmp(removed, text));
		again = pt_conflist_remove(added, strlen(added));
		must(again && !strcmp(again, text));
		free(again);
	}
	pt_conflist_is_from_conf(text, size);
	free(added);
	free(removed);
}

static void edit_conf(const char *text, size_t size)
{
	char *list = pt_conflist_from_conf(text, size), why[256];
	struct pt_chain now;

	must(list);
	must(!pt_chain_read(list, strlen(list), true, &now, why, sizeof(why)));
	must(now.plugins == 2 && now.last);
	must(pt_conflist_is_from_conf(list, strlen(list)));
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	struct pt_chain chain;
	char why[256], *text;
	size_t length;

	text = fuzz_rest(&in, &length);
	if (!pt_chain_read(text, length, true, &chain, why, sizeof(why)))
		edit_list(text, length, &chain);
	else
		must(*why);
	if (!pt_chain_read(text, length, false, &chain, why, sizeof(why)))
		edit_conf(text, length);
	free(text);
	return 0;
}
