// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Change one network configuration of a node. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install/put.h"

/* A list for a .conf, or one made of a .conf before, brought up to date. */
static int plan_made(const struct pt_conf_file *base, struct pt_change *change)
{
	int err = pt_file_read(change->path, PT_CONF_MAX, &change->before);

	if (err && err != -ENOENT)
		return pt_complain(err, "%s cannot be read", change->path);
	change->after = pt_conflist_from_conf(base->file.text, base->file.size);
	if (!change->after)
		return pt_complain(-ENOMEM, "%s", change->path);
	if (pt_file_equal(&change->before, change->after, strlen(change->after))) {
		free(change->after);
		change->after = NULL;
	} else if (!change->before.text) {
		change->before = base->file; /* its mode and owner, not its text */
		change->before.text = NULL;
	}
	return 0;
}

static int plan_added(const struct pt_conf_file *base, struct pt_change *change)
{
	if (base->chain.podtags)
		return 0;
	change->before = base->file;
	change->before.text = strdup(base->file.text);
	change->after = pt_conflist_add(base->file.text, base->file.size);
	if (!change->before.text || !change->after)
		return pt_complain(-ENOMEM, "%s", change->path);
	return 0;
}

int pt_change_plan(const struct pt_node *node, struct pt_change *ret)
{
	const struct pt_conf_file *base = node->base;
	struct pt_chain chain;
	char why[256];
	int err;

	*ret = (struct pt_change){};
	pt_base_target(base, ret->path);
	err = base->is_list ? plan_added(base, ret) : plan_made(base, ret);
	if (err || !ret->after)
		return err;
	if (pt_chain_read(ret->after, strlen(ret->after), true, &chain, why, sizeof(why)) ||
	    !chain.last || chain.plugins != base->chain.plugins + 1)
		return pt_complain(0, "%s: would not be valid with podtag's entry", ret->path);
	return 0;
}

void pt_change_free(struct pt_change *change)
{
	free(change->after);
	pt_file_free(&change->before);
	change->after = NULL;
}

static int back_up(const struct pt_change *change)
{
	char path[PATH_MAX + sizeof(PT_BACKUP_SUFFIX)];
	struct pt_file old = {};
	int err = 0;

	snprintf(path, sizeof(path), "%s" PT_BACKUP_SUFFIX, change->path);
	if (pt_file_read(path, PT_CONF_MAX, &old) ||
	    !pt_file_equal(&old, change->before.text, change->before.size)) {
		struct pt_file like = change->before;

		like.text = old.text;
		like.size = old.size;
		err = pt_file_replace(path, change->before.text, &like);
	}
	pt_file_free(&old);
	return err;
}

int pt_change_apply(const struct pt_change *change, bool backup)
{
	int err = backup && change->before.text ? back_up(change) : 0;

	return err ? err : pt_file_replace(change->path, change->after, &change->before);
}

int pt_change_undo(const struct pt_change *change)
{
	struct pt_file now = {};
	int err = pt_file_read(change->path, PT_CONF_MAX, &now);

	if (err)
		return err;
	if (!pt_file_equal(&now, change->after, strlen(change->after)))
		err = -ESTALE;
	else if (change->before.text)
		err = pt_file_replace(change->path, change->before.text, &now);
	else if (unlink(change->path))
		err = -errno;
	pt_file_free(&now);
	return err;
}
