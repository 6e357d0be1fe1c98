// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a client wants: the Accept and Accept-Encoding headers, with their q values. */
#include "agent/negotiate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* A piece of the header; nothing is copied. */
struct slice {
	const char *text;
	size_t len;
};

struct item {
	struct slice name; /* media range or coding */
	struct slice version;
	int q; /* in thousandths */
};

/* How much a header likes something, and how exactly it named it. */
struct liking {
	int q;
	int exactness;
};

static struct slice trim(struct slice s)
{
	while (s.len && strchr(BLANKS, s.text[0])) {
		s.text++;
		s.len--;
	}
	while (s.len && strchr(BLANKS, s.text[s.len - 1]))
		s.len--;
	return s;
}

static bool equals(struct slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.text, word, s.len);
}

/* Cuts the piece before the next stop off *rest. A stop inside a quoted string does not count.
 * False when nothing is left. */
static bool cut(struct slice *rest, char stop, struct slice *ret)
{
	bool quoted = false;
	size_t i;

	if (!rest->len)
		return false;

	for (i = 0; i < rest->len && (quoted || rest->text[i] != stop); i++) {
		if (quoted && rest->text[i] == '\\' && i + 1 < rest->len)
			i++;
		else if (rest->text[i] == '"')
			quoted = !quoted;
	}

	*ret = trim((struct slice){ rest->text, i });
	i += i < rest->len;
	rest->text += i;
	rest->len -= i;
	return true;
}

/* "0.5" is 500. What is not a q value counts as 0, so that nobody gets what they may not want. */
static int parse_q(struct slice s)
{
	int q = 0, digit = 1000;

	if (!s.len || (s.text[0] != '0' && s.text[0] != '1') || s.len > 5)
		return 0;
	if (s.len > 1 && s.text[1] != '.')
		return 0;

	for (size_t i = 0; i < s.len; i++) {
		if (i == 1)
			continue;
		if (s.text[i] < '0' || s.text[i] > '9')
			return 0;
		q += (s.text[i] - '0') * digit;
		digit /= 10;
	}
	return q > 1000 ? 0 : q;
}

/* Reads the next `name;parameter=value;q=0.5`. Other parameters, such as Prometheus' escaping and
 * charset, exclude nothing. */
static bool next_item(struct slice *rest, struct item *ret)
{
	struct slice piece, parameter, key;

	if (!cut(rest, ',', &piece))
		return false;

	*ret = (struct item){ .q = 1000 };
	if (!cut(&piece, ';', &ret->name))
		return true; /* an empty element, which matches nothing */

	while (cut(&piece, ';', &parameter)) {
		if (!cut(&parameter, '=', &key))
			continue;
		parameter = trim(parameter);
		if (parameter.len > 1 && parameter.text[0] == '"') {
			parameter.text++;
			parameter.len -= 2;
		}
		if (equals(key, "q"))
			ret->q = parse_q(parameter);
		else if (equals(key, "version"))
			ret->version = parameter;
	}
	return true;
}

static int exactness(const struct item *item, const char *type, const char *group,
		     const char *version)
{
	if (item->version.len && !equals(item->version, version))
		return 0;
	if (equals(item->name, type))
		return item->version.len ? 4 : 3;
	if (equals(item->name, group))
		return 2;
	return equals(item->name, "*/*") ? 1 : 0;
}

/* The most exact range decides, as RFC 9110 12.5.1 says; of several as exact, the best liked. */
static struct liking like_type(const char *accept, const char *type, const char *group,
			       const char *version)
{
	struct slice rest = { accept, strlen(accept) };
	struct liking best = {};
	struct item item;
	int exact;

	while (next_item(&rest, &item)) {
		exact = exactness(&item, type, group, version);
		if (exact &&
		    (exact > best.exactness || (exact == best.exactness && item.q > best.q)))
			best = (struct liking){ item.q, exact };
	}
	return best;
}

enum pt_format pt_accept_format(const char *accept)
{
	struct liking text, open;

	if (!accept)
		return PT_TEXT;

	text = like_type(accept, "text/plain", "text/*", "0.0.4");
	open = like_type(accept, "application/openmetrics-text", "application/*", "1.0.0");
	if (!open.q || open.q < text.q)
		return PT_TEXT;
	if (open.q > text.q)
		return PT_OPENMETRICS;
	return open.exactness > text.exactness ? PT_OPENMETRICS : PT_TEXT;
}

bool pt_accept_gzip(const char *accept_encoding)
{
	int gzip = -1, identity = -1, any = -1;
	struct slice rest;
	struct item item;

	if (!accept_encoding)
		return false;

	rest = (struct slice){ accept_encoding, strlen(accept_encoding) };
	while (next_item(&rest, &item)) {
		if (equals(item.name, "gzip") || equals(item.name, "x-gzip"))
			gzip = item.q > gzip ? item.q : gzip;
		else if (equals(item.name, "identity"))
			identity = item.q;
		else if (equals(item.name, "*"))
			any = item.q;
	}

	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}
