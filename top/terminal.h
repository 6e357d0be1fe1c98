/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The terminal on stdin and stdout: taken over, and given back however the process ends. */
#ifndef PT_TOP_TERMINAL_H
#define PT_TOP_TERMINAL_H

#include <stdbool.h>

/* Why the terminal is none that pt_terminal_enter() could take: a sentence, or NULL. */
const char *pt_terminal_lacks(void);

/* Whether it shows colours, and whoever uses it wants them: NO_COLOR (no-color.org), TERM. */
bool pt_terminal_has_colour(void);

/* Rows and columns, as the terminal says, else $LINES and $COLUMNS, else 24 and 80. */
void pt_terminal_size(int *rows, int *columns);

/* Keys are read one by one and not shown, the screen is another than the shell's. Whatever signal
 * ends or stops the process gives the terminal back first. Returns 0 or a negative errno. */
int pt_terminal_enter(void);

/* Gives the terminal back. */
void pt_terminal_leave(void);

/* Waits for keys, at most so many milliseconds. Returns how many bytes of them are in keys; 0 when
 * time is over or a signal came; -EIO when the terminal is gone; another negative errno. */
int pt_terminal_wait(int timeout_ms, unsigned char *keys, int max);

/* Whether the screen may be another than before: it has a new size, or somebody else used it. */
bool pt_terminal_is_spoilt(void);

#endif
