// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Text from outside made safe to show. */
#include <stdbool.h>
#include <string.h>

#include "cni/text.h"

/* How many bytes the UTF-8 character at text takes, 0 when it is none (RFC 3629, table 3-7 of the
 * Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF). */
static size_t character_size(const unsigned char *text)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size;

	if (text[0] < 0x80)
		return text[0] >= 0x20 && text[0] != 0x7f;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] == 0xc2)
		low = 0xa0; /* U+0080 to U+009F are control characters too */
	else if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80) /* the terminating NUL ends here as well */
			return 0;
	}
	return size;
}

void pt_text_clean(char *ret, size_t size, const char *text)
{
	size_t used = 0;

	if (!size)
		return;
	while (*text) {
		size_t n = character_size((const unsigned char *)text);

		if (used + (n ? n : 1) >= size)
			break;
		if (n) {
			memcpy(ret + used, text, n);
			used += n;
			text += n;
		} else {
			ret[used++] = '?';
			text++;
		}
	}
	ret[used] = '\0';
}
