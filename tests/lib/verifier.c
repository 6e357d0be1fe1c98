// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Print "KERNEL PROGRAM INSTRUCTIONS" of each program on the running kernel, "-" for those that are
 * not loaded there. */
#include "tests/bpf/verifier.h"

int main(void)
{
	struct verified programs[VERIFIED_MAX];
	struct podtag_bpf *skel = NULL;
	char kernel[80];
	int count;

	verifier_kernel(kernel, sizeof(kernel));
	count = verify_all(&skel, programs);
	for (int i = 0; i < count; i++) {
		if (programs[i].limit)
			printf("%s %s %u\n", kernel, programs[i].name, programs[i].insns);
		else
			printf("%s %s -\n", kernel, programs[i].name);
	}
	podtag_bpf__destroy(skel);
	if (count < 0)
		fprintf(stderr, "verifier: %s\n", strerror(-count));
	return count < 0;
}
