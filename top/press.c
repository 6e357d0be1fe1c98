// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a key does. */
#include <string.h>

#include "top/keys.h"
#include "top/view.h"

static void choose(struct pt_top_view *view, const struct pt_top_rows *rows, int place)
{
	if (place >= (int)rows->count)
		place = (int)rows->count - 1;
	if (place < 0)
		place = 0;
	view->chosen = place;
	view->pod = rows->count ? rows->rows[place].record->id : 0;
}

static void scroll(struct pt_top_view *view, int first)
{
	if (first > view->lines - view->room)
		first = view->lines - view->room;
	view->first = first < 0 ? 0 : first;
}

/* Up and down, by a line or a page: what is chosen, or where the page begins. */
static bool move(struct pt_top_view *view, const struct pt_top_rows *rows, int key)
{
	const int from = view->page == PT_TOP_PODS ? (int)view->chosen : view->first;
	int to;

	if (key == PT_KEY_UP || key == 'k')
		to = from - 1;
	else if (key == PT_KEY_DOWN || key == 'j')
		to = from + 1;
	else if (key == PT_KEY_PAGE_UP)
		to = from - view->room;
	else if (key == PT_KEY_PAGE_DOWN)
		to = from + view->room;
	else if (key == PT_KEY_HOME || key == 'g')
		to = 0;
	else if (key == PT_KEY_END || key == 'G')
		to = view->lines;
	else
		return false;
	if (view->page == PT_TOP_PODS)
		choose(view, rows, to);
	else
		scroll(view, to);
	return true;
}

static void open_page(struct pt_top_view *view, enum pt_top_page page)
{
	view->page = page;
	view->first = 0;
}

static void type(struct pt_top_view *view, int key)
{
	size_t size = strlen(view->filter);

	if (key == PT_KEY_ENTER) {
		view->is_typing = false;
	} else if (key == PT_KEY_ESCAPE) {
		view->is_typing = false;
		*view->filter = '\0';
	} else if (key == PT_KEY_BACKSPACE && size) {
		view->filter[size - 1] = '\0';
	} else if (key >= ' ' && key <= '~' && size < sizeof(view->filter) - 1) {
		view->filter[size] = (char)key;
		view->filter[size + 1] = '\0';
	}
}

/* The columns and the name in a ring. */
static void sort_beside(struct pt_top_view *view, int step)
{
	const int ring = pt_top_column_count + 1;

	view->sort = (view->sort + 1 + step + ring) % ring - 1;
	view->reverse = false;
}

static void press_in_pods(struct pt_top_view *view, const struct pt_top_rows *rows, int key)
{
	switch (key) {
	case PT_KEY_ENTER:
		if (rows->count) {
			choose(view, rows, (int)view->chosen);
			open_page(view, PT_TOP_DETAIL);
		}
		break;
	case PT_KEY_ESCAPE:
		*view->filter = '\0';
		break;
	case '/':
		view->is_typing = true;
		break;
	case '<':
	case PT_KEY_LEFT:
		sort_beside(view, -1);
		break;
	case '>':
	case 's':
	case PT_KEY_RIGHT:
		sort_beside(view, 1);
		break;
	case 'r':
		view->reverse = !view->reverse;
		break;
	default:
		break;
	}
}

void pt_top_press(struct pt_top_view *view, const struct pt_top_rows *rows, int key)
{
	if (view->is_typing)
		type(view, key);
	else if (key == 'q')
		view->is_over = true;
	else if (key == ' ')
		view->is_paused = !view->is_paused;
	else if (key == 'h' || key == '?')
		open_page(view, PT_TOP_HELP);
	else if (move(view, rows, key))
		return;
	else if (view->page == PT_TOP_PODS)
		press_in_pods(view, rows, key);
	else if (key == PT_KEY_ESCAPE || key == PT_KEY_BACKSPACE || key == PT_KEY_ENTER)
		open_page(view, PT_TOP_PODS);
}

void pt_top_arrange(struct pt_top_view *view, struct pt_top_rows *rows)
{
	pt_top_rows_filter(rows, view->filter);
	pt_top_rows_sort(rows, view->sort, view->reverse);
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i].record->id == view->pod) {
			view->chosen = i;
			return;
		}
	}
	if (view->page == PT_TOP_PODS)
		choose(view, rows, (int)view->chosen);
}
