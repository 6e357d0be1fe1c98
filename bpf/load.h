/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the two parts of a load share: load.c, which makes or upgrades the datapath with the lock
 * held, and http.c, whose programs take the verifier longer than an ADD should wait. */
#ifndef PT_LOAD_H
#define PT_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "podtag.skel.h"

/* FNV-1a of this binary's BPF object. */
__u64 pt_object_hash(void);

/* Whether a program of that name is to be loaded. */
typedef bool pt_chosen_fn(const char *dir, const char *program, bool socket_tag);

/* Opens the object and loads the chosen programs with its maps pinned in dir, where those that
 * exist are used again. The caller destroys *ret. */
int pt_object_load(const char *dir, bool socket_tag, pt_chosen_fn *chosen, struct podtag_bpf **ret);

/* Pins the loaded programs in dir, each over what has its name. */
int pt_object_pin(struct podtag_bpf *skel, const char *dir);

/* Lets what jumps through that element of a map run the program of that name, if it is loaded. */
int pt_object_jump(struct podtag_bpf *skel, const char *jump_map, __u32 index, const char *name);

/* In between, text (size bytes, always terminated) takes what libbpf and the kernel warn of. */
void pt_why_begin(char *text, size_t size);
void pt_why_end(int result);

/* Removes a folder of pins. What is not there is no error. */
int pt_pins_remove(const char *dir);

/* Whether it is one of http.c's programs, on whatever kernel. */
bool pt_is_http(const char *program);

#endif
