/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The files that were looked into: whoever maps one of them again needs nothing. */
#ifndef PT_SEEN_H
#define PT_SEEN_H

#include <stdbool.h>

#include "agent/mappings.h"

#define PT_SEEN_MAX 1024 /* a power of 2; of two files that hash alike the later one is known */

/* A file may be such that looking into it takes too long, or kills. */
#define PT_TRIES_MAX 3

/* A file's generation, which tells it from a file that had the inode before, is 0 where it is not
 * known. */
struct pt_seen {
	uint64_t inode, generation;
	uint32_t major, minor;
	unsigned int tries; /* PT_TRIES_MAX: no more of them are needed */
};

/* Of a table of PT_SEEN_MAX. */
bool pt_is_seen(struct pt_seen *table, const struct pt_mapping *mapping);

/* The file's entry, which may be new. */
struct pt_seen *pt_seen_note(struct pt_seen *table, const struct pt_mapping *mapping);

#endif
