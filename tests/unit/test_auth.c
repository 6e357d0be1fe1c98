// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Basic auth: who passes, who does not, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "agent/auth.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

/* of "secret" at the usual cost, and of "pass:word" and "other" */
#define SECRET    "$2y$10$98UELypfPaQsaTL9sz6v3OBbBooHkfzREy373hC4xtIYS.WjRdahy"
#define PASS_WORD "$2y$10$dirl8ipVx7CjFsxqUPV3Be/8446qxufnzNdQRtxNWJy1w5IbBdgHS"
#define OTHER     "$2y$04$jV/6W2Fo5W1nEO.7hzbyGerufA7IBxjuVbztYtzbU9PcjDjecC6Ja"

static struct pt_web_user users[] = {
	{ "scraper", SECRET },
	{ "colon", PASS_WORD },
	{ "tiny", OTHER },
	{ "", OTHER },
};
static const struct pt_web_config config = { .users = users, .user_count = LENGTH(users) };

static enum pt_auth_verdict check_bytes(struct pt_auth *auth, const char *credentials, size_t size,
					const char *peer)
{
	char header[4096] = "Basic ";

	EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)credentials, (int)size);
	return pt_auth_check(auth, &config, header, peer);
}

static enum pt_auth_verdict check(struct pt_auth *auth, const char *credentials, const char *peer)
{
	return check_bytes(auth, credentials, strlen(credentials), peer);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void right_ones_pass(void **state)
{
	struct pt_auth *auth = pt_auth_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check(auth, "scraper:secret", "a"), PT_AUTH_PASSED);
		assert_int_equal(check(auth, "colon:pass:word", "a"), PT_AUTH_PASSED);
		assert_int_equal(check(auth, "tiny:other", "a"), PT_AUTH_PASSED);
		assert_int_equal(check(auth, ":other", "a"), PT_AUTH_PASSED);
	}
	assert_int_equal(pt_auth_check(auth, &config, "bAsIc   dGlueTpvdGhlcg==", "a"),
			 PT_AUTH_PASSED);
	pt_auth_free(auth);
}

static void wrong_ones_do_not(void **state)
{
	static const char *const wrong[] = {
		"scraper:other",   "scraper:",    "scraper:secret ", "scraper:Secret",
		"scraper:" SECRET, "tiny:secret", "tiny:",           "nobody:secret",
		"nobody:",         ":secret",     "Scraper:secret",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		struct pt_auth *auth = pt_auth_new(); /* which has seen no wrong one yet */

		print_message("  %s\n", wrong[i]);
		check(auth, "scraper:secret", "a");
		check(auth, "tiny:other", "a");
		assert_int_equal(check(auth, wrong[i], "a"), PT_AUTH_WRONG);
		pt_auth_free(auth);
	}
}

/* They cost nothing, so none of them is put off. */
static void what_is_no_basic_auth_is_wrong(void **state)
{
	static const char *const headers[] = {
		"",
		"Basic",
		"Basic ",
		"Basic =",
		"Basic ====",
		"Basic dGlueTpvdGhlcg",
		"Basic dGlueTpvdGhlcg=",
		"Basic dGlueTpvdGhlcg==x",
		"Basic dGlu eTpvdGhlcg==",
		"Bearer dGlueTpvdGhlcg==",
		"Basic tiny:other",
		"Digest username=\"tiny\"",
		"Basic dGlueQ==" /* no colon */,
		"Basic \xff\xff\xff\xff",
	};
	struct pt_auth *auth = pt_auth_new();
	static char huge[8192] = "Basic ";

	(void)state;
	for (int turn = 0; turn < 20; turn++)
		for (size_t i = 0; i < LENGTH(headers); i++)
			assert_int_equal(pt_auth_check(auth, &config, headers[i], "a"),
					 PT_AUTH_WRONG);
	assert_int_equal(pt_auth_check(auth, &config, NULL, "a"), PT_AUTH_WRONG);
	for (size_t size = 990; size < 1060; size++) {
		memset(huge + 6, 'Q', size);
		huge[6 + size] = '\0';
		assert_int_equal(pt_auth_check(auth, &config, huge, "a"), PT_AUTH_WRONG);
	}
	/* for bcrypt the password would end there */
	assert_int_equal(check_bytes(auth, "tiny:other\0x", 12, "a"), PT_AUTH_WRONG);
	assert_int_equal(check_bytes(auth, "tiny\0:other", 11, "a"), PT_AUTH_WRONG);
	assert_int_equal(check(auth, "tiny:other", "a"), PT_AUTH_PASSED);
	pt_auth_free(auth);
}

static void a_guesser_keeps_nobody_else_out(void **state)
{
	struct pt_auth *auth = pt_auth_new();

	(void)state;
	assert_int_equal(check(auth, "tiny:other", "bad"), PT_AUTH_PASSED);
	assert_int_equal(check(auth, "scraper:guess", "bad"), PT_AUTH_WRONG);
	/* the first one was not known for it yet; from the second on it is */
	assert_int_equal(check(auth, "scraper:guess", "bad"), PT_AUTH_WRONG);
	assert_int_equal(check(auth, "scraper:guess", "bad"), PT_AUTH_LATER);
	assert_int_equal(check(auth, "scraper:secret", "bad"), PT_AUTH_LATER);
	usleep(20000);
	assert_int_equal(check(auth, "tiny:other", "bad"), PT_AUTH_PASSED); /* seen before */
	for (int i = 0; check(auth, "scraper:guess", "bad") == PT_AUTH_LATER; i++) {
		assert_true(i < 1000); /* a second, where nothing is emulated */
		usleep(100000);
	}
	assert_int_equal(check(auth, "scraper:secret", "good"), PT_AUTH_PASSED);
	assert_int_equal(check(auth, "scraper:secret", "bad"), PT_AUTH_PASSED);
	pt_auth_free(auth);
}

static double time_of(const char *credentials)
{
	struct pt_auth *auth = pt_auth_new();
	clock_t begin = clock();

	assert_int_equal(check(auth, credentials, "a"), PT_AUTH_WRONG);
	begin = clock() - begin;
	pt_auth_free(auth);
	return (double)begin / CLOCKS_PER_SEC;
}

static void wrong_ones_take_a_fifth_of_the_time_at_most(void **state)
{
	struct pt_auth *auth = pt_auth_new();
	const double one = time_of("scraper:guess"), end = seconds() + 50 * one;
	char peer[16];
	clock_t cpu;
	int looked_at = 0, put_off = 0;

	(void)state;
	cpu = clock();
	for (int i = 0; seconds() < end; i++) {
		enum pt_auth_verdict verdict;

		snprintf(peer, sizeof(peer), "peer%d", i % 40); /* more than are kept in mind */
		verdict = check(auth, i % 2 ? "scraper:guess" : "nobody:guess", peer);
		assert_int_not_equal(verdict, PT_AUTH_PASSED);
		looked_at += verdict == PT_AUTH_WRONG;
		put_off += verdict == PT_AUTH_LATER;
		usleep(1000);
	}
	cpu = clock() - cpu;
	print_message("  %d looked at, %d put off, %.2f s\n", looked_at, put_off,
		      (double)cpu / CLOCKS_PER_SEC);
	assert_in_range(looked_at, 2, 20);
	assert_in_range(put_off, 2 * looked_at, 1 << 20);
	assert_true((double)cpu / CLOCKS_PER_SEC < 50 * one / 3);
	pt_auth_free(auth);
}

static void nobody_learns_who_is_a_user(void **state)
{
	const double known = time_of("scraper:guess"), unknown = time_of("nobody:guess");

	(void)state;
	print_message("  %.3f s, %.3f s\n", known, unknown);
	assert_true(known > 0.01 && unknown > known / 3 && unknown < known * 3);
}

static void a_new_hash_ends_what_was_remembered(void **state)
{
	struct pt_auth *auth = pt_auth_new();

	(void)state;
	assert_int_equal(check(auth, "tiny:other", "a"), PT_AUTH_PASSED);
	strcpy(users[2].hash, SECRET);
	assert_int_equal(check(auth, "tiny:other", "a"), PT_AUTH_WRONG);
	assert_int_equal(check(auth, "tiny:secret", "b"), PT_AUTH_LATER);
	strcpy(users[2].hash, OTHER);
	assert_int_equal(check(auth, "tiny:other", "a"), PT_AUTH_PASSED);
	pt_auth_free(auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_ones_pass),
		cmocka_unit_test(wrong_ones_do_not),
		cmocka_unit_test(what_is_no_basic_auth_is_wrong),
		cmocka_unit_test(a_guesser_keeps_nobody_else_out),
		cmocka_unit_test(wrong_ones_take_a_fifth_of_the_time_at_most),
		cmocka_unit_test(nobody_learns_who_is_a_user),
		cmocka_unit_test(a_new_hash_ends_what_was_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
