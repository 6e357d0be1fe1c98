// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A terminal's screen as a grid of cells, and the VT sequences that bring a terminal to it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "top/screen.h"

static int within(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

int pt_screen_begin(struct pt_screen *screen, int rows, int columns)
{
	struct pt_cell *cells, *shown;
	size_t count;

	rows = within(rows, 1, PT_SCREEN_MAX);
	columns = within(columns, 1, PT_SCREEN_MAX);
	count = (size_t)rows * (size_t)columns;
	if (rows != screen->rows || columns != screen->columns) {
		cells = calloc(count, sizeof(*cells));
		shown = calloc(count, sizeof(*shown));
		if (!cells || !shown) {
			free(cells);
			free(shown);
			return -ENOMEM;
		}
		pt_screen_free(screen);
		screen->rows = rows;
		screen->columns = columns;
		screen->cells = cells;
		screen->shown = shown;
		screen->is_known = false;
	}
	for (size_t i = 0; i < count; i++)
		screen->cells[i] = (struct pt_cell){ ' ', PT_PLAIN };
	return 0;
}

int pt_screen_put(struct pt_screen *screen, int row, int column, int width, unsigned style,
		  const char *text)
{
	for (; width > 0 && *text; width--, text++, column++) {
		struct pt_cell *cell;

		if (row < 0 || row >= screen->rows || column < 0 || column >= screen->columns)
			continue;
		cell = &screen->cells[row * screen->columns + column];
		cell->text = *text >= ' ' && *text <= '~' ? *text : '?';
		cell->style = style;
	}
	return column;
}

int pt_screen_print(struct pt_screen *screen, int row, int column, unsigned style,
		    const char *format, ...)
{
	char text[PT_SCREEN_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pt_screen_put(screen, row, column, PT_SCREEN_MAX, style, text);
}

void pt_screen_style(struct pt_screen *screen, int row, int column, int width, unsigned style)
{
	if (row < 0 || row >= screen->rows)
		return;
	for (int i = within(column, 0, screen->columns);
	     i < within(column + width, 0, screen->columns); i++)
		screen->cells[row * screen->columns + i].style = style;
}

static void set_style(const struct pt_screen *screen, unsigned style, FILE *out)
{
	fputs("\033[0", out);
	if (style & PT_BOLD)
		fputs(";1", out);
	if (style & PT_UNDERLINE)
		fputs(";4", out);
	if (style & PT_REVERSE)
		fputs(";7", out);
	if (style >> 4 && screen->has_colour)
		fprintf(out, ";3%u", style >> 4);
	fputc('m', out);
}

/* Cells that are as they should be, but for so few that to go on is shorter than to jump. */
#define GAP_MAX 6

static bool is_shown(const struct pt_screen *screen, int at)
{
	return screen->cells[at].text == screen->shown[at].text &&
	       screen->cells[at].style == screen->shown[at].style;
}

/* The last cell of a row that differs, or -1. */
static int last_change(const struct pt_screen *screen, int row)
{
	for (int column = screen->columns - 1; column >= 0; column--)
		if (!is_shown(screen, row * screen->columns + column))
			return column;
	return -1;
}

static void flush_row(struct pt_screen *screen, int row, unsigned *style, FILE *out)
{
	const int last = last_change(screen, row);
	int at_column = -1; /* where the cursor is, when it is in this row */

	for (int column = 0; column <= last; column++) {
		if (is_shown(screen, row * screen->columns + column))
			continue;
		if (at_column < 0 || column - at_column > GAP_MAX) {
			fprintf(out, "\033[%d;%dH", row + 1, column + 1);
			at_column = column;
		}
		for (; at_column <= column; at_column++) {
			const struct pt_cell *cell =
				&screen->cells[row * screen->columns + at_column];

			if (cell->style != *style)
				set_style(screen, cell->style, out);
			*style = cell->style;
			fputc(cell->text, out);
		}
	}
}

void pt_screen_flush(struct pt_screen *screen, FILE *out)
{
	const size_t count = (size_t)screen->rows * (size_t)screen->columns;
	unsigned style = PT_PLAIN;

	if (!screen->is_known) {
		fputs("\033[0m\033[2J", out);
		for (size_t i = 0; i < count; i++)
			screen->shown[i] = (struct pt_cell){ ' ', PT_PLAIN };
	}
	for (int row = 0; row < screen->rows; row++)
		flush_row(screen, row, &style, out);
	if (style != PT_PLAIN)
		fputs("\033[0m", out);
	memcpy(screen->shown, screen->cells, count * sizeof(*screen->shown));
	screen->is_known = true;
}

void pt_screen_free(struct pt_screen *screen)
{
	free(screen->cells);
	free(screen->shown);
	screen->cells = screen->shown = NULL;
	screen->rows = screen->columns = 0;
}
