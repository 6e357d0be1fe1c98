// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "cni/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a character stands for, or -1. */
static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last pad ones are '='. */
static int decode_group(const char *text, int pad, char *ret)
{
	unsigned int bits = 0;

	for (int i = 0; i < 4; i++) {
		int value = i < 4 - pad ? digit(text[i]) : 0;

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | value;
	}
	if (bits & ((1u << 8 * pad) - 1))
		return -EINVAL; /* two texts would be the same bytes */
	for (int i = 0; i < 3 - pad; i++)
		ret[i] = (char)(bits >> (16 - 8 * i));
	return 0;
}

char *pt_base64_decode(const char *text, size_t *size)
{
	size_t length = strlen(text), used = 0;
	char *bytes = malloc(length / 4 * 3 + 1);
	int pad = 0;

	if (!bytes)
		return NULL;
	if (length % 4)
		goto refuse;
	if (length && text[length - 1] == '=')
		pad = text[length - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < length; i += 4) {
		int padding = i + 4 == length ? pad : 0;

		if (decode_group(text + i, padding, bytes + used))
			goto refuse;
		used += 3 - padding;
	}
	bytes[used] = '\0';
	*size = used;
	return bytes;

refuse:
	free(bytes);
	errno = EINVAL;
	return NULL;
}
