// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-install install: the binary first, its entry in the chain last. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "cni/options.h"
#include "install/binary.h"
#include "install/diff.h"
#include "install/put.h"

#define LOCK_SECONDS 30
/* A file that its owner is still writing is not valid for a moment. */
#define SETTLE_SECONDS 2
/* The file may change between the look at it and the rename, but not for ever. */
#define TRIES 20

/* Complains of what the runtime meets before the base, and says whether that may just be half
 * written. */
static bool is_settling(const struct pt_node *node)
{
	bool settling = false;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < node->confs.count; i++) {
		const struct pt_conf_file *file = &node->confs.files[i];

		if (file == node->base)
			break;
		if (file->valid)
			continue;
		pt_complain(0, "%s is left out, as CRI-O does; containerd takes no other: %s",
			    file->path, file->why);
		if (!file->err && now.tv_sec >= file->file.mtime.tv_sec &&
		    now.tv_sec - file->file.mtime.tv_sec < SETTLE_SECONDS)
			settling = true;
	}
	return settling;
}

static int refuse_multus(const struct pt_node *node)
{
	const struct pt_chain *chain = &node->base->chain;

	if (strcmp(chain->first_type, "multus") && strcmp(chain->first_type, "multus-shim") &&
	    !strstr(node->conf_dir, "/multus/"))
		return 0;
	return pt_complain(
		0,
		"%s belongs to Multus, whose default network nothing can be chained to: on "
		"OpenShift its operator owns the chain, elsewhere Multus could take the list "
		"with podtag for its own delegate. Add podtag's entry by hand to the "
		"conflist that Multus delegates to, named by its \"clusterNetwork\"",
		node->base->path);
}

static int check_bin_dir(const struct pt_node *node)
{
	const char *plugin = node->base->chain.first_type;
	char path[PATH_MAX];

	if (!*node->bin_dir)
		return pt_complain(
			0,
			"no folder known to podtag-install has the plugin %s of %s: say with "
			"--cni-bin-dir where the runtime has it",
			plugin, node->base->path);
	pt_path(path, node->bin_dir, plugin);
	if (access(path, X_OK))
		pt_complain(-errno,
			    "%s, which %s names: podtag is found only if the runtime looks into "
			    "%s, too",
			    path, node->base->path, node->bin_dir);
	return 0;
}

/* What podtag would refuse in an ADD must not get into the chain. */
static int check_version(const struct pt_node *node)
{
	const char *want = node->base->chain.version;
	json_auto_t *versions = pt_binary_versions(node->bin_dir);
	json_t *version;
	size_t i;

	if (!versions)
		return -1;
	json_array_foreach (versions, i, version) {
		if (!strcmp(want, json_string_value(version) ? json_string_value(version) : ""))
			return 0;
	}
	return pt_complain(0, "%s: podtag does not support \"cniVersion\": \"%s\"",
			   node->base->path, *want ? want : "0.1.0");
}

/* Lists that were made of a .conf that is the base no more would hide it. Returns 1 when there were
 * any. */
static int remove_stale(const struct pt_node *node, const char *target)
{
	int changed = 0;

	for (size_t i = 0; i < node->confs.count; i++) {
		const char *path = node->confs.files[i].path;

		if (!node->confs.files[i].made || !strcmp(path, target))
			continue;
		if (unlink(path))
			return pt_complain(-errno, "%s cannot be removed", path);
		pt_say("%s: removed, its network is %s now", path, node->base->path);
		changed = 1;
	}
	return changed;
}

/* With the entry in place the chain must be what was meant, and its new plugin there. Else all is
 * as before. */
static int verify(const struct pt_node *node, const struct pt_change *change)
{
	struct pt_file now = {};
	json_t *versions;
	int err = pt_file_read(change->path, PT_CONF_MAX, &now);
	bool same = !err && pt_file_equal(&now, change->after, strlen(change->after));

	pt_file_free(&now);
	if (!err && !same)
		return -ESTALE; /* somebody has written in the meantime */
	if (err)
		pt_complain(err, "%s cannot be read again", change->path);
	versions = err ? NULL : pt_binary_versions(node->bin_dir);
	if (versions) {
		json_decref(versions);
		return 0;
	}
	err = pt_change_undo(change);
	if (err)
		pt_complain(err, "%s cannot be made what it was", change->path);
	else
		pt_say("%s: again as it was before", change->path);
	pt_dir_poke(node->conf_dir);
	return -1;
}

/* -ESTALE: to be tried again. */
static int put_in(const struct pt_node *node, const struct pt_change *change)
{
	int err = pt_change_apply(change, node->base->is_list);

	if (err == -ESTALE)
		return err;
	if (err)
		return pt_complain(err, "%s cannot be written", change->path);
	err = verify(node, change);
	if (err)
		return err;
	pt_say("%s: podtag is in the chain", change->path);
	return 0;
}

static enum pt_outcome show(const struct pt_node *node, const struct pt_change *change)
{
	bool there = pt_binary_look(node->bin_dir) == PT_KIND_PODTAG;

	if (!there)
		pt_say("%s/podtag: would be written, %zu bytes", node->bin_dir,
		       pt_binary_size(PT_KIND_PODTAG));
	if (change->after)
		pt_diff_print(change->path, change->before.text, change->after);
	return there && !change->after ? PT_UNCHANGED : PT_CHANGED;
}

/* -ESTALE: to be tried again. */
static int bring_about(const struct pt_node *node, const struct pt_change *change)
{
	int err, stale, wrote = pt_binary_put(node->bin_dir, PT_KIND_PODTAG);

	if (wrote < 0)
		return PT_FAILED;
	if (wrote)
		pt_say("%s/podtag: written", node->bin_dir);
	if (change->after) {
		err = check_version(node);
		if (!err)
			err = put_in(node, change);
		if (err)
			return err;
	}
	stale = remove_stale(node, change->path);
	if (change->after || stale > 0) {
		pt_dir_sync(node->conf_dir);
		err = pt_dir_poke(node->conf_dir);
		if (err)
			pt_complain(err, "%s: the runtime may not notice", node->conf_dir);
	}
	if (stale < 0)
		return PT_FAILED;
	return change->after ? PT_ENTRY_PUT_IN : wrote || stale ? PT_CHANGED : PT_UNCHANGED;
}

/* With the folder's lock. -ESTALE: to be tried again. */
static int try_once(const struct pt_options *options)
{
	struct pt_change change = {};
	struct pt_node node;
	int ret = PT_FAILED;

	if (pt_node_find(options, &node))
		goto free;
	if (is_settling(&node)) {
		ret = -ESTALE;
		goto free;
	}
	if (!node.base) {
		ret = PT_NO_BASE;
		goto free;
	}
	if (refuse_multus(&node) || check_bin_dir(&node) || pt_change_plan(&node, &change))
		goto free;
	if (node.base->chain.podtags > 1)
		pt_complain(0, "%s: podtag is in the chain %zu times", node.base->path,
			    node.base->chain.podtags);
	if (options->dry_run) {
		ret = show(&node, &change);
	} else {
		pt_dir_clean(node.conf_dir);
		ret = bring_about(&node, &change);
	}

free:
	pt_change_free(&change);
	pt_node_free(&node);
	return ret;
}

enum pt_outcome pt_install_once(const struct pt_options *options)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000000 };
	int ret = -ESTALE, lock = -1;
	struct pt_node node;

	if (pt_node_find(options, &node))
		return PT_FAILED;
	if (!options->dry_run)
		lock = pt_dir_lock(node.conf_dir, LOCK_EX, LOCK_SECONDS);
	if (lock == -ENOENT)
		ret = PT_NO_BASE;
	else if (lock < 0 && !options->dry_run)
		ret = pt_complain(lock, "%s cannot be locked; is another podtag-install at work?",
				  node.conf_dir);
	for (int tries = 0; ret == -ESTALE && tries < TRIES; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		ret = try_once(options);
	}
	if (ret == -ESTALE)
		ret = pt_complain(0, "%s: the files change faster than they can be edited",
				  node.conf_dir);
	if (lock >= 0)
		close(lock);
	pt_node_free(&node);
	return ret;
}

int pt_install(const struct pt_options *options)
{
	enum pt_outcome outcome = pt_install_once(options);

	if (outcome == PT_NO_BASE)
		pt_complain(
			0,
			"no network configuration yet%s%s: podtag chains to the base CNI's, which "
			"has to be there first (podtag-install watch waits for it)",
			options->conf_dir ? " in " : "",
			options->conf_dir ? options->conf_dir : "");
	if (outcome == PT_UNCHANGED)
		pt_say("nothing to do");
	return outcome == PT_FAILED || outcome == PT_NO_BASE;
}
