// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag adopt */
#include <errno.h>
#include <stdio.h>

#include "cni/adopt.h"
#include "cni/cli.h"
#include "cni/text.h"

static void collect(const struct pt_adopt_failure *failure, void *arg)
{
	json_t *value = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "namespace",
				  pt_cli_text(failure->namespace), "pod", pt_cli_text(failure->pod),
				  "ifname", pt_cli_text(failure->ifname), "reason",
				  pt_not_adopted_names[failure->reason], "text",
				  pt_cli_text(failure->text), "file", pt_cli_text(failure->file));

	json_array_append_new(arg, value);
}

static const char *text_of(const json_t *failure, const char *key)
{
	return json_string_value(json_object_get(failure, key));
}

static void print_text(const struct pt_adoption *adoption, const json_t *failures)
{
	json_t *failure;
	size_t i;

	printf("%-16s %10u\n", "adopted", adoption->adopted);
	printf("%-16s %10u\n", "already attached", adoption->attached);
	printf("%-16s %10u\n", "dead", adoption->dead);
	printf("%-16s %10zu\n", "not adopted", json_array_size(failures));
	json_array_foreach (failures, i, failure) {
		const char *namespace = text_of(failure, "namespace");

		if (*text_of(failure, "pod"))
			printf("  %s%s%s %s: ", namespace, *namespace ? "/" : "",
			       text_of(failure, "pod"), text_of(failure, "ifname"));
		else
			printf("  %s: ", text_of(failure, "file"));
		printf("%s: %s\n", text_of(failure, "reason"), text_of(failure, "text"));
	}
}

int pt_cli_adopt(const struct pt_cli *cli)
{
	json_auto_t *failures = json_array();
	struct pt_adoption adoption;
	bool any;
	int err;

	err = pt_adopt(collect, failures, &adoption);
	any = json_array_size(failures);
	if (err == -ENOENT)
		return pt_cli_fail(0, "nothing is loaded: see podtag load");
	if (cli->json)
		pt_cli_print_json(cli,
				  json_pack("{s:I, s:I, s:I, s:O}", "adopted",
					    (json_int_t)adoption.adopted, "attached",
					    (json_int_t)adoption.attached, "dead",
					    (json_int_t)adoption.dead, "not_adopted", failures));
	else
		print_text(&adoption, failures);
	if (err)
		return pt_cli_fail(err, "adoption was cut short");
	return any;
}
