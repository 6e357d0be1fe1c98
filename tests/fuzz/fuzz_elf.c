// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A file that a pod has mapped, and may have made. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/pclntab.h"
#include "agent/symbols.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "p.Read", "p.Write" };
	struct pt_go_function functions[2];
	uint64_t offsets[2];
	char version[24];
	static int fd;
	int found;

	if (!fd)
		fd = memfd_create("elf", MFD_CLOEXEC);
	must(fd >= 0);
	if (size > FILE_MAX || ftruncate(fd, (off_t)size) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	found = pt_symbols_find(fd, names, 2, offsets);
	must(found <= 2);
	must(found <= 0 || offsets[0] || offsets[1]);
	pt_symbols_version(fd, version, sizeof(version));
	must(memchr(version, '\0', sizeof(version)));

	found = pt_pclntab_find(fd, names, 2, functions);
	for (int i = 0; i < 2 && found == 1; i++) {
		must(functions[i].count && functions[i].count <= PT_GO_RETURNS_MAX);
		for (size_t k = 0; k < functions[i].count; k++)
			must(functions[i].returns[k] < size); /* it has been read */
	}
	pt_pclntab_version(fd, version, sizeof(version));
	must(memchr(version, '\0', sizeof(version)));
	return 0;
}
