// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag top: its options, and what it prints for scripts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cni/cli.h"
#include "top/columns.h"
#include "top/terminal.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 3600.0

static const char usage[] = "Usage: podtag top [OPTIONS]\n"
			    "\n"
			    "Shows each pod of this node: what it did in the last interval, read "
			    "from the kernel's maps.\n"
			    "\n"
			    "Options:\n"
			    "  -d, --delay SECONDS  how long an interval is, 0.1 to 3600 (2)\n"
			    "  -s, --sort COLUMN    the column to sort by (requests)\n"
			    "  -f, --filter TEXT    only pods with this in NAMESPACE/NAME\n"
			    "  -o, --once           measure one interval, print a table, and end\n"
			    "  -j, --json           with --once: JSON on one line\n"
			    "  -p, --pretty         with --once: JSON, indented\n"
			    "\n"
			    "Columns:\n";

static int help(void)
{
	fputs(usage, stdout);
	printf("  %-12s %-7s %s\n", "pod", "POD", "namespace and name");
	for (int i = 0; i < pt_top_column_count; i++)
		printf("  %-12s %-7s %s\n", pt_top_columns[i].name, pt_top_columns[i].heading,
		       pt_top_columns[i].meaning);
	printf("\nTimes are from the kernel's histograms, taken to be evenly spread inside a\n"
	       "bucket, as Prometheus' histogram_quantile() does. Keys: press h.\n");
	return 0;
}

static int take_delay(struct pt_top_options *top, const char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end || !(seconds >= DELAY_MIN && seconds <= DELAY_MAX)) {
		fprintf(stderr, "podtag: --delay: '%s' is not a number of seconds from %g to %g\n",
			value, DELAY_MIN, DELAY_MAX);
		return 1;
	}
	top->delay_ms = (int)(seconds * 1000 + 0.5);
	return 0;
}

static int take_sort(struct pt_top_options *top, const char *value)
{
	top->sort = value;
	if (pt_top_column_find(value) >= PT_TOP_BY_NAME)
		return 0;
	fprintf(stderr, "podtag: --sort: there is no column '%s'; there are pod", value);
	for (int i = 0; i < pt_top_column_count; i++)
		fprintf(stderr, ", %s", pt_top_columns[i].name);
	fprintf(stderr, "\n");
	return 1;
}

static int take_filter(struct pt_top_options *top, const char *value)
{
	top->filter = value;
	if (strlen(value) < PT_TOP_FILTER_MAX)
		return 0;
	fprintf(stderr, "podtag: --filter: '%s' is longer than %d\n", value, PT_TOP_FILTER_MAX - 1);
	return 1;
}

int pt_cli_top_option(struct pt_top_options *top, int option, const char *value)
{
	top->is_given = true;
	switch (option) {
	case 'd':
		return take_delay(top, value);
	case 's':
		return take_sort(top, value);
	case 'f':
		return take_filter(top, value);
	default:
		top->once = true;
		return 0;
	}
}

static int fail(int err)
{
	switch (err) {
	case -ENOENT:
		return pt_cli_fail(0, "not loaded: podtag-agent loads it, and so does podtag load");
	case -EPERM:
	case -EACCES:
		return pt_cli_fail(err, "top reads the kernel's maps, which takes root");
	default:
		return pt_cli_fail(err, "the maps cannot be read");
	}
}

static json_t *counts_json(const struct pt_top_counts *counts)
{
	const struct pt_retransmits *again = &counts->retransmits;
	json_t *root = json_object(), *kinds = json_object();
	const struct {
		json_t *in;
		const char *key;
		__u64 count;
	} numbers[] = {
		{ root, "requests", pt_top_requests(counts, PT_SERVER) },
		{ root, "errors", pt_top_errors(counts, PT_SERVER) },
		{ root, "queued", pt_histogram_count(&counts->queue) },
		{ root, "calls", pt_top_requests(counts, PT_CLIENT) },
		{ root, "call_errors", pt_top_errors(counts, PT_CLIENT) },
		{ root, "receive_bytes", counts->receive_bytes },
		{ root, "receive_packets", counts->receive_packets },
		{ root, "transmit_bytes", counts->transmit_bytes },
		{ root, "transmit_packets", counts->transmit_packets },
		{ kinds, "syn", again->syn },
		{ kinds, "synack", again->synack },
		{ kinds, "rto", again->rto },
		{ kinds, "fast", again->fast },
		{ kinds, "tlp", again->tlp },
		{ kinds, "other", again->other },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_set_new(numbers[i].in, numbers[i].key,
				    json_integer((json_int_t)numbers[i].count));
	json_object_set_new(root, "retransmits", kinds);
	return root;
}

static json_t *row_json(const struct pt_top_row *row)
{
	static const char *const states[] = {
		[PT_TOP_RUNNING] = "running",
		[PT_TOP_NEW] = "new",
		[PT_TOP_ENDED] = "ended",
	};
	const struct pt_pod *pod = &row->record->pod;
	json_t *root =
		json_pack("{s:I, s:o, s:o, s:o, s:s, s:b, s:o}", "id", (json_int_t)row->record->id,
			  "namespace", pt_cli_text(pod->namespace), "pod", pt_cli_text(pod->name),
			  "uid", pt_cli_text(pod->uid), "state", states[row->state], "attached",
			  row->record->attached, "reason", pt_cli_text(row->record->reason));

	for (int i = 0; i < pt_top_column_count; i++) {
		double value = pt_top_columns[i].value(row);

		json_object_set_new(root, pt_top_columns[i].field,
				    isnan(value) ? json_null() : json_real(value));
	}
	json_object_set_new(root, "interval", counts_json(&row->grown));
	json_object_set_new(root, "total", counts_json(&row->total));
	return root;
}

static int print_json(const struct pt_cli *cli, const struct pt_top_rows *rows)
{
	json_t *pods = json_array(), *lost = json_object();

	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(pods, row_json(&rows->rows[i]));
	for (int i = 0; i < PT_LOST_COUNT; i++)
		json_object_set_new(lost, pt_http_lost_reasons[i],
				    json_integer((json_int_t)rows->lost[i]));
	return pt_cli_print_json(cli,
				 json_pack("{s:f, s:o, s:o}", "interval_seconds",
					   rows->node.seconds, "http_lost", lost, "pods", pods));
}

static int print_table(const struct pt_top_rows *rows)
{
	char name[PT_TOP_NAME_MAX], text[PT_TOP_CELL_MAX];
	int width = strlen("POD");

	for (size_t i = 0; i < rows->count; i++) {
		pt_top_name(&rows->rows[i].record->pod, name);
		if (width < (int)strlen(name))
			width = strlen(name);
	}
	printf("%-*s", width, "POD");
	for (int i = 0; i < pt_top_column_count; i++)
		printf("  %*s", pt_top_columns[i].width, pt_top_columns[i].heading);
	printf("\n");
	for (size_t i = 0; i < rows->count; i++) {
		pt_top_name(&rows->rows[i].record->pod, name);
		printf("%-*s", width, name);
		for (int k = 0; k < pt_top_column_count; k++) {
			pt_top_columns[k].write(pt_top_columns[k].value(&rows->rows[i]), text);
			printf("  %*s", pt_top_columns[k].width, text);
		}
		printf("\n");
	}
	return 0;
}

static int once(const struct pt_cli *cli, const struct pt_top_sample *older)
{
	const int ms = cli->top.delay_ms ? cli->top.delay_ms : PT_TOP_DELAY_MS;
	const struct timespec delay = { ms / 1000, ms % 1000 * 1000000l };
	struct pt_top_sample newer;
	struct pt_top_rows rows;
	int err, ret;

	nanosleep(&delay, NULL);
	err = pt_top_sample_read(&newer);
	if (!err)
		err = pt_top_rows_make(older, &newer, 0, &rows);
	if (err) {
		pt_top_sample_free(&newer);
		return fail(err);
	}
	if (cli->top.filter)
		pt_top_rows_filter(&rows, cli->top.filter);
	pt_top_rows_sort(&rows, cli->top.sort ? pt_top_column_find(cli->top.sort) : 0, false);
	ret = cli->json ? print_json(cli, &rows) : print_table(&rows);
	free(rows.rows);
	pt_top_sample_free(&newer);
	return ret;
}

int pt_cli_top(const struct pt_cli *cli)
{
	const char *lacks = cli->top.once ? NULL : pt_terminal_lacks();
	struct pt_top_sample sample;
	int err, ret = 0;

	if (cli->help)
		return help();
	if (cli->json && !cli->top.once)
		return pt_cli_fail(0, "--json is of one interval: podtag top --once --json");
	if (lacks) {
		fprintf(stderr, "podtag: %s; podtag top --once needs none\n", lacks);
		return 1;
	}
	err = pt_top_sample_read(&sample);
	if (err)
		return fail(err);
	if (cli->top.once)
		ret = once(cli, &sample);
	pt_top_sample_free(&sample);
	if (!cli->top.once)
		err = pt_top_live(&cli->top);
	return err ? pt_cli_fail(err, "the terminal") : ret;
}
