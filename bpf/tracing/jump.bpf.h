/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is on a tracepoint itself. A tp_btf link can't be updated, so its program only jumps, and an
 * upgrade replaces where to: the one entry of a map. */
#ifndef PT_JUMP_BPF_H
#define PT_JUMP_BPF_H

#define JUMP(program, tracepoint, map)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} map SEC(".maps");                                                                        \
                                                                                                   \
	SEC("tp_btf/" tracepoint)                                                                  \
	int program(void *ctx)                                                                     \
	{                                                                                          \
		bpf_tail_call(ctx, &map, 0);                                                       \
		return 0;                                                                          \
	}

#endif
