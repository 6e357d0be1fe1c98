// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag status */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/each.h"
#include "bpf/snapshot.h"
#include "cni/cli.h"

static const char *const hook_names[] = {
	[PT_HOOK_NONE] = "none",
	[PT_HOOK_CLSACT] = "clsact",
	[PT_HOOK_TCX] = "tcx",
};

#define HOOKS (sizeof(hook_names) / sizeof(*hook_names))

struct status {
	const struct pt_datapath *dp;
	bool is_current;
	size_t living;
	size_t deleted;
	size_t hooks[HOOKS];
	__u64 http_lost[PT_LOST_COUNT];
	struct pt_map_record maps[PT_RECORDS_MAX];
	int map_count;
};

static int count_hook(const void *key, const void *value, void *arg)
{
	const struct pt_attachment *attachment = value;
	struct status *status = arg;

	(void)key;
	if (attachment->hook < HOOKS)
		status->hooks[attachment->hook]++;
	return 0;
}

static int collect(struct status *status)
{
	struct pt_snapshot snapshot = {};
	int err;

	status->is_current = pt_datapath_is_current(status->dp);
	err = pt_snapshot_read(status->dp, &snapshot);
	if (err)
		return err;
	for (size_t i = 0; i < snapshot.count; i++) {
		if (snapshot.pods[i].pod.deleted_ns)
			status->deleted++;
		else
			status->living++;
	}
	memcpy(status->http_lost, snapshot.http_lost, sizeof(status->http_lost));
	pt_snapshot_free(&snapshot);

	err = pt_map_each(status->dp->maps[PT_MAP_ATTACHMENTS], sizeof(struct pt_attachment_key),
			  sizeof(struct pt_attachment), count_hook, status);
	if (err)
		return err;
	status->map_count = pt_maps_read(status->maps, PT_RECORDS_MAX);
	return status->map_count < 0 ? status->map_count : 0;
}

static json_t *operations_json(const struct pt_datapath *dp)
{
	json_t *root = json_object();

	for (int i = 0; i < PT_COMMAND_COUNT; i++) {
		const struct pt_cni_operations *ops = &dp->operations[i];

		json_object_set_new(root, ops->command,
				    json_pack("{s:I, s:I, s:I}", "success",
					      (json_int_t)ops->success, "degraded",
					      (json_int_t)ops->degraded, "error",
					      (json_int_t)ops->error));
	}
	return root;
}

static json_t *gave_up_json(const struct pt_datapath *dp)
{
	json_t *root = json_object();

	for (int i = 0; i < PT_REASON_COUNT; i++)
		json_object_set_new(root, dp->gave_up[i].reason,
				    json_integer((json_int_t)dp->gave_up[i].count));
	return root;
}

static json_t *http_lost_json(const struct status *status)
{
	json_t *root = json_object();

	for (int i = 0; i < PT_LOST_COUNT; i++)
		json_object_set_new(root, pt_http_lost_reasons[i],
				    json_integer((json_int_t)status->http_lost[i]));
	return root;
}

static json_t *maps_json(const struct status *status)
{
	json_t *root = json_array();

	for (int i = 0; i < status->map_count; i++) {
		const struct pt_map_record *map = &status->maps[i];

		json_array_append_new(root,
				      json_pack("{s:s, s:I, s:I, s:I}", "name", map->name,
						"entries", (json_int_t)map->entries, "max_entries",
						(json_int_t)map->max_entries, "memory_bytes",
						(json_int_t)map->memory_bytes));
	}
	return root;
}

static json_t *hooks_json(const struct status *status)
{
	json_t *root = json_object();

	for (size_t i = 0; i < HOOKS; i++)
		json_object_set_new(root, hook_names[i], json_integer(status->hooks[i]));
	return root;
}

static int print_json(const struct pt_cli *cli, const struct status *status)
{
	const struct pt_datapath_info *info = status->dp->info;
	json_t *root = json_pack(
		"{s:b, s:o, s:i, s:b, s:o, s:o, s:I, s:I}", "loaded", true, "version",
		pt_cli_text(info->version), "schema", PT_SCHEMA, "current", status->is_current,
		"socket_tag", pt_cli_text(info->socket_tag), "http", pt_cli_text(info->http),
		"pods", (json_int_t)status->living, "deleted_pods", (json_int_t)status->deleted);

	json_object_set_new(root, "hooks", hooks_json(status));
	json_object_set_new(root, "cni_operations", operations_json(status->dp));
	json_object_set_new(root, "gave_up", gave_up_json(status->dp));
	json_object_set_new(root, "http_lost", http_lost_json(status));
	json_object_set_new(root, "maps", maps_json(status));
	return pt_cli_print_json(cli, root);
}

static void print_counters(const struct pt_datapath *dp)
{
	bool any = false;

	printf("\n%-12s %10s %10s %10s\n", "operations", "success", "degraded", "error");
	for (int i = 0; i < PT_COMMAND_COUNT; i++) {
		const struct pt_cni_operations *ops = &dp->operations[i];

		if (i == PT_VERSION)
			continue; /* touches nothing, so it is never counted */
		printf("  %-10s %10llu %10llu %10llu\n", ops->command, ops->success, ops->degraded,
		       ops->error);
	}

	printf("\ngave up");
	for (int i = 0; i < PT_REASON_COUNT; i++) {
		if (dp->gave_up[i].count)
			printf("\n  %-22s %10llu", dp->gave_up[i].reason, dp->gave_up[i].count);
		any |= dp->gave_up[i].count;
	}
	printf(any ? "\n" : ": never\n");
}

static void print_http_lost(const struct status *status)
{
	bool any = false;

	printf("\nhttp lost");
	for (int i = 0; i < PT_LOST_COUNT; i++) {
		if (status->http_lost[i])
			printf("\n  %-22s %10llu", pt_http_lost_reasons[i], status->http_lost[i]);
		any |= status->http_lost[i];
	}
	printf(any ? "\n" : ": nothing\n");
}

static int print_text(const struct status *status)
{
	const struct pt_datapath_info *info = status->dp->info;

	printf("%-12s %s%s\n", "loaded", info->version,
	       status->is_current ? "" : ", not the programs of this podtag: see podtag load");
	printf("%-12s %s\n", "pins", PT_DIR);
	if (!pt_schema_is_alone())
		printf("%-12s %s\n", "",
		       "another podtag's, with other map layouts: see podtag load");
	printf("%-12s %s\n", "socket tag", info->socket_tag);
	printf("%-12s %s\n", "http", info->http);
	printf("%-12s %zu, and %zu deleted in the last minutes\n", "pods", status->living,
	       status->deleted);
	printf("%-12s", "hooks");
	for (size_t i = 0; i < HOOKS; i++)
		printf("%s%zu %s", i ? ", " : " ", status->hooks[i], hook_names[i]);
	printf("\n");
	print_counters(status->dp);
	print_http_lost(status);

	printf("\n%-18s %10s %10s %12s\n", "map", "entries", "maximum", "memory, B");
	for (int i = 0; i < status->map_count; i++)
		printf("  %-16s %10llu %10llu %12llu\n", status->maps[i].name,
		       status->maps[i].entries, status->maps[i].max_entries,
		       status->maps[i].memory_bytes);
	return 0;
}

int pt_cli_status(const struct pt_cli *cli)
{
	struct pt_datapath dp = {};
	struct status status = { .dp = &dp };
	int err, ret;

	err = pt_datapath_open(&dp);
	if (err == -ENOENT) {
		if (cli->json)
			pt_cli_print_json(cli, json_pack("{s:b}", "loaded", false));
		else
			printf("not loaded\n");
		return 1;
	}
	if (err)
		return pt_cli_fail(err, "the datapath cannot be opened");

	err = collect(&status);
	if (err)
		ret = pt_cli_fail(err, "the maps cannot be read");
	else
		ret = cli->json ? print_json(cli, &status) : print_text(&status);
	pt_datapath_close(&dp);
	return ret;
}
