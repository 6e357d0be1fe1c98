/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The functions of a Go program, by the table that it carries for its own tracebacks, and that
 * stripping leaves. Go 1.18 and newer: before that its functions were called otherwise, too.
 *
 * Its layout: https://go.dev/s/go12symtab, and runtime/symtab.go.
 */
#ifndef PT_PCLNTAB_H
#define PT_PCLNTAB_H

#include <stddef.h>
#include <stdint.h>

#define PT_GO_RETURNS_MAX 32
#define PT_GO_NAMES_MAX   4

/* Offsets in the file. */
struct pt_go_function {
	uint64_t entry;
	uint64_t returns[PT_GO_RETURNS_MAX]; /* its return instructions */
	size_t count;
};

/* Finds functions of the open file by their full names, at most PT_GO_NAMES_MAX. Returns 1 when it
 * has all of them, 0 when it is no Go program or lacks one, -ENOTSUP for a table of another
 * version, -EBADMSG when the table contradicts the code, -ENOMEM. */
int pt_pclntab_find(int fd, const char *const *names, size_t count, struct pt_go_function *ret);

/* Copies the version of Go that the open file was built with, without "go", or an empty text. */
void pt_pclntab_version(int fd, char *ret, size_t size);

#endif
