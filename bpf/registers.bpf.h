/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a function of a program was called with, and what it returned, on each architecture. One
 * object serves all: the running kernel's BTF tells which registers there are. */
#ifndef PT_REGISTERS_BPF_H
#define PT_REGISTERS_BPF_H

#include "bpf/kernel.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* The field that the running kernel has. The verifier wants a register's place in the instruction,
 * so clang must not load both alike. */
#define REGISTER(ctx, on_x86, on_arm64)                                                            \
	({                                                                                         \
		__u64 value;                                                                       \
		if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->di)) {                      \
			value = ((struct pt_regs___x86 *)(ctx))->on_x86;                           \
			asm volatile("" : "+r"(value));                                            \
		} else {                                                                           \
			value = ((struct pt_regs___arm64 *)(ctx))->on_arm64;                       \
			asm volatile("" : "+r"(value));                                            \
		}                                                                                  \
		value;                                                                             \
	})

/* Integer arguments by the C calling conventions (System V ABI, AAPCS64), and what is returned. */
#define ARGUMENT_1(ctx) REGISTER(ctx, di, regs[0])
#define ARGUMENT_2(ctx) REGISTER(ctx, si, regs[1])
#define ARGUMENT_4(ctx) REGISTER(ctx, cx, regs[3])
#define RETURNED(ctx)   REGISTER(ctx, ax, regs[0])

/* The same by Go's own convention, ABIInternal, since 1.18. What is returned comes in the same
 * registers as the arguments. */
#define GO_1(ctx)       REGISTER(ctx, ax, regs[0])
#define GO_2(ctx)       REGISTER(ctx, bx, regs[1])
#define GO_3(ctx)       REGISTER(ctx, cx, regs[2])
#define GO_ROUTINE(ctx) REGISTER(ctx, r14, regs[28])

/* The stack pointer at a function's entry. */
#define STACK_AT_ENTRY(ctx) REGISTER(ctx, sp, sp)

/* The same, seen after its return, when x86 has taken the return address off the stack. */
#define STACK_BEFORE(ctx) REGISTER(ctx, sp - 8, sp)

#endif
