/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ELF files that may say anything of themselves: what is read of one takes time as its size, not as
 * what it says. */
#ifndef PT_ELF_H
#define PT_ELF_H

#include <stddef.h>

#include <gelf.h>
#include <libelf.h>

/* Returns NULL where the open file is no ELF file of 64 bits. It is read, never mapped; the caller
 * ends it with elf_end(). */
Elf *pt_elf_open(int fd);

/* A section's strings, whose last one ends. */
struct pt_elf_strings {
	const char *text;
	size_t size; /* bytes, 0: there are none */
};

/* Of the section with this index, as long as the file is not ended. elf_strptr() makes sure with
 * each string anew that it ends, by going through all that follows. */
struct pt_elf_strings pt_elf_strings(Elf *elf, size_t index);

/* Returns the string at this offset, empty where there is none. */
const char *pt_elf_string(const struct pt_elf_strings *strings, size_t offset);

#endif
