// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which metrics there are: everything on the page, from plain structs. */
#include "agent/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>

#include "agent/families.h"

/* All of a pod's texts escaped, and the labels' names: no label of a pod is left out. */
_Static_assert(3 * sizeof(struct pt_pod) + 128 <= PT_LABELS_MAX, "room for a pod's labels");

/* Compares as the page will show them: names that differ only in bytes that become U+FFFD would
 * still be the same series. */
static int compare_text(const char *a, const char *b, size_t size)
{
	const char *a_end = a + strnlen(a, size), *b_end = b + strnlen(b, size);
	uint32_t x, y;

	while (a < a_end && b < b_end) {
		x = pt_utf8_next(&a, a_end);
		y = pt_utf8_next(&b, b_end);
		if (x != y)
			return x < y ? -1 : 1;
	}

	return (a < a_end) - (b < b_end);
}

static int compare_series(const struct pt_pod *a, const struct pt_pod *b)
{
	int order = compare_text(a->namespace, b->namespace, sizeof(a->namespace));

	return order ? order : compare_text(a->name, b->name, sizeof(a->name));
}

/* Of the same series the newest pod comes first. */
static int compare_pods(const void *left, const void *right)
{
	const struct pt_pod_record *a = *(const struct pt_pod_record *const *)left;
	const struct pt_pod_record *b = *(const struct pt_pod_record *const *)right;
	int order = compare_series(&a->pod, &b->pod);

	return order ? order : (a->id < b->id) - (a->id > b->id);
}

static int choose_pods(const struct pt_snapshot *snapshot, struct pt_shown *ret)
{
	const struct pt_pod_record **pods;
	size_t kept = 0;

	*ret = (struct pt_shown){};
	if (!snapshot || !snapshot->count)
		return 0;

	pods = malloc(snapshot->count * sizeof(*pods));
	if (!pods)
		return -ENOMEM;

	for (size_t i = 0; i < snapshot->count; i++)
		pods[i] = &snapshot->pods[i];
	qsort(pods, snapshot->count, sizeof(*pods), compare_pods);
	for (size_t i = 0; i < snapshot->count; i++)
		if (!kept || compare_series(&pods[kept - 1]->pod, &pods[i]->pod))
			pods[kept++] = pods[i];

	*ret = (struct pt_shown){ .pods = pods, .count = kept };
	return 0;
}

void pt_label_pod(struct pt_page *page, const struct pt_pod *pod)
{
	pt_page_drop_labels(page);
	LABEL(page, "namespace", pod->namespace);
	LABEL(page, "pod", pod->name);
	pt_page_keep_labels(page);
}

void pt_write_counter(struct pt_page *page, const struct pt_family *family,
		      const struct pt_shown *shown, size_t offset)
{
	pt_page_family(page, family);
	for (size_t i = 0; i < shown->count; i++) {
		pt_label_pod(page, &shown->pods[i]->pod);
		pt_page_count(page, *(const __u64 *)((const char *)shown->pods[i] + offset));
	}
}

static void write_retransmits(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"tcp_retransmits", PT_COUNTER, NULL,
		"TCP segments the pod's sockets sent again, by cause. The sum over kinds is what "
		"the pod's network namespace counts as RetransSegs."
	};
	static const struct {
		const char *kind;
		size_t offset;
	} kinds[] = {
		{ "syn", offsetof(struct pt_retransmits, syn) },
		{ "synack", offsetof(struct pt_retransmits, synack) },
		{ "rto", offsetof(struct pt_retransmits, rto) },
		{ "fast", offsetof(struct pt_retransmits, fast) },
		{ "tlp", offsetof(struct pt_retransmits, tlp) },
		{ "other", offsetof(struct pt_retransmits, other) },
	};
	const char *counters;

	pt_page_family(page, &family);
	for (size_t i = 0; i < shown->count; i++) {
		counters = (const char *)&shown->pods[i]->retransmits;
		pt_label_pod(page, &shown->pods[i]->pod);
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			WORD(page, "kind", kinds[k].kind);
			pt_page_count(page, *(const __u64 *)(counters + kinds[k].offset));
		}
	}
}

static void write_both(struct pt_page *page, const struct pt_pod *pod, __u64 receive,
		       __u64 transmit)
{
	pt_label_pod(page, pod);
	WORD(page, "direction", "receive");
	pt_page_count(page, receive);
	WORD(page, "direction", "transmit");
	pt_page_count(page, transmit);
}

static void write_traffic(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family bytes = {
		"pod_network_bytes", PT_COUNTER, "bytes",
		"Bytes through the pod's interfaces as the pod sees the direction, with the "
		"Ethernet header, as the interfaces' own counters count them."
	};
	static const struct pt_family packets = {
		"pod_network_packets", PT_COUNTER, NULL,
		"Packets through the pod's interfaces as the pod sees the direction, before "
		"segmentation and after receive offload, as the interfaces' own counters count "
		"them."
	};
	const struct pt_traffic *traffic;

	pt_page_family(page, &bytes);
	for (size_t i = 0; i < shown->count; i++) {
		traffic = &shown->pods[i]->traffic;
		write_both(page, &shown->pods[i]->pod, traffic->receive_bytes,
			   traffic->transmit_bytes);
	}

	pt_page_family(page, &packets);
	for (size_t i = 0; i < shown->count; i++) {
		traffic = &shown->pods[i]->traffic;
		write_both(page, &shown->pods[i]->pod, traffic->receive_packets,
			   traffic->transmit_packets);
	}
}

static void write_pods(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family info = { "podtag_pod_info", PT_GAUGE, NULL,
					       "Who the pod is, while it lives. Always 1." };
	static const struct pt_family attached = {
		"podtag_pod_attached", PT_GAUGE, NULL,
		"1 if the traffic of all of the pod's interfaces is counted, 0 if not, for the "
		"reason given. Retransmits are counted in any case."
	};
	const struct pt_pod_record *record;
	const struct pt_pod *pod;

	pt_page_family(page, &info);
	for (size_t i = 0; i < shown->count; i++) {
		pod = &shown->pods[i]->pod;
		if (pod->deleted_ns)
			continue;
		pt_label_pod(page, pod);
		LABEL(page, "uid", pod->uid);
		LABEL(page, "container_id", pod->container_id);
		if (pod->ipv4[0])
			LABEL(page, "ip", pod->ipv4);
		else
			LABEL(page, "ip", pod->ipv6);
		LABEL(page, "node_interface", pod->node_interface);
		pt_page_count(page, 1);
	}

	pt_page_family(page, &attached);
	for (size_t i = 0; i < shown->count; i++) {
		record = shown->pods[i];
		if (record->pod.deleted_ns)
			continue;
		pt_label_pod(page, &record->pod);
		LABEL(page, "reason", record->reason);
		pt_page_count(page, record->attached);
	}
}

static void write_gave_up(struct pt_page *page, const struct pt_gave_up *gave_up)
{
	static const struct pt_family family = {
		"podtag_gave_up", PT_COUNTER, NULL,
		"Times that a program in the kernel or the CNI plugin left something undone, by "
		"reason."
	};
	/* from the same list as the map's, so that an array not filled yet has its names too */
	static const char *const reasons[] = {
#define X(id, text) text,
		PT_REASONS(X)
#undef X
	};

	pt_page_family(page, &family);
	for (int i = 0; i < PT_REASON_COUNT; i++) {
		WORD(page, "reason", reasons[i]);
		pt_page_count(page, __atomic_load_n(&gave_up[i].count, __ATOMIC_RELAXED));
	}
}

static void write_operations(struct pt_page *page, const struct pt_cni_operations *operations)
{
	static const struct pt_family family = {
		"podtag_cni_operations", PT_COUNTER, NULL,
		"CNI operations of the plugin. Result degraded: the runtime was told of success, "
		"but something was left undone, which podtag_gave_up_total explains."
	};
	static const char *const commands[PT_COMMAND_COUNT] = {
		[PT_ADD] = "ADD",       [PT_DEL] = "DEL", [PT_CHECK] = "CHECK",
		[PT_STATUS] = "STATUS", [PT_GC] = "GC",   [PT_VERSION] = "VERSION",
	};

	pt_page_family(page, &family);
	for (int i = 0; i < PT_COMMAND_COUNT; i++) {
		WORD(page, "command", commands[i]);
		WORD(page, "result", "success");
		pt_page_count(page, __atomic_load_n(&operations[i].success, __ATOMIC_RELAXED));
		WORD(page, "command", commands[i]);
		WORD(page, "result", "degraded");
		pt_page_count(page, __atomic_load_n(&operations[i].degraded, __ATOMIC_RELAXED));
		WORD(page, "command", commands[i]);
		WORD(page, "result", "error");
		pt_page_count(page, __atomic_load_n(&operations[i].error, __ATOMIC_RELAXED));
	}
}

static void write_self(struct pt_page *page, const struct pt_metrics *metrics)
{
	static const struct pt_family build = { "podtag_build_info", PT_GAUGE, NULL,
						"Version of the agent, and of the map layouts it "
						"reads. Always 1." };
	static const struct pt_family loaded = { "podtag_datapath_loaded", PT_GAUGE, NULL,
						 "1 if podtag's programs are in the kernel." };
	static const struct pt_family datapath = {
		"podtag_datapath_info", PT_GAUGE, NULL,
		"Version of the loaded programs, whether this kernel lets them tag sockets, and "
		"whether HTTP can be measured. Always 1."
	};

	pt_page_family(page, &build);
	WORD(page, "version", PODTAG_VERSION);
	WORD(page, "schema", PT_STRINGIFY(PT_SCHEMA));
	pt_page_count(page, 1);

	pt_page_family(page, &loaded);
	pt_page_count(page, metrics->dp != NULL);

	if (!metrics->dp)
		return;
	pt_page_family(page, &datapath);
	LABEL(page, "version", metrics->dp->info->version);
	LABEL(page, "socket_tag", metrics->dp->info->socket_tag);
	LABEL(page, "http", metrics->dp->info->http);
	pt_page_count(page, 1);
}

static void write_adoption(struct pt_page *page, const struct pt_adopter_record *record)
{
	static const struct pt_family adopted = { "podtag_pods_adopted", PT_COUNTER, NULL,
						  "Interfaces of pods that ran without podtag, or "
						  "whose ADD could not do all of it, and "
						  "that this agent attached." };
	static const struct pt_family not_adopted = {
		"podtag_pods_not_adopted", PT_GAUGE, NULL,
		"Interfaces of pods that could not be attached when the agent last tried, by "
		"reason, "
		"and what of libcni's cache could not be read."
	};

	pt_page_family(page, &adopted);
	pt_page_count(page, record->adopted);
	pt_page_family(page, &not_adopted);
	for (int i = 0; i < PT_NOT_ADOPTED_COUNT; i++) {
		WORD(page, "reason", pt_not_adopted_names[i]);
		pt_page_count(page, record->not_adopted[i]);
	}
}

static void write_scrapes(struct pt_page *page, const struct pt_metrics *metrics)
{
	static const struct pt_family duration = { "podtag_scrape_duration_seconds", PT_GAUGE,
						   "seconds",
						   "Time the agent took for the previous page." };
	static const struct pt_family errors = {
		"podtag_scrape_errors", PT_COUNTER, NULL,
		"Pages that lack metrics because the kernel refused to show a map or a program."
	};

	if (metrics->scrape_ns) {
		pt_page_family(page, &duration);
		pt_page_seconds(page, metrics->scrape_ns);
	}
	pt_page_family(page, &errors);
	pt_page_count(page, metrics->failed_scrapes);
}

static void write_process(struct pt_page *page, const struct pt_process *process)
{
	static const struct pt_family cpu = { "process_cpu_seconds", PT_COUNTER, "seconds",
					      "Total user and system CPU time spent in seconds." };
	static const struct pt_family start = { "process_start_time_seconds", PT_GAUGE, "seconds",
						"Start time of the process since unix epoch in "
						"seconds." };
	/* name, HELP and value of the gauges that are plain numbers */
	const struct {
		struct pt_family family;
		uint64_t value;
	} gauges[] = {
		{ { "process_resident_memory_bytes", PT_GAUGE, "bytes",
		    "Resident memory size in bytes." },
		  process->resident_bytes },
		{ { "process_virtual_memory_bytes", PT_GAUGE, "bytes",
		    "Virtual memory size in bytes." },
		  process->virtual_bytes },
		{ { "process_open_fds", PT_GAUGE, NULL, "Number of open file descriptors." },
		  process->open_fds },
		{ { "process_max_fds", PT_GAUGE, NULL, "Maximum number of open file descriptors." },
		  process->max_fds },
	};

	pt_page_family(page, &cpu);
	pt_page_seconds(page, process->cpu_ns);
	pt_page_family(page, &start);
	pt_page_seconds(page, process->start_ns);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++) {
		pt_page_family(page, &gauges[i].family);
		pt_page_count(page, gauges[i].value);
	}
}

int pt_metrics_write(struct evbuffer *out, enum pt_format format, const struct pt_metrics *metrics)
{
	struct pt_page page = { .out = out, .format = format };
	struct pt_shown shown;
	int err;

	err = choose_pods(metrics->pods, &shown);
	if (err)
		return err;

	if (metrics->pods) {
		write_retransmits(&page, &shown);
		write_traffic(&page, &shown);
		write_pods(&page, &shown);
		pt_write_http(&page, &shown, metrics->pods->http_lost);
		pt_write_tls(&page, &shown);
	}
	if (metrics->dp) {
		write_gave_up(&page, metrics->dp->gave_up);
		write_operations(&page, metrics->dp->operations);
	}
	if (metrics->programs)
		pt_write_programs(&page, metrics->programs, metrics->program_count);
	if (metrics->maps)
		pt_write_maps(&page, metrics->maps, metrics->map_count);
	write_self(&page, metrics);
	if (metrics->adopted)
		write_adoption(&page, metrics->adopted);
	if (metrics->libraries)
		pt_write_probes(&page, metrics->libraries);
	write_scrapes(&page, metrics);
	write_process(&page, &metrics->process);
	pt_page_end(&page);

	free(shown.pods);
	return 0;
}
