/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Leveled log lines on stderr, in logfmt. */
#ifndef PT_AGENT_LOG_H
#define PT_AGENT_LOG_H

enum pt_agent_level { PT_LOG_ERROR, PT_LOG_WARN, PT_LOG_INFO, PT_LOG_DEBUG };

/* Lines above this level are not written. PT_LOG_INFO until someone sets it. */
extern enum pt_agent_level pt_agent_log_level;

/* Writes one line, `time=... level=... msg="..."`, in a single write(), so that lines of parent and
 * child never mix. What would break the line is escaped; a text over 1 KB is cut. */
void pt_agent_log(enum pt_agent_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The level of that name, or -1. */
int pt_agent_level_parse(const char *name);

#endif
