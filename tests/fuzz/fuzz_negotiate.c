// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Accept and Accept-Encoding: whatever a client writes there, nobody gets what they did not name.
 */
#include <string.h>
#include <strings.h>

#include "agent/negotiate.h"
#include "tests/fuzz/fuzz.h"

static bool has(const char *text, const char *word)
{
	return strcasestr(text, word);
}

/* The header without what stands in quotes, where a name is only a value. */
static char *without_quoted(const char *header)
{
	char *ret = strdup(header), *to = ret;
	bool quoted = false;

	must(ret);
	for (; *header; header++) {
		if (*header == '"')
			quoted = !quoted;
		else if (!quoted)
			*to++ = *header;
		else if (*header == '\\' && header[1])
			header++;
	}
	*to = '\0';
	return ret;
}

static char *with_more(const char *header, const char *more)
{
	char *both = malloc(strlen(header) + strlen(more) + 1);

	must(both);
	return strcat(strcpy(both, header), more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz in = { data, size };
	char *header = fuzz_text(&in), *names = without_quoted(header), *more;
	bool is_open = pt_accept_format(header) == PT_OPENMETRICS;
	bool gzip = pt_accept_gzip(header);

	if (is_open)
		must(has(names, "application/openmetrics-text") || has(names, "application/*") ||
		     has(names, "*/*"));
	if (gzip)
		must(has(names, "gzip") || has(names, "*"));

	/* what another server may offer, and an empty element, change nothing */
	if (!strchr(header, '"')) {
		more = with_more(header, ", ,image/png;q=0.7,br;q=0.3");
		must((pt_accept_format(more) == PT_OPENMETRICS) == is_open);
		must(pt_accept_gzip(more) == gzip);
		free(more);
		/* what is named at last and without a q is liked as well as can be */
		more = with_more(header, ",application/openmetrics-text;version=1.0.0,text/plain;"
					 "version=0.0.4;q=0,gzip,identity;q=0");
		must(!has(header, "text/plain") ? pt_accept_format(more) == PT_OPENMETRICS : true);
		must(pt_accept_gzip(more));
		free(more);
	}
	free(names);
	free(header);
	return 0;
}
