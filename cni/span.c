// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Where a value stands in a JSON text, so that it can be passed on byte for byte. */
#include <jansson.h>
#include <string.h>

#include "cni/span.h"

struct cursor {
	const char *at;
	const char *end;
};

static bool at_char(const struct cursor *c, const char *set)
{
	return c->at < c->end && *c->at && strchr(set, *c->at);
}

static void skip_space(struct cursor *c)
{
	while (at_char(c, " \t\r\n"))
		c->at++;
}

/* From the opening quote to behind the closing one. */
static void skip_string(struct cursor *c)
{
	for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && c->at + 1 < c->end)
			c->at++;
	}
	if (c->at < c->end)
		c->at++;
}

static void skip_value(struct cursor *c)
{
	size_t depth = 0;

	do {
		if (at_char(c, "\"")) {
			skip_string(c);
			continue;
		}
		if (at_char(c, "{["))
			depth++;
		else if (at_char(c, "}]"))
			depth--;
		else if (!depth) { /* a number, true, false or null: ends where one of these is */
			while (c->at < c->end && !at_char(c, " \t\r\n,}]"))
				c->at++;
			return;
		}
		c->at++;
	} while (depth && c->at < c->end);
}

static bool key_is(const char *token, size_t size, const char *key)
{
	json_t *decoded;
	bool same;

	if (!memchr(token, '\\', size))
		return size == strlen(key) + 2 && !memcmp(token + 1, key, size - 2);

	/* "prev\u0052esult" is the same key */
	decoded = json_loadb(token, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	same = json_is_string(decoded) && json_string_length(decoded) == strlen(key) &&
	       !strcmp(json_string_value(decoded), key);
	json_decref(decoded);
	return same;
}

bool pt_span_find(const char *text, size_t size, const char *key, struct pt_span *ret)
{
	struct cursor c = { .at = text, .end = text + size };
	bool found = false;

	skip_space(&c);
	if (!at_char(&c, "{"))
		return false;
	c.at++;
	for (;;) {
		const char *token, *value;
		size_t token_size;

		skip_space(&c);
		if (!at_char(&c, "\""))
			return found;
		token = c.at;
		skip_string(&c);
		token_size = c.at - token;

		skip_space(&c);
		if (!at_char(&c, ":"))
			return found;
		c.at++;
		skip_space(&c);
		value = c.at;
		skip_value(&c);
		if (token_size >= 2 && key_is(token, token_size, key)) {
			*ret = (struct pt_span){ .text = value, .size = c.at - value };
			found = true;
		}

		skip_space(&c);
		if (!at_char(&c, ","))
			return found;
		c.at++;
	}
}

bool pt_span_element(const char *text, size_t size, size_t index, struct pt_span *ret)
{
	struct cursor c = { .at = text, .end = text + size };

	skip_space(&c);
	if (!at_char(&c, "["))
		return false;
	c.at++;
	for (;; index--) {
		const char *value;

		skip_space(&c);
		if (c.at == c.end || at_char(&c, "]"))
			return false;
		value = c.at;
		skip_value(&c);
		if (!index) {
			*ret = (struct pt_span){ .text = value, .size = c.at - value };
			return true;
		}

		skip_space(&c);
		if (!at_char(&c, ","))
			return false;
		c.at++;
	}
}
