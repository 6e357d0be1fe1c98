/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Standard input and output as a CNI plugin needs them. */
#ifndef PT_IO_H
#define PT_IO_H

#include <stddef.h>

/* What a runtime may send: prevResult, annotations and a GC list fit in many times over. */
#define PT_STDIN_MAX (4 * 1024 * 1024)

/* Puts something harmless in the place of standard descriptors that are closed. Otherwise the next
 * open(), of a lock or a map, would become "stdout". */
void pt_stdio_reserve(void);

/* Writes all of it. Async-signal-safe. Returns 0 or a negative errno. */
int pt_write_all(int fd, const char *text, size_t size);

/* Reads fd to its end. quiet_ms: give up with what is there after that long without a byte (-1:
 * never). Returns 0 with *text terminated, for the caller to free; -EFBIG: more than PT_STDIN_MAX;
 * or another negative errno. */
int pt_read_all(int fd, int quiet_ms, char **text, size_t *size);

#endif
