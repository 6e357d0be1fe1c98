// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Leveled log lines on stderr, in logfmt. */
#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = { "error", "warn", "info", "debug" };

enum pt_agent_level pt_agent_log_level = PT_LOG_INFO;

int pt_agent_level_parse(const char *name)
{
	for (int i = PT_LOG_ERROR; i <= PT_LOG_DEBUG; i++)
		if (!strcmp(name, names[i]))
			return i;

	return -1;
}

/* Quotes text into line and returns how many bytes that took. line has room for 2 * strlen + 2. */
static size_t quote(char *line, const char *text)
{
	char *p = line;

	*p++ = '"';
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			*p++ = '\\';
		if (c == '\n' || c == '\r') {
			*p++ = '\\';
			c = c == '\n' ? 'n' : 'r';
		} else if (c < ' ' || c == 0x7f) {
			c = '?';
		}
		*p++ = c;
	}
	*p++ = '"';

	return p - line;
}

void pt_agent_log(enum pt_agent_level level, const char *format, ...)
{
	struct timespec now;
	char text[1024], line[2 * sizeof(text) + 64];
	struct tm utc;
	va_list args;
	size_t len;

	if (level > pt_agent_log_level)
		return;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(line, sizeof(line), "time=%Y-%m-%dT%H:%M:%S", &utc);
	len += snprintf(line + len, 48, ".%03ldZ level=%s msg=", now.tv_nsec / 1000000,
			names[level]);
	len += quote(line + len, text);
	line[len++] = '\n';

	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody is left to be told */
}
