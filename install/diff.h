/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What an edit would change, for people to read. */
#ifndef PT_DIFF_H
#define PT_DIFF_H

/* Prints the difference of two texts to stdout as one hunk of a unified diff. A text that is NULL
 * is a file that does not exist. */
void pt_diff_print(const char *path, const char *before, const char *after);

#endif
