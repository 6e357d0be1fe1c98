/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a probe is safe on this kernel, tried on a function of the agent's own. */
#ifndef PT_PROBE_TEST_H
#define PT_PROBE_TEST_H

#include <stdint.h>

/* Calls a function with probes at its entry and return, in a process that has a container's seccomp
 * filter: some kernels return from a probed function by a system call that such filters do not
 * know, which ends the process (commit cf6cb56ef244). Returns 0 when all went well, with what the
 * two probes added to a call in ns, or a negative errno: -EPERM, such a process would not have
 * lived. On 0 the caller closes the links, which takes the kernel a tenth of a second each: this is
 * for a child process. */
int pt_probe_test(uint64_t *ret_ns, int links[2]);

#endif
