/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* podtag's own keys in the network configuration, beside `type`. */
#ifndef PT_OPTIONS_H
#define PT_OPTIONS_H

#include <jansson.h>

#include "cni/conf.h"

/* Reads the keys that are there into *conf; others are not looked at. Returns 0, or -1 with *err
 * naming the first bad key and its value. */
int pt_options_read(struct pt_conf *conf, struct pt_error *err);

/* Reads those of the pod's annotations that are podtag's, NULL if it has none. What is wrong with
 * one is told in *conf, and no reason to keep the pod from starting. */
void pt_annotations_read(struct pt_conf *conf, const json_t *annotations);

/* The error for a key's bad value: code 7 with both in its text. Returns -1. */
int pt_fail_value(struct pt_error *err, const char *key, const json_t *value);

/* How all JSON is read that other plugins read too: NUL in strings and integers past 64 bits are
 * JSON, and their business. */
#define PT_JSON_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* The text of a JSON string that has no NUL inside, else NULL. */
const char *pt_json_text(const json_t *string);

#endif
