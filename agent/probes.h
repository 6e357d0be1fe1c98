/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Probes on the functions of a TLS library, or of a program that has one inside.
 *
 * A probe is on a file, whoever has it mapped, and its pin's name says which file and function. So
 * all there is to know is in bpffs: an agent may end at any time, the probes stay and count, and
 * the next one finds them.
 */
#ifndef PT_PROBES_H
#define PT_PROBES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/types.h"

/* A file, as stat() has it. */
struct pt_file_id {
	dev_t device;
	ino_t inode;
};

static inline bool pt_is_same_file(const struct pt_file_id *a, const struct pt_file_id *b)
{
	return a->inode == b->inode && a->device == b->device;
}

enum pt_probed { PT_PROBED_C, PT_PROBED_GO };

/* Asked about a file that has functions to probe, of libraries in C or of Go's. Returns its slot in
 * map tls_files, or a negative errno when it is not to be probed. */
typedef int pt_slot_fn(int fd, const struct pt_file_id *id, enum pt_probed kind, void *arg);

/* Attaches the datapath's programs to the functions that the open file has; those that are attached
 * stay, but of programs that were replaced. Returns 1, 0 when the file has none of them, or a
 * negative errno, with none probed; what slot_of returns is one. */
int pt_probes_attach(int fd, const struct pt_file_id *id, pt_slot_fn *slot_of, void *arg);

/* The two probes of a call on the code at that offset, for as long as the links are open: the
 * caller closes both. Returns 0 or a negative errno. */
int pt_probes_try(int fd, uint64_t offset, int links[2]);

/* Tells the datapath why a connection is not covered that no probe covers; to be told again
 * whenever probes were taken off that processes still use. */
void pt_probes_tell(enum pt_unseen unseen);

/* Takes all probes off a file. Returns whether there were some. */
bool pt_probes_detach(const struct pt_file_id *id);

/* Calls fn for each file that has probes, maybe several times. A non-zero return ends that, and is
 * returned; so is a negative errno of reading the pins. fn may detach. */
typedef int pt_probed_fn(const struct pt_file_id *id, void *arg);
int pt_probes_each(pt_probed_fn *fn, void *arg);

#endif
