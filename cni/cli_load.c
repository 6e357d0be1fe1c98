// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag load, podtag load http, podtag unload */
#include <stdio.h>
#include <unistd.h>

#include "bpf/datapath.h"
#include "cni/cli.h"

#define LOCK_MS 10000

static const char *const results[] = {
	[PT_LOAD_NOTHING] = "nothing to do",
	[PT_LOAD_CREATED] = "created",
	[PT_LOAD_UPGRADED] = "upgraded",
};

static int fail_load(int err, const char *text)
{
	pt_cli_fail(err, "the datapath cannot be loaded");
	if (*text)
		fprintf(stderr, "%s\n", text);
	return 1;
}

int pt_cli_load(const struct pt_cli *cli)
{
	int lock, result, http, retired = 0;
	char text[4096];

	lock = pt_datapath_lock(LOCK_MS);
	if (lock < 0)
		return pt_cli_fail(lock, "the datapath's lock");
	result = pt_datapath_load(text, sizeof(text));
	if (result >= 0)
		retired = pt_schema_retire();
	close(lock);
	if (result < 0)
		return fail_load(result, text);
	if (retired < 0)
		pt_cli_fail(retired, "datapaths of other layouts cannot be removed");

	http = pt_http_load(text, sizeof(text));
	if (http < 0)
		fprintf(stderr, "podtag: no HTTP metrics on this node: %s\n", text);
	else if (!result)
		result = http;

	if (cli->json)
		return pt_cli_print_json(cli, json_pack("{s:s, s:i}", "result", results[result],
							"retired", retired < 0 ? 0 : retired));
	printf("%s: %s\n", PT_DIR, results[result]);
	if (retired > 0)
		printf("another podtag's, with other map layouts, is removed; podtag adopt takes "
		       "its "
		       "pods over\n");
	return retired < 0;
}

int pt_cli_load_http(const struct pt_cli *cli)
{
	char text[4096];
	int result = pt_http_load(text, sizeof(text));

	if (result < 0)
		return fail_load(result, text);
	if (cli->json)
		return pt_cli_print_json(cli, json_pack("{s:s}", "result", results[result]));
	printf("%s: %s\n", PT_DIR, results[result]);
	return 0;
}

int pt_cli_unload(const struct pt_cli *cli)
{
	struct pt_datapath dp = {};
	bool loaded;
	int lock, err;

	lock = pt_datapath_lock(LOCK_MS);
	if (lock < 0)
		return pt_cli_fail(lock, "the datapath's lock");
	loaded = !pt_datapath_open(&dp);
	pt_datapath_close(&dp);
	err = pt_datapath_unload();
	close(lock);
	if (err)
		return pt_cli_fail(err, "the datapath cannot be unloaded");

	if (cli->json)
		return pt_cli_print_json(
			cli, json_pack("{s:s}", "result", loaded ? "unloaded" : "nothing to do"));
	printf("%s: %s\n", PT_DIR, loaded ? "unloaded" : "nothing to do");
	return 0;
}
