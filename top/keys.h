/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Keys out of the bytes that a terminal sends for them. */
#ifndef PT_TOP_KEYS_H
#define PT_TOP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Others are the ASCII characters that they are. */
enum pt_key {
	PT_KEY_NONE = 0, /* no more without more bytes */
	PT_KEY_BACKSPACE = 8,
	PT_KEY_ENTER = '\n',
	PT_KEY_ESCAPE = 27,
	PT_KEY_UP = 256,
	PT_KEY_DOWN,
	PT_KEY_LEFT,
	PT_KEY_RIGHT,
	PT_KEY_HOME,
	PT_KEY_END,
	PT_KEY_PAGE_UP,
	PT_KEY_PAGE_DOWN,
	PT_KEY_OTHER, /* nobody's */
};

struct pt_keys {
	unsigned char bytes[256];
	size_t count;
};

/* Takes the next key out of the bytes. is_all: nothing more came for a while, so that what may be
 * the beginning of a sequence is none. */
int pt_keys_next(struct pt_keys *keys, bool is_all);

#endif
