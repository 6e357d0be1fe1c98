/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Functions in an ELF file, by their dynamic and static symbols. */
#ifndef PT_SYMBOLS_H
#define PT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* Where in the open file each of the names begins, in bytes from its start, or 0: it has no code of
 * that name. Returns how many were found, or a negative errno: -ENOEXEC, this is no ELF file that
 * can be understood. The file may be anything; it is read, never mapped. */
int pt_symbols_find(int fd, const char *const *names, size_t count, uint64_t *offsets);

/* The newest version that the file defines symbols of: "3.0.3" where that is OPENSSL_3.0.3,
 * "3_6_13" where it is GNUTLS_3_6_13; empty where there is none. */
void pt_symbols_version(int fd, char *ret, size_t size);

#endif
