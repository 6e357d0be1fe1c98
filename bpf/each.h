/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Visit the entries of a pinned map, in batches. */
#ifndef PT_EACH_H
#define PT_EACH_H

#include <stddef.h>

/* key and value stay valid until the function returns; a value other than 0 ends the walk. */
typedef int pt_each_fn(const void *key, const void *value, void *arg);

/* Calls fn for each entry of a hash map or an array. value_size counts all CPUs of a per-CPU map.
 * Entries that come or go during the walk may be seen or not. Returns fn's last value or a negative
 * errno. */
int pt_map_each(int map_fd, size_t key_size, size_t value_size, pt_each_fn *fn, void *arg);

#endif
