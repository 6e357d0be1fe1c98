// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The metrics of pods' TLS connections: how many there are, what is not seen of them; and of the
 * probes on the libraries. */
#include "agent/families.h"
#include "agent/libraries.h"
#include "agent/tls_files.h"

static void write_targets(struct pt_page *page, const struct pt_targets *targets)
{
	static const struct pt_family family = {
		"podtag_tls_targets", PT_GAUGE, NULL,
		"Files with a TLS library in them that processes in pods have mapped, by the "
		"file's name and the newest version of the symbols it defines, or crypto/tls and "
		"the version of Go; and by whether they are probed."
	};

	pt_page_family(page, &family);
	for (size_t i = 0; i < PT_TARGETS_MAX; i++) {
		const struct pt_target *target = &targets->all[i];
		unsigned int count = pt_target_count(targets, target);

		if (!count)
			continue;
		LABEL(page, "library", target->library);
		LABEL(page, "version", target->version);
		WORD(page, "state", pt_target_states[target->state]);
		pt_page_count(page, count);
	}
}

static void write_cost(struct pt_page *page, const struct pt_libraries_record *record)
{
	static const struct pt_family cost = {
		"podtag_tls_probe_seconds", PT_GAUGE, "seconds",
		"What the two probes of a TLS library's function added to a call of a function "
		"that "
		"does nothing, when the agent started. A request takes two calls or three."
	};

	pt_page_family(page, &cost);
	pt_page_seconds(page, record->probe_ns);
}

static void write_counts(struct pt_page *page, const struct pt_tls_file *files)
{
	static const struct pt_family calls = {
		"podtag_tls_calls", PT_COUNTER, NULL,
		"Calls of functions that send or receive, in files that are or were probed, by all "
		"processes that have the file mapped."
	};
	static const struct pt_family over_budget = {
		"podtag_tls_over_budget", PT_COUNTER, NULL,
		"Times that the probes were taken off a file because they cost more than the "
		"budget."
	};
	static const struct {
		const struct pt_family *family;
		size_t offset;
	} families[] = {
		{ &calls, offsetof(struct pt_tls_counts, calls) },
		{ &over_budget, offsetof(struct pt_tls_counts, over_budget) },
	};

	for (size_t k = 0; k < sizeof(families) / sizeof(*families); k++) {
		pt_page_family(page, families[k].family);
		for (uint32_t slot = 1; slot < PT_TLS_FILES; slot++) {
			struct pt_tls_counts counts;

			if (!pt_tls_files_sum(files, slot, &counts))
				continue;
			LABEL(page, "library", files[slot].library);
			LABEL(page, "version", files[slot].version);
			pt_page_count(page, *(const uint64_t *)((const char *)&counts +
								families[k].offset));
		}
	}
}

void pt_write_probes(struct pt_page *page, const struct pt_libraries_record *record)
{
	write_targets(page, record->targets);
	if (record->probe_ns)
		write_cost(page, record);
	if (record->files)
		write_counts(page, record->files);
}

static void write_total(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"tls_connections", PT_COUNTER, NULL,
		"TLS connections of the pod's sockets, each counted once it is clear whether a "
		"probe of a TLS library covers it: when its process has called one that is probed, "
		"else after 10 s or at its end. Those are left out that began before podtag, or in "
		"another protocol."
	};

	pt_write_counter(page, &family, shown, offsetof(struct pt_pod_record, tls.total));
}

static void write_unseen(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"tls_connections_unseen", PT_COUNTER, NULL,
		"Those of tls_connections_total that no probe covers, so that HTTP in them is not "
		"measured. Reason off: nobody asked for probes; no_probe: the process that reads "
		"the connection calls no probed library; unavailable: probes were asked for and "
		"cannot be had on this node."
	};

	pt_page_family(page, &family);
	for (size_t i = 0; i < shown->count; i++) {
		pt_label_pod(page, &shown->pods[i]->pod);
		for (int reason = 0; reason < PT_UNSEEN_COUNT; reason++) {
			WORD(page, "reason", pt_unseen_reasons[reason]);
			pt_page_count(page, shown->pods[i]->tls.unseen[reason]);
		}
	}
}

static void write_other(struct pt_page *page, const struct pt_shown *shown)
{
	static const struct pt_family family = {
		"tls_sessions_other", PT_COUNTER, NULL,
		"Sessions of probed TLS libraries that have ended and whose text was no HTTP/1 "
		"but, "
		"for example, HTTP/2, so that nothing in them is measured."
	};

	pt_write_counter(page, &family, shown, offsetof(struct pt_pod_record, tls.other));
}

void pt_write_tls(struct pt_page *page, const struct pt_shown *shown)
{
	write_total(page, shown);
	write_unseen(page, shown);
	write_other(page, shown);
}
