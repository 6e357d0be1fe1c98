// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Visit the entries of a pinned map, in batches. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/each.h"

/* Few enough that a batch of the largest value is small beside the agent's memory, and more than
 * one hash bucket ever holds, which is what the kernel asks for. */
#define BATCH 128

int pt_map_each(int map_fd, size_t key_size, size_t value_size, pt_each_fn *fn, void *arg)
{
	char *values = malloc(BATCH * value_size);
	char *keys = malloc(BATCH * key_size);
	__u32 position = 0; /* a hash map's is the number of the next bucket */
	bool first = true;
	int err = 0;

	if (!keys || !values)
		err = -ENOMEM;

	while (!err) {
		__u32 count = BATCH;
		bool last = false;

		err = bpf_map_lookup_batch(map_fd, first ? NULL : &position, &position, keys,
					   values, &count, NULL);
		if (err && err != -ENOENT)
			break;
		last = err == -ENOENT;
		err = 0;

		for (__u32 i = 0; i < count && !err; i++)
			err = fn(keys + i * key_size, values + i * value_size, arg);
		if (last)
			break;
		first = false;
	}

	free(keys);
	free(values);
	return err;
}
