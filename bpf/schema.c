// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Retire datapaths of other layouts.
 *
 * A podtag with another PT_SCHEMA has its own folder of pins, and neither can read the other's
 * maps. So only one is kept: that of who loads on purpose, an agent or `podtag load`. A plugin
 * makes its own where it is missing and leaves the other's alone: on a node that is half upgraded
 * the agent finds it, takes the pod over from libcni's cache, and removes what the plugin has made.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/datapath.h"
#include "bpf/load.h"

/* "v" and a number, with what load.c appends for a moment; not this schema's. */
static bool is_other(const char *name)
{
	char *end;

	if (name[0] != 'v' || name[1] < '0' || name[1] > '9')
		return false;
	if (strtoul(name + 1, &end, 10) == PT_SCHEMA)
		return false;
	return !*end || !strcmp(end, "-new") || !strcmp(end, "-old");
}

static int remove_others(DIR *stream)
{
	struct dirent *entry;
	int err = 0, count = 0;
	char path[300];

	while ((entry = readdir(stream))) {
		if (!is_other(entry->d_name))
			continue;
		snprintf(path, sizeof(path), PT_ROOT "/%s", entry->d_name);
		err = pt_pins_remove(path);
		if (err)
			return err;
		count++;
	}
	return count;
}

bool pt_schema_is_alone(void)
{
	DIR *stream = opendir(PT_ROOT);
	struct dirent *entry;
	bool alone = true;

	while (stream && alone && (entry = readdir(stream)))
		alone = !is_other(entry->d_name);
	if (stream)
		closedir(stream);
	return alone;
}

int pt_schema_retire(void)
{
	struct pt_datapath dp;
	DIR *stream = opendir(PT_ROOT);
	int count;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	count = remove_others(stream);
	closedir(stream);
	if (count > 0 && !pt_datapath_open(&dp)) {
		dp.info->loaded_ns = pt_now_ns(); /* the pods of the others are to be adopted */
		pt_datapath_close(&dp);
	}
	return count;
}
