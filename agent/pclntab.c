// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A file may say anything of itself, and be of any size: nothing is read but through a window.
 *
 * Where a function returns needs no disassembler: the table tells by how much the stack pointer
 * differs from that at the entry, and there it is again just at the return instructions.
 */
#include "agent/pclntab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/elf.h"

#define WINDOW 65536

/* internal/abi: the layouts that this reads, of Go 1.18 and 1.20 */
#define MAGIC_118 0xfffffff0
#define MAGIC_120 0xfffffff1

/* Text of C may come before that of Go, where both are linked. */
#define TEXT_BEFORE_MAX (1u << 20)
#define TEXT_ALIGN      16

#define VARINT_MAX 5 /* bytes */
#define TABLE_MAX  (1ull << 30)

/* Enough to go four times through the largest table. */
#define READS_MAX (4 * TABLE_MAX / WINDOW)

struct window {
	int fd;
	unsigned int reads;
	uint64_t start;
	size_t size;
	unsigned char bytes[WINDOW];
};

/* runtime.pcHeader */
struct header {
	uint32_t magic;
	uint8_t zero[2];
	uint8_t quantum; /* the least size of an instruction */
	uint8_t pointer_size;
	uint64_t functions;
	uint64_t files;
	uint64_t text; /* not since 1.26 */
	uint64_t names;
	uint64_t units;
	uint64_t file_names;
	uint64_t pc_tables;
	uint64_t table;
};

/* runtime.functab */
struct entry {
	uint32_t pc; /* from the beginning of Go's text on */
	uint32_t function;
};

/* runtime._func, its beginning */
struct function {
	uint32_t pc;
	int32_t name;
	int32_t args;
	uint32_t deferreturn;
	uint32_t stack; /* in pc_tables */
};

/* What is looked for of one function: places are from the beginning of Go's text on. */
struct wanted {
	const char *name;
	int64_t name_offset; /* among the names, -1: not found */
	uint32_t pc, end;
	uint32_t stack;
	bool is_found;
	uint32_t returns[PT_GO_RETURNS_MAX];
	size_t count;
	uint32_t tail; /* what may return and then asks for a larger stack, or 0 */
};

struct table {
	struct window window, second;
	uint64_t start, size; /* of the section, in the file */
	uint64_t text, text_size;
	struct header header;
	struct wanted wanted[PT_GO_NAMES_MAX];
	size_t count;
};

/* Returns that many bytes of the file, which stay until the next call, or NULL. A file that sends
 * its reader to and fro, or is empty and endless, is given up. */
static const void *look_at(struct window *window, uint64_t offset, size_t size)
{
	if (offset < window->start || offset - window->start + size > window->size) {
		ssize_t got = window->reads++ < READS_MAX
				      ? pread(window->fd, window->bytes, WINDOW, (off_t)offset)
				      : -1;

		window->start = offset;
		window->size = got < 0 ? 0 : got;
	}
	return offset - window->start + size <= window->size
		       ? window->bytes + (offset - window->start)
		       : NULL;
}

/* The same, of the table. */
static const void *look_in(const struct table *table, struct window *window, uint64_t offset,
			   size_t size)
{
	if (offset > table->size || size > table->size - offset)
		return NULL;
	return look_at(window, table->start + offset, size);
}

/* The same, copied: a file's structs need not be where C has them. */
static bool read_in(const struct table *table, struct window *window, uint64_t offset, void *ret,
		    size_t size)
{
	const void *bytes = look_in(table, window, offset, size);

	if (bytes)
		memcpy(ret, bytes, size);
	return bytes;
}

static bool is_named(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/* Returns 1 when the file has a section of one of these names. */
static int find_section(Elf *elf, const char *const *names, GElf_Shdr *ret)
{
	struct pt_elf_strings strings;
	Elf_Scn *section = NULL;
	size_t index;

	if (elf_getshdrstrndx(elf, &index))
		return 0;
	strings = pt_elf_strings(elf, index);
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, ret) && ret->sh_type == SHT_PROGBITS &&
		    is_named(pt_elf_string(&strings, ret->sh_name), names))
			return 1;
	return 0;
}

/* Returns 1 when the file has the table. */
static int find_table(int fd, struct table *table)
{
	static const char *const tables[] = { ".gopclntab", ".data.rel.ro.gopclntab", NULL };
	static const char *const texts[] = { ".text", NULL };
	GElf_Shdr pclntab, text;
	Elf *elf = pt_elf_open(fd);
	int found;

	found = elf && find_section(elf, tables, &pclntab) && find_section(elf, texts, &text);
	elf_end(elf);
	if (!found)
		return 0;
	table->start = pclntab.sh_offset;
	table->size = pclntab.sh_size;
	table->text = text.sh_offset;
	table->text_size = text.sh_size;
	return 1;
}

static int read_header(struct table *table)
{
	struct header *header = &table->header;

	if (!read_in(table, &table->window, 0, header, sizeof(*header)))
		return -EBADMSG;
	if (header->magic != MAGIC_118 && header->magic != MAGIC_120) {
		/* the names are somewhere */
		header->names = 0;
		header->units = table->size;
		return -ENOTSUP;
	}
	if (table->size > TABLE_MAX || header->pointer_size != 8 || !header->quantum ||
	    header->names > header->units || header->functions > table->size / sizeof(struct entry))
		return -EBADMSG;
	return 0;
}

/* Where among the names that one is, each of which ends with a NUL. */
static int64_t find_name(struct table *table, const char *name)
{
	uint64_t end = table->header.units, at = table->header.names;
	size_t size = strlen(name) + 1, part = WINDOW / 2;
	const char *names, *found;

	for (; at < end; at += part - size) {
		if (end - at < part)
			part = end - at;
		names = part < size ? NULL : look_in(table, &table->window, at, part);
		if (!names)
			return -1;
		for (found = names; (found = memmem(found, part - (found - names), name, size));
		     found++)
			if (at == table->header.names && found == names)
				return 0;
			else if (found > names && !found[-1])
				return (int64_t)(at + (found - names) - table->header.names);
		if (at + part == end)
			return -1;
	}
	return -1;
}

static bool note_function(struct table *table, const struct entry *entry,
			  const struct function *function)
{
	for (size_t i = 0; i < table->count; i++) {
		struct wanted *wanted = &table->wanted[i];

		if (function->name != wanted->name_offset || wanted->is_found)
			continue;
		wanted->pc = entry[0].pc;
		wanted->end = entry[1].pc;
		wanted->stack = function->stack;
		return wanted->is_found = true;
	}
	return false;
}

/* Goes through all functions, once. */
static int find_functions(struct table *table)
{
	uint64_t place = table->header.table;
	size_t found = 0;

	for (uint64_t i = 0; i < table->header.functions && found < table->count; i++) {
		struct entry entry[2]; /* the next one tells where this one ends */
		struct function function;

		if (!read_in(table, &table->window, place + i * sizeof(*entry), entry,
			     sizeof(entry)) ||
		    !read_in(table, &table->second, place + entry[0].function, &function,
			     sizeof(function)))
			return -EBADMSG;
		found += note_function(table, entry, &function);
	}
	return found == table->count;
}

/* Returns how many bytes the number takes, 0 when there is none. */
static size_t read_varint(struct table *table, uint64_t place, uint32_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < VARINT_MAX; i++) {
		const unsigned char *byte = look_in(table, &table->window, place + i, 1);

		if (!byte)
			return 0;
		value |= (uint64_t)(*byte & 0x7f) << 7 * i;
		if (*byte & 0x80)
			continue;
		*ret = (uint32_t)value;
		return i + 1;
	}
	return 0;
}

/* A row of a table of the kind "from here to there this value": how much, and for how long. */
static size_t read_row(struct table *table, uint64_t place, uint32_t *value, uint32_t *pc)
{
	size_t first = read_varint(table, place, value), second;

	second = first ? read_varint(table, place + first, pc) : 0;
	if (!second)
		return 0;
	*pc *= table->header.quantum;
	return first + second;
}

/* Where the stack is as at the entry, but for the entry itself. What is behind a return is not, so
 * it is the last instruction there; but at the very end, where a larger stack is asked for. */
static int find_returns(struct table *table, struct wanted *wanted)
{
	uint64_t place = table->header.pc_tables + wanted->stack;
	uint32_t pc = wanted->pc, change, span;
	int32_t depth = -1;

	while (pc < wanted->end) {
		size_t size = read_row(table, place, &change, &span);

		if (!size)
			return -EBADMSG;
		if (!change && pc != wanted->pc)
			break;
		if (!span || span > wanted->end - pc || wanted->count == PT_GO_RETURNS_MAX - 1)
			return -EBADMSG;
		if (wanted->tail)
			wanted->returns[wanted->count++] = pc - table->header.quantum;
		depth += (int32_t)(change >> 1 ^ -(change & 1));
		wanted->tail = !depth && pc != wanted->pc ? pc : 0;
		pc += span;
		place += size;
	}
	return 0;
}

static bool is_code(struct table *table, uint64_t offset, const char *x86, const char *arm64)
{
	size_t size = table->header.quantum;
	const void *code = look_at(&table->window, offset, size);

	return code && (size == 1 || size == 4) && !memcmp(code, size == 1 ? x86 : arm64, size);
}

static bool is_return(struct table *table, uint64_t offset)
{
	return is_code(table, offset, "\xc3", "\xc0\x03\x5f\xd6");
}

static bool is_nop(struct table *table, uint64_t offset)
{
	return is_code(table, offset, "\x90", "\x1f\x20\x03\xd5");
}

/* Whether all that should return does so, if Go's text begins there. */
static bool fits(struct table *table, uint64_t text)
{
	for (size_t i = 0; i < table->count; i++)
		for (size_t k = 0; k < table->wanted[i].count; k++)
			if (!is_return(table, text + table->wanted[i].returns[k]))
				return false;
	return true;
}

/* The table does not tell in each version, nor in a file that is relocated, where Go's text begins.
 * Returns 0 when that is nowhere. */
static uint64_t find_text(struct table *table)
{
	for (uint64_t before = 0; before < TEXT_BEFORE_MAX && before < table->text_size;
	     before += TEXT_ALIGN)
		if (fits(table, table->text + before))
			return table->text + before;
	return 0;
}

static int place_in_file(struct table *table, const struct wanted *wanted, uint64_t text,
			 struct pt_go_function *ret)
{
	uint64_t tail = text + wanted->tail;

	ret->entry = text + wanted->pc;
	for (ret->count = 0; ret->count < wanted->count; ret->count++)
		ret->returns[ret->count] = text + wanted->returns[ret->count];
	if (wanted->tail && is_nop(table, tail))
		tail += table->header.quantum;
	if (wanted->tail && is_return(table, tail))
		ret->returns[ret->count++] = tail;
	return ret->count ? 0 : -EBADMSG;
}

static int find_all(struct table *table, struct pt_go_function *ret)
{
	int err = read_header(table);
	uint64_t text;

	for (size_t i = 0; i < table->count && (!err || err == -ENOTSUP); i++) {
		table->wanted[i].name_offset = find_name(table, table->wanted[i].name);
		if (table->wanted[i].name_offset < 0)
			return 0;
	}
	if (err)
		return err;
	err = find_functions(table);
	if (err <= 0)
		return err;
	for (size_t i = 0; i < table->count; i++)
		if (find_returns(table, &table->wanted[i]))
			return -EBADMSG;
	text = find_text(table);
	for (size_t i = 0; i < table->count; i++)
		if (!text || place_in_file(table, &table->wanted[i], text, &ret[i]))
			return -EBADMSG;
	return 1;
}

int pt_pclntab_find(int fd, const char *const *names, size_t count, struct pt_go_function *ret)
{
	struct table *table = calloc(1, sizeof(*table));
	int found;

	if (!table)
		return -ENOMEM;
	table->window.fd = table->second.fd = fd;
	table->count = count;
	for (size_t i = 0; i < count; i++)
		table->wanted[i].name = names[i];
	found = find_table(fd, table) ? find_all(table, ret) : 0;
	free(table);
	return found;
}

/* debug/buildinfo: 14 bytes of magic, the size of pointers, flags, and from byte 32 on the version
 * behind its length. */
void pt_pclntab_version(int fd, char *ret, size_t size)
{
	static const char *const names[] = { ".go.buildinfo", NULL };
	static const char magic[14] = "\xff Go buildinf:";
	Elf *elf = pt_elf_open(fd);
	char info[96] = "";
	GElf_Shdr section;

	ret[0] = '\0';
	if (elf && find_section(elf, names, &section) &&
	    pread(fd, info, sizeof(info) - 1, (off_t)section.sh_offset) > 35 &&
	    !memcmp(info, magic, sizeof(magic)) && !memcmp(info + 33, "go", 2) && info[32] > 2 &&
	    (unsigned char)info[32] < sizeof(info) - 34)
		snprintf(ret, size, "%.*s", info[32] - 2, info + 35);
	elf_end(elf);
}
