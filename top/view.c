// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The page of all pods and the help; what every page has at its top and bottom. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cni/text.h"
#include "top/view.h"

/* Rows of the screen that are not the page's own: two at the top and one at the bottom. */
#define TOP_ROWS 2

/* A name is not cut to less than this while a column could go instead. */
#define NAME_MIN 23

/* Before a name: a mark and a blank. */
#define MARK_SIZE 2

static void draw_number(struct pt_screen *screen, int row, int *column, const char *name,
			double value, void (*write)(double, char[PT_TOP_CELL_MAX]))
{
	char text[PT_TOP_CELL_MAX];

	write(value, text);
	*column = pt_screen_print(screen, row, *column, PT_PLAIN, "  %s ", name);
	*column = pt_screen_print(screen, row, *column, PT_BOLD, "%s", text);
}

/* The node: its name, its pods and their sum. */
static void draw_node(const struct pt_top_rows *rows, struct pt_screen *screen)
{
	static const char *const shown[] = { "requests", "errors", "retransmits", "rx", "tx" };
	char host[65] = "", clean[65];
	int at;

	if (gethostname(host, sizeof(host) - 1))
		strcpy(host, "?");
	pt_text_clean(clean, sizeof(clean), host);
	at = pt_screen_print(screen, 0, 0, PT_BOLD, "%.16s", clean);
	if (rows->count != rows->all)
		at = pt_screen_print(screen, 0, at, PT_PLAIN, " %zu of", rows->count);
	at = pt_screen_print(screen, 0, at, PT_PLAIN, " %zu pods", rows->all);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		const struct pt_top_column *column = &pt_top_columns[pt_top_column_find(shown[i])];

		draw_number(screen, 0, &at, column->heading, column->value(&rows->node),
			    column->write);
	}
}

static __u64 sum_lost(const struct pt_top_rows *rows)
{
	__u64 sum = 0;

	for (int i = 0; i < PT_LOST_COUNT; i++)
		sum += rows->lost[i];
	return sum;
}

/* How the numbers were made, and what they leave out. */
static void draw_state(const struct pt_top_view *view, const struct pt_top_rows *rows,
		       struct pt_screen *screen)
{
	const bool by_name = view->sort == PT_TOP_BY_NAME;
	const __u64 lost = sum_lost(rows);
	int at = 0;

	if (view->is_typing) {
		at = pt_screen_print(screen, 1, 0, PT_BOLD, "filter: %s", view->filter);
		pt_screen_put(screen, 1, at, 1, PT_REVERSE, " ");
		return;
	}
	if (view->problem) {
		pt_screen_print(screen, 1, 0, PT_BOLD | PT_RED, "%s", view->problem);
		return;
	}
	if (view->is_paused)
		at = pt_screen_print(screen, 1, at, PT_BOLD | PT_REVERSE, "paused") + 1;
	if (rows->node.seconds)
		at = pt_screen_print(screen, 1, at, PT_PLAIN, "in the last %.1f s",
				     rows->node.seconds);
	else
		at = pt_screen_print(screen, 1, at, PT_PLAIN, "measuring");
	at = pt_screen_print(screen, 1, at, PT_PLAIN, ", by %s%s",
			     by_name ? "pod" : pt_top_columns[view->sort].name,
			     view->reverse ? ", reversed" : "");
	if (*view->filter)
		at = pt_screen_print(screen, 1, at, PT_CYAN, ", filter %s", view->filter);
	if (lost)
		pt_screen_print(screen, 1, at, PT_YELLOW, ", %llu requests could not be followed",
				lost);
}

static void draw_keys(const struct pt_top_view *view, struct pt_screen *screen)
{
	static const char *const keys[] = {
		[PT_TOP_PODS] =
			"q quit  Enter pod  / filter  <> sort  r reverse  Space pause  h help",
		[PT_TOP_DETAIL] = "q quit  Esc back  up/down scroll  Space pause  h help",
		[PT_TOP_HELP] = "q quit  Esc back  up/down scroll",
	};
	const char *text = view->is_typing ? "Enter keep  Esc no filter" : keys[view->page];

	pt_screen_put(screen, screen->rows - 1, 0, screen->columns, PT_CYAN, text);
}

/* As many columns as fit beside the names, of which the longest is wanted whole. */
static int columns_that_fit(const struct pt_top_rows *rows, int room, int *name_width)
{
	char name[PT_TOP_NAME_MAX];
	int longest = 3, shown = 0, used = 0, least;

	for (size_t i = 0; i < rows->count; i++) {
		int size;

		pt_top_name(&rows->rows[i].record->pod, name);
		size = strlen(name);
		longest = longest < size ? size : longest;
	}
	least = longest < NAME_MIN ? longest : NAME_MIN;
	while (shown < pt_top_column_count &&
	       MARK_SIZE + least + used + 1 + pt_top_columns[shown].width <= room)
		used += 1 + pt_top_columns[shown++].width;
	*name_width = room - MARK_SIZE - used;
	if (*name_width > longest)
		*name_width = longest;
	if (*name_width < 1)
		*name_width = 1;
	return shown;
}

/* Both ends of a name tell it from others, so what is cut is in the middle. */
static void draw_name(struct pt_screen *screen, int row, int width, unsigned style,
		      const struct pt_pod *pod)
{
	char name[PT_TOP_NAME_MAX];
	int size, end = width / 3;

	pt_top_name(pod, name);
	size = strlen(name);
	if (size <= width) {
		pt_screen_put(screen, row, MARK_SIZE, width, style, name);
		return;
	}
	pt_screen_put(screen, row, MARK_SIZE, width - end, style, name);
	pt_screen_put(screen, row, MARK_SIZE + width - end - 1, 1, style, "~");
	pt_screen_put(screen, row, MARK_SIZE + width - end, end, style, name + size - end);
}

static void draw_right(struct pt_screen *screen, int row, int column, int width, unsigned style,
		       const char *text)
{
	int size = strlen(text);

	pt_screen_put(screen, row, column + width - size, size, style, text);
}

static void draw_headings(const struct pt_top_view *view, struct pt_screen *screen, int name_width,
			  int shown)
{
	const int row = TOP_ROWS;
	int at = MARK_SIZE + name_width;

	pt_screen_style(screen, row, 0, screen->columns, PT_REVERSE);
	pt_screen_put(screen, row, MARK_SIZE, name_width,
		      view->sort == PT_TOP_BY_NAME ? PT_BOLD | PT_UNDERLINE : PT_REVERSE, "POD");
	for (int i = 0; i < shown; i++) {
		const struct pt_top_column *column = &pt_top_columns[i];

		draw_right(screen, row, at + 1, column->width,
			   view->sort == i ? PT_BOLD | PT_UNDERLINE : PT_REVERSE, column->heading);
		at += 1 + column->width;
	}
}

static const char *mark_of(const struct pt_top_row *row)
{
	if (row->state == PT_TOP_ENDED)
		return "-";
	if (!row->record->attached)
		return "!";
	return row->state == PT_TOP_NEW ? "+" : " ";
}

/* Errors and segments that are sent again catch the eye. */
static unsigned style_of(const struct pt_top_column *column, double value)
{
	if (!(value > 0))
		return PT_PLAIN;
	if (column->write == pt_top_write_percent)
		return PT_BOLD | PT_RED;
	return !strcmp(column->name, "retransmits") ? PT_YELLOW : PT_PLAIN;
}

static void draw_row(const struct pt_top_row *row, struct pt_screen *screen, int at_row,
		     int name_width, int shown, bool is_chosen)
{
	int at = MARK_SIZE + name_width;
	char text[PT_TOP_CELL_MAX];

	pt_screen_put(screen, at_row, 0, 1, PT_YELLOW, mark_of(row));
	draw_name(screen, at_row, name_width, PT_PLAIN, &row->record->pod);
	for (int i = 0; i < shown; i++) {
		const struct pt_top_column *column = &pt_top_columns[i];
		double value = column->value(row);

		column->write(value, text);
		draw_right(screen, at_row, at + 1, column->width, style_of(column, value), text);
		at += 1 + column->width;
	}
	if (is_chosen)
		pt_screen_style(screen, at_row, 0, at, PT_REVERSE);
}

static void draw_pods(struct pt_top_view *view, const struct pt_top_rows *rows,
		      struct pt_screen *screen)
{
	int name_width, shown = columns_that_fit(rows, screen->columns, &name_width);

	draw_headings(view, screen, name_width, shown);
	view->lines = rows->count;
	view->room = screen->rows - TOP_ROWS - 2;
	if (view->room < 1)
		view->room = 1;
	if (view->first > (int)view->chosen)
		view->first = view->chosen;
	if (view->first < (int)view->chosen - view->room + 1)
		view->first = (int)view->chosen - view->room + 1;
	if (view->first > view->lines - view->room)
		view->first = view->lines > view->room ? view->lines - view->room : 0;
	for (int i = view->first; i < (int)rows->count && i < view->first + view->room; i++)
		draw_row(&rows->rows[i], screen, TOP_ROWS + 1 + i - view->first, name_width, shown,
			 i == (int)view->chosen);
	if (!rows->count && !view->problem)
		pt_screen_put(screen, TOP_ROWS + 1, MARK_SIZE, screen->columns, PT_PLAIN,
			      *view->filter ? "no pod has this in its name" : "no pods");
}

static const char *const help_lines[] = {
	"up down j k PgUp PgDn Home End   choose a pod       Enter   show one pod",
	"< > left right   sort by the column beside          s       by the next one",
	"r   turn the order round                            /       filter by name",
	"Space   pause, and go on                            Esc     back, no filter",
	"",
	"+ began in the interval   - ended in it   ! its traffic is not counted",
	"",
};

static const char help_times[] =
	"Times are spread evenly inside a bucket, as histogram_quantile() has them.";

static int draw_help(const struct pt_top_view *view, struct pt_screen *screen)
{
	const size_t words = sizeof(help_lines) / sizeof(*help_lines);
	const size_t columns = pt_top_column_count, lines = words + columns + 2;
	size_t line = view->first;

	for (int row = TOP_ROWS; row < screen->rows - 1 && line < lines; row++, line++) {
		const struct pt_top_column *column = &pt_top_columns[(line - words) % columns];

		if (line < words)
			pt_screen_put(screen, row, 0, screen->columns, PT_PLAIN, help_lines[line]);
		else if (line < words + columns)
			pt_screen_print(screen, row, 0, PT_PLAIN, "%-7s %-12s %s", column->heading,
					column->name, column->meaning);
		else if (line == lines - 1)
			pt_screen_put(screen, row, 0, screen->columns, PT_PLAIN, help_times);
	}
	return (int)lines;
}

static int draw_chosen(const struct pt_top_view *view, const struct pt_top_rows *rows,
		       struct pt_screen *screen)
{
	if (view->chosen < rows->count && rows->rows[view->chosen].record->id == view->pod)
		return pt_top_draw_detail(&rows->rows[view->chosen], view->first, TOP_ROWS,
					  screen->rows - 1, screen);
	pt_screen_put(screen, TOP_ROWS, 0, screen->columns, PT_PLAIN,
		      "this pod has ended, and what was counted of it is gone");
	return 1;
}

void pt_top_draw(struct pt_top_view *view, const struct pt_top_rows *rows, struct pt_screen *screen)
{
	draw_node(rows, screen);
	draw_state(view, rows, screen);
	if (view->page == PT_TOP_PODS) {
		draw_pods(view, rows, screen);
	} else {
		view->room = screen->rows - TOP_ROWS - 1;
		view->lines = view->page == PT_TOP_HELP ? draw_help(view, screen)
							: draw_chosen(view, rows, screen);
	}
	draw_keys(view, screen);
}
