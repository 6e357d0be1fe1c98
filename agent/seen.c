// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/seen.h"

static struct pt_seen *slot_of(struct pt_seen *table, const struct pt_mapping *mapping)
{
	uint64_t hash =
		mapping->inode * 0x9e3779b97f4a7c15ull ^ mapping->major << 20 ^ mapping->minor;

	return &table[(hash ^ hash >> 32) & (PT_SEEN_MAX - 1)];
}

static bool is_slot_of(const struct pt_seen *seen, const struct pt_mapping *mapping)
{
	return seen->inode == mapping->inode && seen->major == mapping->major &&
	       seen->minor == mapping->minor &&
	       (!mapping->generation || seen->generation == mapping->generation);
}

bool pt_is_seen(struct pt_seen *table, const struct pt_mapping *mapping)
{
	const struct pt_seen *seen = slot_of(table, mapping);

	return is_slot_of(seen, mapping) && seen->tries == PT_TRIES_MAX;
}

struct pt_seen *pt_seen_note(struct pt_seen *table, const struct pt_mapping *mapping)
{
	struct pt_seen *seen = slot_of(table, mapping);

	if (!is_slot_of(seen, mapping))
		*seen = (struct pt_seen){
			.inode = mapping->inode,
			.generation = mapping->generation,
			.major = mapping->major,
			.minor = mapping->minor,
		};
	return seen;
}
