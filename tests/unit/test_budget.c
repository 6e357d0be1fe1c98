// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Unit tests of agent/budget.c and agent/tls_files.c: what probes may cost, and what is counted of
 * a file for longer than it is probed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/budget.h"
#include "agent/tls_files.h"

#define SECOND_NS  1000000000ull
#define MINUTES_NS (60 * SECOND_NS)

static const struct pt_file_id one = { 1, 11 }, other = { 1, 12 };

/* 10 % of a CPU, which 10,000 calls a second cost. */
static const struct pt_budget budget = { .percent = 10, .call_ns = 10000 };

/* Seconds until a file is past its budget that is called so often, 0: not within the hour. */
static int lasts(uint64_t calls_per_second)
{
	struct pt_spending spending;
	struct pt_meter meter = {};

	for (int i = 0; i < 3600; i += PT_BUDGET_LOOK_SECONDS)
		if (pt_meter_is_over(&meter, &budget, &one, i * calls_per_second,
				     (1000 + i) * SECOND_NS, &spending))
			return i;
	return 0;
}

static void much_is_too_much_at_once_and_little_later(void **state)
{
	(void)state;
	assert_int_equal(lasts(0), 0);
	assert_int_equal(lasts(9999), 0);
	assert_int_equal(lasts(10000), 0);
	assert_int_equal(lasts(11000), 102);
	assert_int_equal(lasts(20000), 12);
	assert_int_equal(lasts(100000), 2);
	assert_int_equal(lasts(10000000), 2);
}

static void what_was_spent_is_told(void **state)
{
	struct pt_spending spending;
	struct pt_meter meter = {};

	(void)state;
	assert_false(pt_meter_is_over(&meter, &budget, &one, 5, SECOND_NS, &spending));
	assert_int_equal(spending.calls_per_second, 0);
	assert_true(pt_meter_is_over(&meter, &budget, &one, 250005, 3 * SECOND_NS, &spending));
	assert_int_equal(spending.calls_per_second, 125000);
	assert_int_equal((int)(spending.percent + 0.5), 125);
}

/* A counter goes on where others left it, and is no news. */
static void another_file_begins_anew(void **state)
{
	struct pt_spending spending;
	struct pt_meter meter = {};

	(void)state;
	assert_false(pt_meter_is_over(&meter, &budget, &one, 0, SECOND_NS, &spending));
	assert_false(pt_meter_is_over(&meter, &budget, &other, 1u << 30, 3 * SECOND_NS, &spending));
	assert_false(pt_meter_is_over(&meter, &budget, &other, 1u << 30, 5 * SECOND_NS, &spending));
	assert_true(pt_meter_is_over(&meter, &budget, &other, 1u << 31, 7 * SECOND_NS, &spending));
}

static void pauses_double_for_who_does_not_last(void **state)
{
	static const int minutes[] = { 10, 20, 40, 80, 160, 160 };
	struct pt_tls_file file = {};
	uint64_t now_ns = SECOND_NS;

	(void)state;
	for (size_t i = 0; i < sizeof(minutes) / sizeof(*minutes); i++) {
		pt_budget_cut(&file, now_ns);
		assert_int_equal(file.pause_ns, minutes[i] * MINUTES_NS);
		assert_int_equal(file.retry_ns, now_ns + file.pause_ns);
		assert_int_equal(file.over_budget, i + 1);
		now_ns = file.retry_ns + file.pause_ns - SECOND_NS;
	}
	pt_budget_cut(&file, file.retry_ns + file.pause_ns + SECOND_NS);
	assert_int_equal(file.pause_ns, 10 * MINUTES_NS);
}

static struct pt_tls_file files[PT_TLS_FILES];
static struct pt_targets targets;

static int forget_all(void **state)
{
	(void)state;
	memset(files, 0, sizeof(files));
	memset(&targets, 0, sizeof(targets));
	return 0;
}

static uint32_t take(ino_t inode, const char *library)
{
	struct pt_target target = { .id = { 1, inode }, .version = "3" };
	uint32_t slot;

	snprintf(target.library, sizeof(target.library), "%s", library);
	slot = pt_tls_file_take(files, &targets, &target);
	files[slot].taken_ns = inode; /* the clock may stand still for as long as this takes */
	return slot;
}

static uint64_t calls_of(uint32_t slot)
{
	struct pt_tls_counts counts;

	return pt_tls_files_sum(files, slot, &counts) ? counts.calls : 0;
}

static void a_file_has_one_slot_and_a_library_one_sum(void **state)
{
	struct pt_target target = { .id = { 1, 11 } };
	struct pt_tls_counts counts;

	(void)state;
	assert_int_equal(take(11, "a"), 1);
	assert_int_equal(take(12, "a"), 2);
	assert_int_equal(take(13, "b"), 3);
	assert_int_equal(take(11, "a"), 1);
	files[1].calls = 5;
	files[2].calls = 7;
	files[3].calls = 100;
	files[2].over_budget = 1;
	assert_true(pt_tls_files_sum(files, 1, &counts));
	assert_int_equal(counts.calls, 12);
	assert_int_equal(counts.over_budget, 1);
	assert_false(pt_tls_files_sum(files, 2, &counts));
	assert_int_equal(calls_of(3), 100);
	assert_false(pt_tls_files_sum(files, 4, &counts));

	/* another file with the number of one that is gone */
	assert_int_equal(take(11, "c"), 4);
	assert_int_equal(calls_of(1), 12);
	files[4].taken_ns = 99;
	pt_tls_file_recall(files, &target);
	assert_int_equal(target.slot, 4);
	assert_string_equal(target.library, "c");
}

/* Whoever has been idle for longest goes, and its library's counter stays. */
static void a_full_table_gives_up_what_is_not_probed(void **state)
{
	(void)state;
	for (ino_t inode = 1; inode < PT_TLS_FILES; inode++) {
		assert_int_equal(take(inode, inode % 2 ? "odd" : "even"), inode);
		files[inode].calls = inode;
	}
	assert_non_null(pt_target_add(&targets, &(struct pt_file_id){ 1, 1 }));
	assert_int_equal(calls_of(1), 128 * 128);
	assert_int_equal(calls_of(2), 127 * 128);

	assert_int_equal(take(1000, "new"), 2);
	assert_int_equal(calls_of(2), 0);
	assert_int_equal(calls_of(4), 127 * 128);
	assert_int_equal(take(1001, "new"), 3);
	assert_int_equal(calls_of(1), 128 * 128);
	assert_int_equal(take(2, "even"), 4); /* it is back, as a newcomer */
	files[4].calls += 3;
	assert_int_equal(calls_of(4), 127 * 128 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_is_too_much_at_once_and_little_later),
		cmocka_unit_test(what_was_spent_is_told),
		cmocka_unit_test(another_file_begins_anew),
		cmocka_unit_test(pauses_double_for_who_does_not_last),
		cmocka_unit_test_setup(a_file_has_one_slot_and_a_library_one_sum, forget_all),
		cmocka_unit_test_setup(a_full_table_gives_up_what_is_not_probed, forget_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
