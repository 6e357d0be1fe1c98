// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/elf.h"

#define SEGMENTS_MAX 64 /* linkers write a dozen */

/* Where an address of a loaded file's code is in the file, or 0. */
static uint64_t offset_of(Elf *elf, size_t segments, uint64_t address)
{
	for (size_t i = 0; i < segments && i < SEGMENTS_MAX; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
		    !(segment.p_flags & PF_X))
			continue;
		if (address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	}
	return 0;
}

/* The symbols of a section that are code here, not what the file uses of others. */
static int find_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, const char *const *names,
		   size_t count, uint64_t *offsets)
{
	const struct pt_elf_strings strings = pt_elf_strings(elf, header->sh_link);
	Elf_Data *data = elf_getdata(section, NULL);
	size_t segments, symbols;
	int found = 0;

	if (!data || !header->sh_entsize || elf_getphdrnum(elf, &segments))
		return 0;
	symbols = header->sh_size / header->sh_entsize;
	for (size_t i = 0; i < symbols; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF)
			continue;
		name = pt_elf_string(&strings, symbol.st_name);
		for (size_t k = 0; k < count; k++) {
			if (offsets[k] || strcmp(name, names[k]) != 0)
				continue;
			offsets[k] = offset_of(elf, segments, symbol.st_value);
			found += offsets[k] != 0;
		}
	}
	return found;
}

int pt_symbols_find(int fd, const char *const *names, size_t count, uint64_t *offsets)
{
	Elf *elf = pt_elf_open(fd);
	Elf_Scn *section = NULL;
	int found = 0;

	memset(offsets, 0, count * sizeof(*offsets));
	if (!elf)
		return -ENOEXEC;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
			found += find_in(elf, section, &header, names, count, offsets);
	}
	elf_end(elf);
	return found;
}

/* What follows a name like OPENSSL_, if it is a number. */
static const char *number_of(const char *name)
{
	const char *number = strchr(name, '_');

	return number && number[1] >= '0' && number[1] <= '9' ? number + 1 : NULL;
}

/* The highest number in a section of version definitions, or NULL. */
static const char *newest_version(Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	const struct pt_elf_strings strings = pt_elf_strings(elf, header->sh_link);
	Elf_Data *data = elf_getdata(section, NULL);
	const char *newest = NULL;
	size_t offset = 0;

	for (unsigned int i = 0; data && i < header->sh_info; i++) {
		const char *number;
		GElf_Verdef definition;
		GElf_Verdaux first;

		if (!gelf_getverdef(data, (int)offset, &definition) ||
		    definition.vd_aux > data->d_size - offset ||
		    !gelf_getverdaux(data, (int)(offset + definition.vd_aux), &first))
			break;
		number = number_of(pt_elf_string(&strings, first.vda_name));
		if (number && (!newest || strverscmp(number, newest) > 0))
			newest = number;
		/* only forward, or there need be no end */
		if (definition.vd_next < sizeof(definition) ||
		    definition.vd_next > data->d_size - offset)
			break;
		offset += definition.vd_next;
	}
	return newest;
}

void pt_symbols_version(int fd, char *ret, size_t size)
{
	Elf *elf = pt_elf_open(fd);
	Elf_Scn *section = NULL;
	const char *newest = NULL;

	while (elf && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_verdef)
			newest = newest_version(elf, section, &header);
	}
	snprintf(ret, size, "%s", newest ? newest : "");
	elf_end(elf);
}
