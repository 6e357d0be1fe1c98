/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of what does not come to one. */
#ifndef PT_TEST_ALARM_H
#define PT_TEST_ALARM_H

#include <stdlib.h>
#include <unistd.h>

/* Ends this program after that many seconds, times PT_SLOW as under emulation; 0 puts it off. */
static inline void alarm_after(unsigned int seconds)
{
	const char *slow = getenv("PT_SLOW");

	alarm(seconds * (slow ? (unsigned int)atoi(slow) : 1));
}

#endif
