/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The numbers that are shown of a pod: what they are called, how they are written, their order. */
#ifndef PT_TOP_COLUMNS_H
#define PT_TOP_COLUMNS_H

#include "top/rows.h"

/* With the longest number that there is, terminated. */
#define PT_TOP_CELL_MAX 24

/* "namespace/name", clean. */
#define PT_TOP_NAME_MAX 324

struct pt_top_column {
	const char *name;    /* for --sort */
	const char *field;   /* in JSON, with the unit */
	const char *heading; /* of a table */
	const char *meaning; /* for the help */
	/* NAN: there is none. Rates are for a second, shares from 0 to 1, times in seconds. */
	double (*value)(const struct pt_top_row *row);
	void (*write)(double value, char text[PT_TOP_CELL_MAX]);
	int width; /* of heading and texts, but for the widest of them */
};

/* In the order in which a narrow terminal shows as many as there is room for. */
extern const struct pt_top_column pt_top_columns[];
extern const int pt_top_column_count;

/* The place of the pod's name among the columns. */
#define PT_TOP_BY_NAME (-1)

/* Which column has the name: its place, PT_TOP_BY_NAME for "pod", or -EINVAL (less than both). */
int pt_top_column_find(const char *name);

void pt_top_name(const struct pt_pod *pod, char text[PT_TOP_NAME_MAX]);

/* What a filter may be, terminated. */
#define PT_TOP_FILTER_MAX 64

/* Whether the pod's name has the text in it; capital letters are like small ones. */
bool pt_top_matches(const struct pt_pod *pod, const char *filter);

/* Leaves the rows that match. */
void pt_top_rows_filter(struct pt_top_rows *rows, const char *filter);

/* By a column, largest first, or by name; what has no value is last. reverse turns the order round
 * but for these. */
void pt_top_rows_sort(struct pt_top_rows *rows, int column, bool reverse);

/* What has grown by so much, for a second; NAN while there is no interval. */
double pt_top_rate(const struct pt_top_row *row, __u64 grown);

/* As columns write them: numbers and bytes with k, M, G for 1000 and so on; times; shares in
 * percent. NAN is "-". */
void pt_top_write_number(double value, char text[PT_TOP_CELL_MAX]);
void pt_top_write_time(double seconds, char text[PT_TOP_CELL_MAX]);
void pt_top_write_percent(double share, char text[PT_TOP_CELL_MAX]);

#endif
