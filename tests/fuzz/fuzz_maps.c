// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Whatever the maps hold, the agent's page must be one that Prometheus takes, `podtag dump pods` a
 * table or JSON, `podtag top` a screen, and a sweep must come to its end.
 *
 * An input is a byte of choices, then entries: a byte that picks the map, a key and a value, each
 * of the map's own size and shortened to what most of an input would otherwise be, see
 * take_entry().
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <jansson.h>

#include "agent/metrics.h"
#include "bpf/pods.h"
#include "cni/cli.h"
#include "tests/fuzz/kernel.h"
#include "top/view.h"

/* One sample of a page without its value, to find it again. */
struct series {
	const char *text;
	size_t size;
};

static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);

	return order ? order : (x->size > y->size) - (x->size < y->size);
}

static const char *skip_name(const char *at)
{
	must(isalpha((unsigned char)*at) || *at == '_');
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	return at;
}

/* name="value", with nothing in the value that would end it. */
static const char *skip_label(const char *at)
{
	at = skip_name(at);
	must(at[0] == '=' && at[1] == '"');
	for (at += 2; *at != '"'; at++) {
		must(*at && *at != '\n');
		if (*at != '\\')
			continue;
		at++;
		must(*at == '\\' || *at == '"' || *at == 'n');
	}
	return at + 1;
}

static const char *skip_series(const char *at)
{
	at = skip_name(at);
	if (*at != '{')
		return at;
	do
		at = skip_label(at + 1);
	while (*at == ',');
	must(*at == '}');
	return at + 1;
}

/* Digits, and after a point more digits. */
static const char *skip_value(const char *at)
{
	must(isdigit((unsigned char)*at));
	while (isdigit((unsigned char)*at))
		at++;
	if (*at != '.')
		return at;
	must(isdigit((unsigned char)at[1]));
	for (at++; isdigit((unsigned char)*at); at++)
		;
	return at;
}

/* `# HELP name text`, `# TYPE name type` and, in OpenMetrics, `# UNIT name unit`. */
static const char *skip_comment(const char *at, enum pt_format format)
{
	static const char *const words[] = { "# HELP ", "# TYPE ", "# UNIT " };
	size_t known = 0;

	for (size_t i = 0; i < (format == PT_OPENMETRICS ? 3 : 2); i++)
		if (!strncmp(at, words[i], 7))
			known = 7;
	must(known);
	at = skip_name(at + known);
	must(*at == ' ');
	return at + strcspn(at, "\n");
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void check_page(const char *text, size_t size, enum pt_format format)
{
	struct series *all = calloc(count_lines(text) + 1, sizeof(*all));
	size_t count = 0;

	must(strlen(text) == size && fuzz_is_utf8(text, size));
	for (; *text && strcmp(text, "# EOF\n"); text++) {
		if (*text == '#') {
			text = skip_comment(text, format);
		} else {
			const char *end = skip_series(text);

			must(*end == ' ');
			all[count++] = (struct series){ text, end - text };
			text = skip_value(end + 1);
		}
		must(*text == '\n');
	}
	must(!strcmp(text, format == PT_OPENMETRICS ? "# EOF\n" : ""));

	qsort(all, count, sizeof(*all), compare_series);
	for (size_t i = 1; i < count; i++)
		must(compare_series(&all[i - 1], &all[i])); /* else the whole page is refused */
	free(all);
}

static void write_page(const struct pt_metrics *metrics, enum pt_format format)
{
	struct evbuffer *out = evbuffer_new();
	size_t size;
	char *text;

	must(out && !pt_metrics_write(out, format, metrics));
	size = evbuffer_get_length(out);
	text = malloc(size + 1);
	must(text && evbuffer_remove(out, text, size) == (int)size);
	text[size] = '\0';
	check_page(text, size, format);
	free(text);
	evbuffer_free(out);
}

static void show_page(const struct pt_datapath *dp, enum pt_format format, struct fuzz *in)
{
	struct pt_snapshot snapshot = {};
	struct pt_program_record program;
	struct pt_map_record map;
	struct pt_metrics metrics = { .dp = dp,
				      .pods = &snapshot,
				      .programs = &program,
				      .program_count = 1,
				      .maps = &map,
				      .map_count = 1 };

	fuzz_take(in, &program, sizeof(program));
	fuzz_take(in, &map, sizeof(map));
	fuzz_take(in, &metrics.process, sizeof(metrics.process));
	fuzz_take(in, &metrics.scrape_ns, sizeof(metrics.scrape_ns));
	map.name[sizeof(map.name) - 1] = '\0'; /* both names are file names, cut by snprintf() */
	program.name[sizeof(program.name) - 1] = '\0';
	if (!pt_snapshot_read(dp, &snapshot))
		write_page(&metrics, format);
	pt_snapshot_free(&snapshot);
}

static void check_pods(const char *text, size_t size)
{
	static const struct {
		const char *key;
		size_t size;
	} texts[] = {
		{ "namespace", sizeof(((struct pt_pod *)0)->namespace) },
		{ "pod", sizeof(((struct pt_pod *)0)->name) },
		{ "uid", sizeof(((struct pt_pod *)0)->uid) },
		{ "container_id", sizeof(((struct pt_pod *)0)->container_id) },
		{ "ifname", sizeof(((struct pt_pod *)0)->ifname) },
		{ "node_interface", sizeof(((struct pt_pod *)0)->node_interface) },
		{ "ipv4", sizeof(((struct pt_pod *)0)->ipv4) },
		{ "ipv6", sizeof(((struct pt_pod *)0)->ipv6) },
		{ "reason", sizeof(((struct pt_attachment *)0)->reason) },
	};
	json_t *pods = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *pod, *value;
	size_t i;

	must(json_is_array(pods));
	json_array_foreach (pods, i, pod) {
		must(json_is_integer(json_object_get(pod, "id")));
		for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
			value = json_object_get(pod, texts[k].key);
			must(json_is_string(value) && json_string_length(value) <= texts[k].size);
		}
	}
	json_decref(pods);
}

/* A heading and one line for each pod, with nothing in it that a terminal would obey. */
static void check_table(const char *text)
{
	must(count_lines(text) >= 1 && count_lines(text) <= 1 + kernel_count("pods"));
	while (*text) {
		size_t length = strcspn(text, "\n");

		must(text[length] && fuzz_is_clean(text, length));
		text += length + 1;
	}
}

static void dump_pods(bool json)
{
	const struct pt_cli cli = { .json = json };
	const char *text;
	size_t size;
	int status;

	fuzz_written(STDOUT_FILENO, &size);
	status = pt_cli_dump_pods(&cli);
	fflush(stdout);
	text = fuzz_written(STDOUT_FILENO, &size);
	must(status || strlen(text) == size);
	if (!status && json)
		check_pods(text, size);
	else if (!status)
		check_table(text);
}

/* Both pages of top: printable ASCII, and escape sequences of its own. */
static void draw_top(struct fuzz *in)
{
	struct pt_top_view view = { .sort = fuzz_byte(in) % pt_top_column_count };
	const struct pt_top_sample never = { .taken_ns = fuzz_byte(in) };
	struct pt_screen screen = {};
	struct pt_top_sample sample;
	struct pt_top_rows rows;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (pt_top_sample_read(&sample))
		return;
	must(!pt_top_rows_make(&never, &sample, 0, &rows));
	pt_top_arrange(&view, &rows);
	for (int page = PT_TOP_PODS; page <= PT_TOP_DETAIL; page++) {
		view.page = page;
		must(!pt_screen_begin(&screen, 50, 100));
		pt_top_draw(&view, &rows, &screen);
		out = open_memstream(&text, &size);
		pt_screen_flush(&screen, out);
		must(!fclose(out));
		for (size_t i = 0; i < size; i++)
			must((text[i] >= ' ' && text[i] <= '~') ||
			     (text[i] == '\033' && text[i + 1] == '['));
		free(text);
	}
	pt_screen_free(&screen);
	free(rows.rows);
	pt_top_sample_free(&sample);
}

/* Fills the part that an offset and a length pick: an input of whole values would be long, and its
 * bytes mostly nothing. */
static void take_part(struct fuzz *in, void *to, size_t size)
{
	__u16 at;
	__u8 length;

	fuzz_take(in, &at, sizeof(at));
	length = fuzz_byte(in);
	at %= size;
	fuzz_take(in, (char *)to + at, length < size - at ? length : size - at);
}

static void take_entry(struct fuzz *in, struct pt_datapath *dp)
{
	static const struct {
		enum pt_map map;
		size_t key_size, value_size;
	} maps[] = {
		{ PT_MAP_PODS, 8, sizeof(struct pt_pod) },
		{ PT_MAP_POD_TRAFFIC, 4, KERNEL_CPUS * sizeof(struct pt_traffic) },
		{ PT_MAP_TCP_RETRANSMITS, 8, sizeof(struct pt_retransmits) },
		{ PT_MAP_ATTACHMENTS, sizeof(struct pt_attachment_key),
		  sizeof(struct pt_attachment) },
		{ PT_MAP_POD_BY_NETNS, 4, sizeof(struct pt_pod_ref) },
		{ PT_MAP_POD_BY_IP, sizeof(struct pt_ip), sizeof(struct pt_ip_owner) },
		{ PT_MAP_HTTP_LATENCY, sizeof(struct pt_http_key), sizeof(struct pt_http_latency) },
		{ PT_MAP_HTTP_PODS, 8, sizeof(struct pt_http_pod) },
		{ PT_MAP_HTTP_LOST, 4, sizeof(struct pt_gave_up) },
		{ PT_MAP_TLS_WANTED, 8, sizeof(enum pt_tls_mode) },
		{ PT_MAP_TLS_CONNECTIONS, 8, sizeof(struct pt_tls_connections) },
	};
	__u8 choice = fuzz_byte(in), parts = choice >> 4;
	char key[256] = {}, value[1024] = {};
	size_t i = choice % 16 % (sizeof(maps) / sizeof(*maps));

	key[0] = fuzz_byte(in) % 8; /* so that entries meet */
	if (maps[i].map == PT_MAP_HTTP_LATENCY)
		fuzz_take(in, key + sizeof(__u64), sizeof(struct pt_http_key) - sizeof(__u64));
	for (__u8 k = 0; k < parts; k++)
		take_part(in, value, maps[i].value_size);
	bpf_map_update_elem(dp->maps[maps[i].map], key, value, BPF_ANY);
}

static void take_shared(struct fuzz *in, struct pt_datapath *dp)
{
	take_part(in, dp->info, sizeof(*dp->info));
	take_part(in, dp->gave_up, PT_REASONS_MAX * sizeof(*dp->gave_up));
	take_part(in, dp->operations, PT_COMMAND_COUNT * sizeof(*dp->operations));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	struct pt_datapath dp = {};
	__u8 choices, call;
	int free_fd;

	kernel_reset(true);
	free_fd = fuzz_free_fd();
	must(!pt_datapath_open(&dp));
	choices = fuzz_byte(&in);
	call = fuzz_byte(&in);
	take_shared(&in, &dp);
	for (int i = choices % 16; i; i--)
		take_entry(&in, &dp);

	kernel_fail(call, 12);
	show_page(&dp, choices & 16 ? PT_OPENMETRICS : PT_TEXT, &in);
	dump_pods(choices & 32);
	if (choices & 64)
		draw_top(&in);
	pt_pods_sweep(&dp);
	pt_datapath_close(&dp);
	must(fuzz_free_fd() == free_fd);
	return 0;
}
