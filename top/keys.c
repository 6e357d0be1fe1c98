// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Keys out of the bytes that a terminal sends for them. */
#include <string.h>

#include "top/keys.h"

#define ESCAPE 27

static int take(struct pt_keys *keys, size_t count, int key)
{
	keys->count -= count;
	memmove(keys->bytes, keys->bytes + count, keys->count);
	return key;
}

static int plain(unsigned char byte)
{
	if (byte == '\r')
		return PT_KEY_ENTER;
	if (byte == 127)
		return PT_KEY_BACKSPACE;
	return byte && byte < 127 ? byte : PT_KEY_OTHER;
}

static int by_letter(unsigned char final)
{
	switch (final) {
	case 'A':
		return PT_KEY_UP;
	case 'B':
		return PT_KEY_DOWN;
	case 'C':
		return PT_KEY_RIGHT;
	case 'D':
		return PT_KEY_LEFT;
	case 'H':
		return PT_KEY_HOME;
	case 'F':
		return PT_KEY_END;
	default:
		return PT_KEY_OTHER;
	}
}

/* ESC [ NUMBER ~ */
static int by_number(unsigned char digit)
{
	switch (digit) {
	case '1':
	case '7':
		return PT_KEY_HOME;
	case '4':
	case '8':
		return PT_KEY_END;
	case '5':
		return PT_KEY_PAGE_UP;
	case '6':
		return PT_KEY_PAGE_DOWN;
	default:
		return PT_KEY_OTHER;
	}
}

/* After ESC [ come parameters and then one byte from @ to ~ (ECMA-48). With parameters an arrow is
 * one with Shift or the like held; it does what the arrow does. */
static int control_sequence(struct pt_keys *keys, bool is_all)
{
	for (size_t i = 2; i < keys->count; i++) {
		const unsigned char byte = keys->bytes[i];

		if (byte >= '@' && byte <= '~') {
			bool is_number = byte == '~' && i == 3;

			return take(keys, i + 1,
				    is_number ? by_number(keys->bytes[2]) : by_letter(byte));
		}
		if (byte < ' ' || byte > '~')
			return take(keys, i, PT_KEY_OTHER);
	}
	if (!is_all && keys->count < sizeof(keys->bytes))
		return PT_KEY_NONE;
	return take(keys, keys->count, PT_KEY_OTHER);
}

int pt_keys_next(struct pt_keys *keys, bool is_all)
{
	if (!keys->count)
		return PT_KEY_NONE;
	if (keys->bytes[0] != ESCAPE)
		return take(keys, 1, plain(keys->bytes[0]));
	if (keys->count == 1)
		return is_all ? take(keys, 1, PT_KEY_ESCAPE) : PT_KEY_NONE;
	if (keys->bytes[1] == '[')
		return control_sequence(keys, is_all);
	if (keys->bytes[1] != 'O')
		return take(keys, 1, PT_KEY_ESCAPE);
	if (keys->count == 2)
		return is_all ? take(keys, 2, PT_KEY_OTHER) : PT_KEY_NONE;
	return take(keys, 3, by_letter(keys->bytes[2]));
}
