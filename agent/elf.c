// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/elf.h"

Elf *pt_elf_open(int fd)
{
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64)
		return elf;
	elf_end(elf);
	return NULL;
}

struct pt_elf_strings pt_elf_strings(Elf *elf, size_t index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	const Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	const char *text = data ? data->d_buf : NULL;

	if (!text || !data->d_size || text[data->d_size - 1])
		return (struct pt_elf_strings){};
	return (struct pt_elf_strings){ text, data->d_size };
}

const char *pt_elf_string(const struct pt_elf_strings *strings, size_t offset)
{
	return offset < strings->size ? strings->text + offset : "";
}
