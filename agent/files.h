/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The files of the page for people, agent/page/, which the agent carries. */
#ifndef PT_AGENT_FILES_H
#define PT_AGENT_FILES_H

#include <event2/http.h>
#include <stdbool.h>

/* Whether a file is served at that path. */
bool pt_file_is_at(const char *path);

/* Answers a request for one, which must be there: with the file, compressed where that is welcome,
 * or with 304 where the client has it. */
void pt_file_serve(struct evhttp_request *req);

#endif
