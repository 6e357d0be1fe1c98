/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the kernel says about this process. */
#ifndef PT_AGENT_PROCESS_H
#define PT_AGENT_PROCESS_H

#include "agent/metrics.h"

/* What /proc does not tell stays 0. */
void pt_process_read(struct pt_process *ret);

#endif
