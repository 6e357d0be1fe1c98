// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The verifier's budget: no program comes near what this kernel's verifier is willing to look at,
 * nor grows unannounced. What is announced is tests/vm/verifier.txt, a column for each kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bpf/verifier.h"
#include "tests/unit/exec.h"

#define SHARE_OF_LIMIT 4 /* a quarter */
#define GROWTH         5 /* a fifth */
#define ANNOUNCE       "if that is meant to be, announce it: make verifier-table"

struct budget {
	struct podtag_bpf *skel;
	struct verified programs[VERIFIED_MAX];
	int count;
};

static int load(void **state)
{
	static struct budget budget;

	budget.count = verify_all(&budget.skel, budget.programs);
	if (budget.count < 0)
		print_error("verifier: %s\n", strerror(-budget.count));
	*state = &budget;
	return budget.count < 0 ? -1 : 0;
}

static int unload(void **state)
{
	struct budget *budget = *state;

	podtag_bpf__destroy(budget->skel);
	return 0;
}

/* The number of word in a line of the table, from 0, or -1. */
static int position(const char *line, const char *word)
{
	char copy[512], *save, *part;
	int i = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (part = strtok_r(copy, " \n", &save); part; part = strtok_r(NULL, " \n", &save), i++)
		if (!strcmp(part, word))
			return i;
	return -1;
}

static void word_at(const char *line, int position, char *ret, size_t size)
{
	char copy[512], *save, *part;

	snprintf(copy, sizeof(copy), "%s", line);
	part = strtok_r(copy, " \n", &save);
	while (part && position--)
		part = strtok_r(NULL, " \n", &save);
	snprintf(ret, size, "%s", part ? part : "");
}

/* What the table's column says of a program; "" when it has no such program. */
static void announced(FILE *table, int column, const char *program, char *ret, size_t size)
{
	char line[512];

	ret[0] = '\0';
	rewind(table);
	while (fgets(line, sizeof(line), table))
		if (position(line, program) == 0)
			word_at(line, column, ret, size);
}

/* Opens the table and finds the running kernel's column, -1 when there is none. */
static FILE *open_table(const char *kernel, int *column)
{
	char path[PATH_MAX], line[512];
	FILE *table;

	exec_path(path, sizeof(path), "../tests/vm/verifier.txt");
	table = fopen(path, "re");
	if (!table)
		fail_msg("%s: %s", path, strerror(errno));
	*column = -1;
	while (fgets(line, sizeof(line), table))
		if (position(line, "program") == 0)
			*column = position(line, kernel);
	return table;
}

static void no_program_comes_near_the_limit(void **state)
{
	const struct budget *budget = *state;
	int too_large = 0;

	for (int i = 0; i < budget->count; i++) {
		const struct verified *one = &budget->programs[i];

		if (one->insns <= one->limit / SHARE_OF_LIMIT)
			continue;
		print_message("  %s: %u instructions, of which this kernel allows %u and podtag "
			      "a quarter\n",
			      one->name, one->insns, one->limit);
		too_large++;
	}
	assert_int_equal(too_large, 0);
}

/* Whether a program is what the table says, or less. Says what is wrong. */
static bool is_announced(const struct verified *one, const char *was)
{
	unsigned long number = strtoul(was, NULL, 10);

	if (!*was)
		print_message("  %s: %u instructions, and not in the table; " ANNOUNCE "\n",
			      one->name, one->insns);
	else if (*was == '-' && one->limit)
		print_message("  %s: was not loaded here, is %u instructions; " ANNOUNCE "\n",
			      one->name, one->insns);
	else if (*was != '-' && !one->limit)
		print_message("  %s: was %lu instructions, is not loaded here any more; " ANNOUNCE
			      "\n",
			      one->name, number);
	else if (one->insns > number + number / GROWTH)
		print_message(
			"  %s: was %lu instructions, is %u, more than a fifth above; " ANNOUNCE
			"\n",
			one->name, number, one->insns);
	else
		return true;
	return false;
}

static void no_program_grows_unannounced(void **state)
{
	const struct budget *budget = *state;
	int column, unannounced = 0;
	char kernel[80], was[32];
	FILE *table;

	verifier_kernel(kernel, sizeof(kernel));
	table = open_table(kernel, &column);
	if (column < 0) {
		print_message("  no column %s in tests/vm/verifier.txt\n", kernel);
		fclose(table);
		skip();
	}
	for (int i = 0; i < budget->count; i++) {
		announced(table, column, budget->programs[i].name, was, sizeof(was));
		unannounced += !is_announced(&budget->programs[i], was);
	}
	fclose(table);
	assert_int_equal(unannounced, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_program_comes_near_the_limit),
		cmocka_unit_test(no_program_grows_unannounced),
	};

	return cmocka_run_group_tests_name("verifier budget", tests, load, unload);
}
