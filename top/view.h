/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is on the screen: all pods, one pod, or the help. */
#ifndef PT_TOP_VIEW_H
#define PT_TOP_VIEW_H

#include "top/columns.h"
#include "top/screen.h"

enum pt_top_page { PT_TOP_PODS, PT_TOP_DETAIL, PT_TOP_HELP };

struct pt_top_view {
	enum pt_top_page page;
	int sort; /* a column's place, or PT_TOP_BY_NAME */
	bool reverse;
	char filter[PT_TOP_FILTER_MAX];
	bool is_typing; /* the filter */
	bool is_paused;
	bool is_over;        /* the user wants to leave */
	int first;           /* the first row, or line of a page, that is on the screen */
	int room;            /* how many rows of pods, or lines of a page, it has */
	int lines;           /* how many there are, as drawn last */
	__u64 pod;           /* id of the one that is chosen */
	size_t chosen;       /* its place among the rows, as long as it is there */
	const char *problem; /* why there are no new numbers, or NULL */
};

/* Draws the page into the screen's cells. What it learns of sizes is left in view. */
void pt_top_draw(struct pt_top_view *view, const struct pt_top_rows *rows,
		 struct pt_screen *screen);

/* The detail of one pod, line by line, from view->first on between two rows of the screen. Returns
 * how many lines it has. */
int pt_top_draw_detail(const struct pt_top_row *row, int first, int top, int bottom,
		       struct pt_screen *screen);

/* Does what a key asks for (top/keys.h). */
void pt_top_press(struct pt_top_view *view, const struct pt_top_rows *rows, int key);

/* Filters and sorts the rows as the view wants them, and finds the chosen pod again. */
void pt_top_arrange(struct pt_top_view *view, struct pt_top_rows *rows);

#endif
