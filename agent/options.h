/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the person who starts the agent asks for: flags, and a JSON file under them. */
#ifndef PT_AGENT_OPTIONS_H
#define PT_AGENT_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "agent/log.h"
#include "bpf/types.h"

#define PT_LISTEN_DEFAULT     "127.0.0.1:9435"
#define PT_TLS_BUDGET_DEFAULT 10

struct pt_agent_options {
	char listen_text[64]; /* as it was given, for messages */
	struct sockaddr_storage listen;
	socklen_t listen_len;
	enum pt_agent_level log_level;
	char web_config_file[PATH_MAX]; /* empty: none */
	enum pt_tls_mode tls;           /* of pods that say nothing; PT_TLS_OFF: of none */
	unsigned int tls_budget;        /* percent of a CPU */
};

enum pt_agent_options_result { PT_OPTIONS_RUN, PT_OPTIONS_HELP, PT_OPTIONS_VERSION };

/* Reads the flags and, when one names it, the file; what a flag says wins over the file. Returns
 * enum pt_agent_options_result, or -1 with the option and the value named in error (size bytes,
 * always terminated). *ret is only written for PT_OPTIONS_RUN. */
int pt_agent_options_parse(int argc, char **argv, struct pt_agent_options *ret, char *error,
			   size_t size);

/* Reads "1.2.3.4:80", "[::1]:80" or ":80", which is every address. Port 0 lets the kernel choose.
 * Returns 0 or -1. */
int pt_agent_address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len);

void pt_agent_options_help(FILE *out);

#endif
