// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The programs that podtag-install carries. */
#include "install/payload.h"

#define CARRY(name, file)                                                                          \
	__asm__(".section .rodata\n"                                                               \
		".balign 16\n"                                                                     \
		".global " #name "\n" #name ":\n"                                                  \
		".incbin \"" file "\"\n"                                                           \
		".global " #name "_end\n" #name "_end:\n"                                          \
		".byte 0\n"                                                                        \
		".previous\n")

CARRY(pt_payload_podtag, PODTAG_FILE);
CARRY(pt_payload_pass, PASS_FILE);
