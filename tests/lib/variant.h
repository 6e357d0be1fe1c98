/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Makes another BPF object of the same sources, for the test of upgrades: included before each. */
static const volatile int variant __attribute__((used)) = 1;
