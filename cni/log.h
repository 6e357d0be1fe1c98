/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Log lines: to stderr, and to logFile where the config names one. Never to stdout. */
#ifndef PT_LOG_H
#define PT_LOG_H

enum pt_log_level { PT_LOG_ERROR, PT_LOG_WARN, PT_LOG_INFO, PT_LOG_DEBUG, PT_LOG_LEVELS };

/* A file that has grown to this size is renamed to <file>.1, over the one before. */
#define PT_LOG_FILE_MAX (1024 * 1024)

extern const char *const pt_log_level_names[PT_LOG_LEVELS];

/* From here on: lines up to that level, with command and container id in front (which may be NULL,
 * and of any bytes), also appended to file unless it is NULL. file and command must stay. */
void pt_log_setup(enum pt_log_level level, const char *file, const char *command,
		  const char *container_id);

/* Writes one line. A line that cannot be written is lost and nothing else happens. */
void pt_log(enum pt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
