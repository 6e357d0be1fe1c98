// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What podtag top sends to a terminal, and what it makes of the bytes that come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "top/keys.h"
#include "top/view.h"

static char *flush(struct pt_screen *screen)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	pt_screen_flush(screen, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_sent(struct pt_screen *screen, const char *expected)
{
	char *text = flush(screen);

	assert_string_equal(text, expected);
	free(text);
}

static void only_what_differs_is_sent(void **state)
{
	struct pt_screen screen = { .has_colour = true };
	(void)state;

	assert_int_equal(pt_screen_begin(&screen, 3, 20), 0);
	pt_screen_put(&screen, 1, 2, 20, PT_BOLD | PT_RED, "one");
	assert_sent(&screen, "\033[0m\033[2J\033[2;3H\033[0;1;31mone\033[0m");
	assert_sent(&screen, "");

	assert_int_equal(pt_screen_begin(&screen, 3, 20), 0);
	pt_screen_put(&screen, 1, 2, 20, PT_BOLD | PT_RED, "two");
	pt_screen_put(&screen, 2, 19, 20, PT_PLAIN, "xyz");
	assert_sent(&screen, "\033[2;3H\033[0;1;31mtwo\033[3;20H\033[0mx");

	screen.is_known = false; /* somebody else wrote on it */
	assert_sent(&screen, "\033[0m\033[2J\033[2;3H\033[0;1;31mtwo\033[3;20H\033[0mx");
	pt_screen_free(&screen);
}

static void without_colours_there_are_none(void **state)
{
	struct pt_screen screen = {};
	(void)state;

	assert_int_equal(pt_screen_begin(&screen, 1, 9), 0);
	pt_screen_put(&screen, 0, 0, 20, PT_REVERSE | PT_RED, "a");
	assert_sent(&screen, "\033[0m\033[2J\033[1;1H\033[0;7ma\033[0m");
	pt_screen_free(&screen);
}

/* No byte that is put there commands the terminal. */
static void text_is_printable_whatever_it_was(void **state)
{
	struct pt_screen screen = {};
	char all[256], *sent;
	(void)state;

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	assert_int_equal(pt_screen_begin(&screen, 1, 255), 0);
	assert_int_equal(pt_screen_put(&screen, 0, 0, 300, PT_PLAIN, all), 255);
	sent = flush(&screen);
	for (const char *at = sent + strlen("\033[0m\033[2J\033[1;1H"); *at; at++)
		assert_in_range(*at, ' ', '~');
	free(sent);
	pt_screen_free(&screen);
}

static void what_is_outside_is_left_out(void **state)
{
	struct pt_screen screen = {};
	(void)state;

	assert_int_equal(pt_screen_begin(&screen, 2, 3), 0);
	pt_screen_put(&screen, -1, 0, 9, PT_PLAIN, "a");
	pt_screen_put(&screen, 2, 0, 9, PT_PLAIN, "b");
	pt_screen_put(&screen, 0, -2, 9, PT_PLAIN, "cdef");
	pt_screen_put(&screen, 1, 1, 1, PT_PLAIN, "gh");
	pt_screen_style(&screen, 1, -5, 99, PT_BOLD);
	pt_screen_style(&screen, 7, 0, 99, PT_BOLD);
	assert_sent(&screen, "\033[0m\033[2J\033[1;1Hef\033[2;1H\033[0;1m g \033[0m");
	assert_int_equal(pt_screen_begin(&screen, 0, -1), 0);
	assert_int_equal(screen.rows * screen.columns, 1);
	assert_int_equal(pt_screen_begin(&screen, 100000, 100000), 0);
	assert_int_equal(screen.rows * screen.columns, PT_SCREEN_MAX * PT_SCREEN_MAX);
	pt_screen_free(&screen);
}

static void take_keys(const char *bytes, bool is_all, const int *expected)
{
	struct pt_keys keys = { .count = strlen(bytes) };
	int key;

	memcpy(keys.bytes, bytes, keys.count);
	do {
		key = pt_keys_next(&keys, is_all);
		assert_int_equal(key, *expected);
	} while (*expected++);
}

#define KEYS(bytes, is_all, ...)                                                                   \
	take_keys(bytes, is_all, (const int[]){ __VA_ARGS__ __VA_OPT__(, ) 0 })

static void keys_are_what_terminals_send(void **state)
{
	(void)state;
	KEYS("q/\r\n\177\b", false, 'q', '/', PT_KEY_ENTER, PT_KEY_ENTER, PT_KEY_BACKSPACE,
	     PT_KEY_BACKSPACE);
	KEYS("\033[A\033OB\033[C\033[1;2D", false, PT_KEY_UP, PT_KEY_DOWN, PT_KEY_RIGHT,
	     PT_KEY_LEFT);
	KEYS("\033[H\033[1~\033[7~\033[F\033[4~\033OF", false, PT_KEY_HOME, PT_KEY_HOME,
	     PT_KEY_HOME, PT_KEY_END, PT_KEY_END, PT_KEY_END);
	KEYS("\033[5~\033[6~\033[3~\033[15~", false, PT_KEY_PAGE_UP, PT_KEY_PAGE_DOWN, PT_KEY_OTHER,
	     PT_KEY_OTHER);
	KEYS("\303\244", false, PT_KEY_OTHER, PT_KEY_OTHER);
	/* in parts */
	KEYS("\033", false, 0);
	KEYS("\033", true, PT_KEY_ESCAPE);
	KEYS("\033[", false, 0);
	KEYS("\033[1;", false, 0);
	KEYS("\033[1;", true, PT_KEY_OTHER);
	KEYS("\033O", true, PT_KEY_OTHER);
	KEYS("\033q", false, PT_KEY_ESCAPE, 'q');
	KEYS("\033\033[A", false, PT_KEY_ESCAPE, PT_KEY_UP);
	/* broken off by another one */
	KEYS("\033[1\033[A", false, PT_KEY_OTHER, PT_KEY_UP);
}

/* Pods enough to scroll, with names as hostile as can be, at any size and on each page. */
static void every_page_fits_every_screen(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 8, 30 }, { 24, 80 }, { 50, 200 } };
	static const int keys[] = { 'h', PT_KEY_END,  PT_KEY_ESCAPE, PT_KEY_END, PT_KEY_ENTER,
				    'G', PT_KEY_DOWN, PT_KEY_ESCAPE, '/',        'x' };
	struct pt_pod_record pods[40] = {};
	struct pt_top_sample older = {}, newer = { { pods, 40 }, 1 };
	struct pt_screen screen = {};
	struct pt_top_rows rows;
	char *sent;
	(void)state;

	for (int i = 0; i < 40; i++) {
		pods[i].id = 1 + i;
		strcpy(pods[i].pod.namespace, "\033]0;shop\a");
		snprintf(pods[i].pod.name, sizeof(pods[i].pod.name), "%*d\n\033[2J\303", i * 5, i);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct pt_top_view view = {};

		for (size_t k = 0; k <= sizeof(keys) / sizeof(*keys); k++) {
			assert_int_equal(pt_top_rows_make(&older, &newer, view.pod, &rows), 0);
			pt_top_arrange(&view, &rows);
			assert_int_equal(pt_screen_begin(&screen, sizes[i][0], sizes[i][1]), 0);
			pt_top_draw(&view, &rows, &screen);
			assert_true(view.chosen < 40 && view.first >= 0);
			screen.is_known = false;
			sent = flush(&screen);
			assert_null(strpbrk(sent, "\n\a\303"));
			assert_null(strstr(sent, "\033]"));
			free(sent);
			if (k < sizeof(keys) / sizeof(*keys))
				pt_top_press(&view, &rows, keys[k]);
			free(rows.rows);
		}
		assert_string_equal(view.filter, "x");
		assert_int_equal(view.page, PT_TOP_PODS);
	}
	pt_screen_free(&screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs_is_sent),
		cmocka_unit_test(without_colours_there_are_none),
		cmocka_unit_test(text_is_printable_whatever_it_was),
		cmocka_unit_test(what_is_outside_is_left_out),
		cmocka_unit_test(keys_are_what_terminals_send),
		cmocka_unit_test(every_page_fits_every_screen),
	};

	return cmocka_run_group_tests_name("top_screen", tests, NULL, NULL);
}
