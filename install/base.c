// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The network configurations of a folder, and which of them the runtime uses. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/base.h"

static bool ends_in(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && !strcmp(text + size - end_size, end);
}

static int is_conf(const struct dirent *entry)
{
	return ends_in(entry->d_name, ".conflist") || ends_in(entry->d_name, ".conf") ||
	       ends_in(entry->d_name, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_one(struct pt_conf_file *file)
{
	file->is_list = ends_in(file->path, ".conflist");
	file->err = pt_file_read(file->path, PT_CONF_MAX, &file->file);
	if (file->err) {
		snprintf(file->why, sizeof(file->why), "%s",
			 file->err == -EFBIG ? "larger than 1 MiB" : strerror(-file->err));
		return;
	}
	file->valid = !pt_chain_read(file->file.text, file->file.size, file->is_list, &file->chain,
				     file->why, sizeof(file->why));
	file->made = file->valid && ends_in(file->path, PT_MADE_SUFFIX) &&
		     pt_conflist_is_from_conf(file->file.text, file->file.size);
}

int pt_conf_dir_read(const char *dir, struct pt_conf_dir *ret)
{
	struct dirent **names;
	int count = scandir(dir, &names, is_conf, by_name);
	struct pt_conf_dir found = {};

	if (count < 0)
		return -errno;
	found.files = calloc(count + 1, sizeof(*found.files));
	for (int i = 0; i < count; i++) {
		struct pt_conf_file *file = &found.files[found.count];

		if (found.files) {
			pt_path(file->path, dir, names[i]->d_name);
			read_one(file);
			if (file->err != -EISDIR) /* libcni does not take folders */
				found.count++;
			else
				*file = (struct pt_conf_file){};
		}
		free(names[i]);
	}
	free(names);
	if (!found.files)
		return -ENOMEM;
	*ret = found;
	return 0;
}

void pt_conf_dir_free(struct pt_conf_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++)
		pt_file_free(&dir->files[i].file);
	free(dir->files);
	*dir = (struct pt_conf_dir){};
}

/* Some nodes have one beside the network, CRI-O's packages among them. No pod gets an address from
 * it. */
static bool is_loopback(const struct pt_chain *chain)
{
	return chain->plugins == 1 && !strcmp(chain->first_type, "loopback");
}

const struct pt_conf_file *pt_conf_dir_base(const struct pt_conf_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++) {
		const struct pt_conf_file *file = &dir->files[i];

		if (file->valid && !file->made && !is_loopback(&file->chain))
			return file;
	}
	return NULL;
}

void pt_base_target(const struct pt_conf_file *base, char *ret_path)
{
	size_t stem = strrchr(base->path, '.') - base->path;

	if (base->is_list)
		snprintf(ret_path, PATH_MAX, "%s", base->path);
	else
		snprintf(ret_path, PATH_MAX, "%.*s" PT_MADE_SUFFIX, (int)stem, base->path);
}
