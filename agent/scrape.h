/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Make one /metrics page from what is pinned at that moment. */
#ifndef PT_AGENT_SCRAPE_H
#define PT_AGENT_SCRAPE_H

#include "agent/adopter.h"
#include "agent/exposition.h"
#include "agent/libraries.h"

/* Opens the pins, reads them, writes the page and closes them again: what was unloaded, loaded anew
 * or upgraded since the last page can't be mistaken for what is there now, and the agent keeps no
 * map of the past alive. What can't be read is left out, logged and counted. Returns 0 or
 * -ENOMEM. */
int pt_scrape(struct evbuffer *out, enum pt_format format, const struct pt_adopter_record *adopted,
	      const struct pt_libraries_record *libraries);

#endif
