/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every fuzzing target shares: taking an input apart, and saying what must hold. */
#ifndef PT_FUZZ_H
#define PT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. Never compiled out. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_broken(__FILE__, __LINE__, #condition);                               \
	} while (0)

_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* The part of an input that is not used yet. */
struct fuzz {
	const uint8_t *at;
	size_t left;
};

/* Fills to from the next bytes; with zeros when they run out. */
void fuzz_take(struct fuzz *in, void *to, size_t size);

uint8_t fuzz_byte(struct fuzz *in);

/* The text up to the next NUL or the end, for the caller to free. */
char *fuzz_text(struct fuzz *in);

/* All that is left, terminated, for the caller to free. */
char *fuzz_rest(struct fuzz *in, size_t *size);

/* By jansson, which checks it on its own. */
bool fuzz_is_utf8(const char *text, size_t size);

/* The same, and no control characters either: C0, DEL and C1. */
bool fuzz_is_clean(const char *text, size_t size);

/* A terminated text in a field of that size, clean, and nothing but zeros behind it. */
bool fuzz_is_field(const char *field, size_t size);

/* What was written to a descriptor since the last call: it is replaced by an anonymous file at the
 * first one. Terminated, good until the next call. */
const char *fuzz_written(int fd, size_t *size);

/* The descriptor that comes next. Another one than before: something was left open. */
int fuzz_free_fd(void);

#endif
