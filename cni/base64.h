/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Base64 as Go's encoding/json writes bytes: RFC 4648, section 4. */
#ifndef PT_BASE64_H
#define PT_BASE64_H

#include <stddef.h>

/* Decodes text. Strict: the standard alphabet, padded, no white space, no bits set that say
 * nothing. Returns the bytes with a NUL behind them, which *size does not count, for the caller to
 * free; NULL with errno EINVAL or ENOMEM. */
char *pt_base64_decode(const char *text, size_t *size);

#endif
