// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-install uninstall: the entry first, the binary's place taken, the kernel last. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "install/binary.h"
#include "install/diff.h"
#include "install/put.h"

#define LOCK_SECONDS 30
/* No call of the plugin takes longer than a second, and what it starts is soon through. */
#define CALL_MS  1100
#define AGENT_MS 3000
#define CALLS_MS 10000
#define TRIES    20

static void sleep_ms(int ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&pause, NULL);
}

/* Takes the entry out of one file. Returns 1 when it was in, -ESTALE when that is to be tried
 * again, or -1 with a complaint. */
static int take_out(const struct pt_conf_file *file, bool dry_run)
{
	struct pt_change change = { .before = file->file };
	int err;

	strcpy(change.path, file->path);
	if (!file->made)
		change.after = pt_conflist_remove(file->file.text, file->file.size);
	if (!file->made && !change.after)
		return pt_complain(-ENOMEM, "%s", file->path);
	if (change.after && !strcmp(change.after, file->file.text)) {
		free(change.after);
		return pt_complain(0, "%s: podtag is its only plugin; it is left to you",
				   file->path);
	}
	if (dry_run) {
		pt_diff_print(change.path, change.before.text, change.after);
		free(change.after);
		return 1;
	}
	if (file->made)
		err = unlink(file->path) ? -errno : 0;
	else
		err = pt_change_apply(&change, false);
	free(change.after);
	if (err == -ESTALE)
		return err;
	if (err)
		return pt_complain(err, "%s cannot be written", file->path);
	pt_say("%s: podtag is out of the chain", file->path);
	return 1;
}

/* Out of all files: another one than now may have been the first when podtag was put in. */
static int take_out_all(const struct pt_options *options, const char *conf_dir)
{
	struct pt_conf_dir confs = {};
	int ret = 0, err = pt_conf_dir_read(conf_dir, &confs);

	if (err && err != -ENOENT)
		return pt_complain(err, "%s cannot be read", conf_dir);
	for (size_t i = 0; i < confs.count; i++) {
		const struct pt_conf_file *file = &confs.files[i];

		if (!file->valid || !file->is_list || !file->chain.podtags)
			continue;
		err = take_out(file, options->dry_run);
		if (err < 0 && ret >= 0)
			ret = err;
		else if (err > 0 && !ret)
			ret = 1;
	}
	pt_conf_dir_free(&confs);
	return ret;
}

static int clean_chain(const struct pt_options *options, const char *conf_dir)
{
	int ret = -ESTALE, changed = 0;

	for (int tries = 0; ret == -ESTALE && tries < TRIES; tries++) {
		if (tries)
			sleep_ms(200);
		ret = take_out_all(options, conf_dir);
		changed |= ret != 0;
	}
	if (ret == -ESTALE)
		ret = pt_complain(0, "%s: the files change faster than they can be edited",
				  conf_dir);
	if (changed && !options->dry_run) {
		pt_dir_sync(conf_dir);
		pt_dir_poke(conf_dir);
	}
	return ret < 0 ? -1 : 0;
}

static void remove_backups(const char *conf_dir)
{
	DIR *stream = opendir(conf_dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		const char *end = strrchr(entry->d_name, '.');

		if (end && !strcmp(end, PT_BACKUP_SUFFIX))
			unlinkat(dirfd(stream), entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
}

/* A process of that program; file may be NULL, and the name then says which. 0: there is none. */
static int find_process(const struct stat *file, const char *name)
{
	DIR *stream = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (stream && !found && (entry = readdir(stream))) {
		char path[300], exe[PATH_MAX];
		struct stat st;
		ssize_t size;

		snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
		if (file) {
			if (!stat(path, &st) && st.st_dev == file->st_dev &&
			    st.st_ino == file->st_ino)
				found = atoi(entry->d_name);
			continue;
		}
		size = readlink(path, exe, sizeof(exe) - 1);
		exe[size > 0 ? size : 0] = '\0';
		/* behind the name there may be " (deleted)" */
		exe[strcspn(exe, " ")] = '\0';
		if (strrchr(exe, '/') && !strcmp(strrchr(exe, '/') + 1, name))
			found = atoi(entry->d_name);
	}
	if (stream)
		closedir(stream);
	return found;
}

/* What keeps podtag on the node would bring it back at once. Returns the lock that keeps a watch
 * from starting, or -1 with a complaint. */
static int refuse_keepers(const char *bin_dir)
{
	int lock = pt_dir_lock(bin_dir, LOCK_EX, 0);
	int agent = 0;

	if (lock == -EWOULDBLOCK)
		return pt_complain(0, "podtag-install watch runs on this node and would put "
				      "podtag in again: stop it first");
	if (lock < 0)
		return pt_complain(lock, "%s", bin_dir);
	/* the child that loads for it may outlive one that was just stopped */
	for (int ms = 0; ms < AGENT_MS && (agent = find_process(NULL, "podtag-agent")); ms += 100)
		sleep_ms(100);
	if (agent) {
		close(lock);
		return pt_complain(0,
				   "podtag-agent runs here, as process %d, and would load podtag "
				   "again: stop it first",
				   agent);
	}
	return lock;
}

/* From here on no call of podtag loads anything; those that are under way are waited for. */
static int replace_binary(const char *bin_dir)
{
	char path[PATH_MAX];
	struct stat st;
	int wrote;

	pt_path(path, bin_dir, "podtag");
	if (stat(path, &st))
		return errno == ENOENT ? 0 : pt_complain(-errno, "%s", path);
	wrote = pt_binary_put(bin_dir, PT_KIND_PASS);
	if (wrote > 0)
		pt_say("%s: passes results on and does nothing else, for pods that are there",
		       path);
	sleep_ms(CALL_MS);
	for (int ms = 0; wrote > 0 && ms < CALLS_MS && find_process(&st, NULL); ms += 50)
		sleep_ms(50);
	return wrote < 0 ? -1 : 0;
}

static int clean_node(const struct pt_options *options, const struct pt_node *node)
{
	int failed = clean_chain(options, node->conf_dir);

	if (options->dry_run) {
		pt_say("%s/podtag: would be replaced by one that passes results on, %zu bytes",
		       node->bin_dir, pt_binary_size(PT_KIND_PASS));
		return failed;
	}
	/* in a chain still, podtag has to go on as it is */
	if (failed)
		return -1;
	failed = replace_binary(node->bin_dir);
	if (pt_binary_unload())
		return -1;
	pt_say("kernel: nothing of podtag is left");
	remove_backups(node->conf_dir);
	pt_dir_clean(node->conf_dir);
	return failed;
}

int pt_uninstall(const struct pt_options *options)
{
	int failed = -1, keepers = -1, lock = -1;
	struct pt_node node;

	if (pt_node_find(options, &node))
		goto free;
	if (!*node.bin_dir) {
		pt_complain(0,
			    "podtag is in no folder of plugins that podtag-install knows: say with "
			    "--cni-bin-dir where it is");
		goto free;
	}
	if (!options->dry_run) {
		keepers = refuse_keepers(node.bin_dir);
		if (keepers < 0)
			goto free;
		lock = pt_dir_lock(node.conf_dir, LOCK_EX, LOCK_SECONDS);
		if (lock < 0 && lock != -ENOENT) {
			pt_complain(lock, "%s cannot be locked; is another podtag-install at work?",
				    node.conf_dir);
			goto free;
		}
	}
	failed = clean_node(options, &node);

free:
	if (lock >= 0)
		close(lock);
	if (keepers >= 0)
		close(keepers);
	pt_node_free(&node);
	return failed != 0;
}
