/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The plugin's binary in the runtime's folder of plugins. */
#ifndef PT_BINARY_H
#define PT_BINARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum pt_kind { PT_KIND_PODTAG, PT_KIND_PASS, PT_KINDS };

/* What is in the folder under podtag's name: one of the programs that podtag-install carries, byte
 * for byte (enum pt_kind); PT_KINDS: something else; or a negative errno, -ENOENT among them. */
int pt_binary_look(const char *bin_dir);

/* How many bytes that program has. */
size_t pt_binary_size(enum pt_kind kind);

/* Puts that program there, unless it is there already. It has answered VERSION before it gets its
 * name. Returns 1 when it was written, 0 when it was there; -1 with a complaint. */
int pt_binary_put(const char *bin_dir, enum pt_kind kind);

/* The versions of CNI that the plugin in the folder says it supports. NULL, with a complaint: it
 * gives no such answer. */
json_t *pt_binary_versions(const char *bin_dir);

/* What it says its own version is, for the caller to free; NULL: nothing. */
char *pt_binary_version(const char *bin_dir);

/* Takes everything of podtag out of the kernel. Returns 0, or -1 with a complaint. */
int pt_binary_unload(void);

#endif
