// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What podtag's programs and maps take of the node. */
#include <stddef.h>

#include "agent/families.h"

/* One of the record's counters, by its offset. */
static void write_program_family(struct pt_page *page, const struct pt_family *family,
				 const struct pt_program_record *programs, size_t count,
				 size_t offset)
{
	pt_page_family(page, family);
	for (size_t i = 0; i < count; i++) {
		LABEL(page, "program", programs[i].name);
		pt_page_count(page, *(const __u64 *)((const char *)&programs[i] + offset));
	}
}

void pt_write_programs(struct pt_page *page, const struct pt_program_record *programs, size_t count)
{
	static const struct pt_family seconds = {
		"podtag_program_run_seconds", PT_COUNTER, "seconds",
		"Time the kernel spent in the program. Stays 0 unless the sysctl "
		"kernel.bpf_stats_enabled is 1."
	};
	static const struct pt_family runs = {
		"podtag_program_runs", PT_COUNTER, NULL,
		"Runs of the program. Stays 0 unless the sysctl kernel.bpf_stats_enabled is 1."
	};
	static const struct pt_family misses = {
		"podtag_program_misses", PT_COUNTER, NULL,
		"Events at which the kernel did not run the program, because that CPU was in it "
		"already. Retransmits missed so are counted later, as kind other; what "
		"podtag_on_state misses, podtag_on_again does."
	};
	static const struct pt_family memory = { "podtag_program_memory_bytes", PT_GAUGE, "bytes",
						 "Kernel memory of the program." };

	pt_page_family(page, &seconds);
	for (size_t i = 0; i < count; i++) {
		LABEL(page, "program", programs[i].name);
		pt_page_seconds(page, programs[i].run_ns);
	}
	write_program_family(page, &runs, programs, count,
			     offsetof(struct pt_program_record, run_count));
	write_program_family(page, &misses, programs, count,
			     offsetof(struct pt_program_record, miss_count));
	write_program_family(page, &memory, programs, count,
			     offsetof(struct pt_program_record, memory_bytes));
}

void pt_write_maps(struct pt_page *page, const struct pt_map_record *maps, size_t count)
{
	static const struct pt_family entries = {
		"podtag_map_entries", PT_GAUGE, NULL,
		"Elements in the map. Socket storage can't be counted and is left out."
	};
	static const struct pt_family max_entries = { "podtag_map_max_entries", PT_GAUGE, NULL,
						      "Elements the map has room for." };
	static const struct pt_family memory = { "podtag_map_memory_bytes", PT_GAUGE, "bytes",
						 "Kernel memory of the map, as its fdinfo says." };

	/* socket storage has no capacity of its own: max_entries is 0 for it alone */
	pt_page_family(page, &entries);
	for (size_t i = 0; i < count; i++) {
		if (!maps[i].max_entries)
			continue;
		WORD(page, "map", maps[i].name);
		pt_page_count(page, maps[i].entries);
	}

	pt_page_family(page, &max_entries);
	for (size_t i = 0; i < count; i++) {
		if (!maps[i].max_entries)
			continue;
		WORD(page, "map", maps[i].name);
		pt_page_count(page, maps[i].max_entries);
	}

	pt_page_family(page, &memory);
	for (size_t i = 0; i < count; i++) {
		WORD(page, "map", maps[i].name);
		pt_page_count(page, maps[i].memory_bytes);
	}
}
