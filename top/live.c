// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The live view on a terminal: read the maps, draw, wait for keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cni/io.h"
#include "top/keys.h"
#include "top/live.h"
#include "top/terminal.h"
#include "top/view.h"

/* A lone ESC is the key when nothing follows for so long; on a slow line a sequence comes in parts.
 */
#define ESCAPE_MS 100

/* The first numbers do not let the user wait for a long interval. */
#define FIRST_MS 1000

struct live {
	struct pt_top_sample samples[2];
	int newer; /* which of them is */
	struct pt_top_rows rows;
	struct pt_top_view view;
	struct pt_screen screen;
	struct pt_keys keys;
	int delay_ms;
	__u64 next_ns; /* when to read the maps again */
};

static const char *problem_of(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case -ENOENT:
		return "podtag is not loaded any more; waiting until it is";
	case -ENOMEM:
		return "no memory; trying again";
	default:
		return "the maps cannot be read; trying again";
	}
}

/* Rows from the two samples as they are. */
static void make_rows(struct live *live)
{
	const __u64 keep = live->view.page == PT_TOP_DETAIL ? live->view.pod : 0;

	free(live->rows.rows);
	live->rows = (struct pt_top_rows){};
	if (pt_top_rows_make(&live->samples[!live->newer], &live->samples[live->newer], keep,
			     &live->rows))
		live->view.problem = problem_of(-ENOMEM);
	pt_top_arrange(&live->view, &live->rows);
}

static void refresh(struct live *live)
{
	bool is_first = !live->samples[live->newer].taken_ns;
	const __u64 now = pt_now_ns();
	struct pt_top_sample sample;
	int err;

	err = pt_top_sample_read(&sample);
	live->view.problem = problem_of(err);
	if (err == -ENOENT) { /* what is loaded next begins anew */
		pt_top_sample_free(&live->samples[0]);
		pt_top_sample_free(&live->samples[1]);
	}
	if (!err) {
		live->newer = !live->newer;
		pt_top_sample_free(&live->samples[live->newer]);
		live->samples[live->newer] = sample;
	}
	if (!err || err == -ENOENT)
		make_rows(live);
	live->next_ns = now + (is_first && live->delay_ms > FIRST_MS ? FIRST_MS : live->delay_ms) *
				      1000000ull;
}

static int draw(struct live *live)
{
	char *text = NULL;
	size_t size = 0;
	int rows, columns, err;
	FILE *out;

	if (pt_terminal_is_spoilt())
		live->screen.is_known = false;
	pt_terminal_size(&rows, &columns);
	err = pt_screen_begin(&live->screen, rows, columns);
	if (err)
		return err;
	pt_top_draw(&live->view, &live->rows, &live->screen);
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	pt_screen_flush(&live->screen, out);
	err = fclose(out) ? -ENOMEM : pt_write_all(STDOUT_FILENO, text, size);
	free(text);
	return err;
}

static void press(struct live *live, int key)
{
	const enum pt_top_page page = live->view.page;

	pt_top_press(&live->view, &live->rows, key);
	if (page != live->view.page || page == PT_TOP_PODS)
		make_rows(live);
}

static int wait_and_press(struct live *live)
{
	const __u64 now = pt_now_ns();
	int timeout_ms = live->next_ns > now ? (int)((live->next_ns - now) / 1000000) + 1 : 0;
	struct pt_keys *keys = &live->keys;
	int count, key;

	if (live->view.is_paused)
		timeout_ms = 60000;
	if (keys->count && timeout_ms > ESCAPE_MS)
		timeout_ms = ESCAPE_MS;
	count = pt_terminal_wait(timeout_ms, keys->bytes + keys->count,
				 (int)(sizeof(keys->bytes) - keys->count));
	if (count < 0)
		return count;
	keys->count += count;
	while ((key = pt_keys_next(keys, !count)) != PT_KEY_NONE)
		press(live, key);
	return 0;
}

int pt_top_live(const struct pt_top_options *options)
{
	struct live live = {
		.delay_ms = options->delay_ms ? options->delay_ms : PT_TOP_DELAY_MS,
		.view.sort = options->sort ? pt_top_column_find(options->sort) : 0,
		.screen.has_colour = pt_terminal_has_colour(),
	};
	int err;

	if (options->filter)
		snprintf(live.view.filter, sizeof(live.view.filter), "%s", options->filter);
	err = pt_terminal_enter();
	while (!err && !live.view.is_over) {
		if (!live.view.is_paused && pt_now_ns() >= live.next_ns)
			refresh(&live);
		err = draw(&live);
		if (!err)
			err = wait_and_press(&live);
	}
	pt_terminal_leave();
	pt_screen_free(&live.screen);
	free(live.rows.rows);
	pt_top_sample_free(&live.samples[0]);
	pt_top_sample_free(&live.samples[1]);
	return err;
}
