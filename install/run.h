/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Run another program and wait for it, for a bounded time. */
#ifndef PT_RUN_H
#define PT_RUN_H

struct pt_program {
	const char *path; /* or NULL: */
	int fd;           /* the program itself */
	const char *argument;
	const char *variable; /* the only one of its environment, or NULL */
	int seconds;          /* it may take; then it is killed */
};

/* Returns its exit status, or a negative errno when it cannot be run or does not end (-ETIMEDOUT,
 * -EINTR: killed by a signal). With 0, *ret_output is what it wrote to stdout, for the caller to
 * free. */
int pt_run(const struct pt_program *program, char **ret_output);

#endif
