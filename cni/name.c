// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which names CNI allows. */
#include <net/if.h>
#include <string.h>

#include "cni/name.h"

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool pt_name_is_valid(const char *text)
{
	return *text && strchr(ALPHANUMERIC, *text) && !text[strspn(text, ALPHANUMERIC "_.-")];
}

bool pt_ifname_is_valid(const char *text)
{
	size_t size = strnlen(text, IFNAMSIZ);

	if (!size || size >= IFNAMSIZ)
		return false;
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	return !text[strcspn(text, "/: \t\n\v\f\r\xa0")]; /* the kernel's isspace() knows 0xa0 */
}
