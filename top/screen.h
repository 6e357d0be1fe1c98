/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A terminal's screen as a grid of cells, and the VT sequences that bring a terminal to it.
 *
 * A cell holds a printable ASCII character whatever it was given, so no text can command the
 * terminal; and what differs from what the terminal shows is all that is sent.
 */
#ifndef PT_TOP_SCREEN_H
#define PT_TOP_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/* Any of the first three together with one of the rest. */
enum pt_style {
	PT_PLAIN = 0,
	PT_BOLD = 1,
	PT_UNDERLINE = 2,
	PT_REVERSE = 4,
	PT_RED = 1 << 4,
	PT_GREEN = 2 << 4,
	PT_YELLOW = 3 << 4,
	PT_CYAN = 6 << 4,
};

struct pt_cell {
	char text;
	unsigned char style; /* enum pt_style */
};

struct pt_screen {
	int rows;
	int columns;
	bool has_colour;
	bool is_known; /* shown is what the terminal shows; cleared by who spoils that */
	struct pt_cell *cells;
	struct pt_cell *shown;
};

/* Makes all cells blank, of this size: at least one, at most PT_SCREEN_MAX a side. Returns 0, or
 * -ENOMEM and the screen as it was. */
#define PT_SCREEN_MAX 1000
int pt_screen_begin(struct pt_screen *screen, int rows, int columns);

/* Puts the text there, cut to at most width cells and at the screen's edge; what is outside is left
 * out. Returns the column after it. */
int pt_screen_put(struct pt_screen *screen, int row, int column, int width, unsigned style,
		  const char *text);

/* The same from a format. */
int pt_screen_print(struct pt_screen *screen, int row, int column, unsigned style,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Gives the cells of a row, from a column on, another style. */
void pt_screen_style(struct pt_screen *screen, int row, int column, int width, unsigned style);

/* Writes what makes the terminal show the cells. */
void pt_screen_flush(struct pt_screen *screen, FILE *out);

/* A zeroed screen is fine. */
void pt_screen_free(struct pt_screen *screen);

#endif
