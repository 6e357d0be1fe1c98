/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* YAML read strictly: known keys, each once, each with a value of its kind, or an error that names
 * file and line. No aliases and no tags, so a file takes no more time and memory than its size
 * says. */
#ifndef PT_AGENT_YAML_H
#define PT_AGENT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

struct pt_yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	const char *file;   /* for messages */
	char *error;        /* of error_size bytes, written when a function here returns -1 */
	size_t error_size;
	void *target; /* where values go */
};

/* A key that a mapping may have; a table of them ends with a zeroed one and has up to 32. */
struct pt_yaml_key {
	const char *name;
	/* Called at the value's first event, returns at its last one. NULL: refused. */
	int (*read)(struct pt_yaml *yaml, const struct pt_yaml_key *key);
	size_t offset;      /* into the target, of what read() sets */
	const char *advice; /* to who uses one that is refused */
};

/* A word that a value may be; a table of them ends like that of keys and has up to 32. */
struct pt_yaml_choice {
	const char *name;
	int value;
	const char *alias; /* what pt_yaml_list() makes of it; NULL: nothing */
};

/* All of them return 0, or -1 with the error written. key is what they name in it. */

/* Goes on to the next event. */
int pt_yaml_next(struct pt_yaml *yaml);

/* Writes the error, with file and line of the event at hand in front. Always returns -1. */
int pt_yaml_fail(struct pt_yaml *yaml, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The scalar at hand. */
const char *pt_yaml_text(const struct pt_yaml *yaml);

/* Whether it is one that stands for nothing. */
bool pt_yaml_is_null(const struct pt_yaml *yaml);

/* That the event at hand is a scalar, and all of it in pt_yaml_text(). */
int pt_yaml_want_string(struct pt_yaml *yaml, const char *key);

int pt_yaml_bool(struct pt_yaml *yaml, const char *key, bool *ret);
int pt_yaml_choice(struct pt_yaml *yaml, const char *key, const struct pt_yaml_choice *choices,
		   int *ret);

/* A list of choices, each once at most: to becomes their aliases with colons between. */
int pt_yaml_list(struct pt_yaml *yaml, const char *key, const struct pt_yaml_choice *choices,
		 char *to, size_t size);

/* A mapping, which section names; "" is the file's outermost. Keys without a value are skipped. */
int pt_yaml_keys(struct pt_yaml *yaml, const char *section, const struct pt_yaml_key *keys);

/* The whole of text, which is nothing, or one mapping of these keys. */
int pt_yaml_read(struct pt_yaml *yaml, const char *text, size_t size,
		 const struct pt_yaml_key *keys);

#endif
