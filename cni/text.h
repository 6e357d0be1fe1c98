/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Text from outside made safe to show: in JSON, in a log line, in a table, in a map. */
#ifndef PT_TEXT_H
#define PT_TEXT_H

#include <stddef.h>

/* Copies text of any content, cut to fit: what comes out is valid UTF-8 without control characters
 * ('?' stands for each byte that was neither), always terminated, never cut inside a character. */
void pt_text_clean(char *ret, size_t size, const char *text);

#endif
