// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Print "PROGRAM INSTRUCTIONS LIMIT" of each program on the running kernel, "PROGRAM - -" of those
 * that are not loaded there. */
#include <stdarg.h>

#include "tests/bpf/verifier.h"

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int main(void)
{
	struct verified programs[VERIFIED_MAX];
	struct podtag_bpf *skel = NULL;
	int count;

	libbpf_set_print(say_nothing); /* it tries what 5.10 refuses */
	count = verify_all(&skel, programs);
	for (int i = 0; i < count; i++) {
		if (programs[i].limit)
			printf("%s %u %u\n", programs[i].name, programs[i].insns,
			       programs[i].limit);
		else
			printf("%s - -\n", programs[i].name);
	}
	podtag_bpf__destroy(skel);
	if (count < 0)
		fprintf(stderr, "verifier: %s\n", strerror(-count));
	return count < 0;
}
