// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A file of libcni's result cache, and base64. An input is the file. */
#include <string.h>

#include "cni/base64.h"
#include "cni/cache.h"
#include "cni/name.h"
#include "tests/fuzz/fuzz.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Encoded again, the bytes must be the text that was decoded: there is one text for each. */
static void check_base64(const char *text)
{
	size_t size;
	unsigned char *bytes = (unsigned char *)pt_base64_decode(text, &size);

	if (!bytes)
		return;
	must(strlen(text) == (size + 2) / 3 * 4);
	for (size_t i = 0; i < size; i += 3) {
		const char *group = text + i / 3 * 4;
		unsigned int bits = bytes[i] << 16 | (i + 1 < size ? bytes[i + 1] << 8 : 0) |
				    (i + 2 < size ? bytes[i + 2] : 0);

		must(group[0] == alphabet[bits >> 18]);
		must(group[1] == alphabet[bits >> 12 & 63]);
		must(group[2] == (i + 1 < size ? alphabet[bits >> 6 & 63] : '='));
		must(group[3] == (i + 2 < size ? alphabet[bits & 63] : '='));
	}
	free(bytes);
}

static void check_cache(const struct pt_cache *cache)
{
	json_t *pair;
	size_t i;

	must(pt_name_is_valid(cache->container_id) && pt_name_is_valid(cache->network));
	must(pt_ifname_is_valid(cache->ifname) && (!cache->netns || *cache->netns == '/'));
	must(json_is_object(cache->list) && json_is_object(cache->result));
	must(!cache->capabilities || json_is_object(cache->capabilities));
	json_array_foreach (cache->args, i, pair)
		must(json_is_string(json_array_get(pair, 0)) &&
		     json_is_string(json_array_get(pair, 1)));
	must(!pt_cache_entry(cache) || json_is_object(pt_cache_entry(cache)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	struct pt_error err = {};
	struct pt_cache cache;
	int result;
	char *text;

	text = fuzz_rest(&in, &size);
	check_base64(text);
	result = pt_cache_parse(text, size, &cache, &err);
	must(result == 0 || result == -1);
	if (result == 0)
		check_cache(&cache);
	must((result == 0) == (*err.msg == '\0'));
	must(fuzz_is_clean(err.msg, strlen(err.msg)));
	pt_cache_done(&cache);
	free(text);
	return 0;
}
