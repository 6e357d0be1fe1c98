/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps' side of the kernel, in memory: what libbpf's functions do on one datapath's pins.
 *
 * It takes libbpf's place in the fuzzing targets, so that podtag's own code runs unchanged, without
 * privileges, and from the same state for each input. Programs and links do not exist here.
 */
#ifndef PT_FUZZ_KERNEL_H
#define PT_FUZZ_KERNEL_H

#include <linux/types.h>

#include "tests/fuzz/fuzz.h"

#define KERNEL_CPUS 2

/* Forgets everything. loaded: whether the maps are pinned. */
void kernel_reset(bool loaded);

/* The call of that number from here on, counted from 1, fails with the errno. 0: none does. */
void kernel_fail(unsigned int call, int error);

/* Whether it came to that since the reset. */
bool kernel_failed(void);

/* The maps appear, or go. */
void kernel_load(bool loaded);

bool kernel_is_loaded(void);

/* How many entries the map of that name has, by name as it is pinned. */
size_t kernel_count(const char *map);

/* Calls fn for each entry of the map; the pointers are good until it returns. */
void kernel_each(const char *map, void (*fn)(const void *key, const void *value));

/* A descriptor to give away. */
int kernel_fd(void);

#endif
