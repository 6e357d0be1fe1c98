/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* podtag's entry in a network configuration, read and edited as text: what is not the entry stays,
 * byte for byte. */
#ifndef PT_CONFLIST_H
#define PT_CONFLIST_H

#include <stdbool.h>
#include <stddef.h>

/* What a file says; texts that do not fit are cut. */
struct pt_chain {
	char name[256];
	char version[32];    /* cniVersion; "": there is none */
	char first_type[64]; /* of the plugin that makes the interface */
	char types[512];     /* of all plugins, in order, a blank between them */
	size_t plugins;      /* how many */
	size_t podtags;      /* how many of them are podtag */
	bool last;           /* the last one is */
};

/* Reads a .conflist, or with is_list false a .conf of a single plugin. Returns 0, or -1 with why
 * (size bytes) saying what a runtime would refuse. */
int pt_chain_read(const char *text, size_t size, bool is_list, struct pt_chain *ret, char *why,
		  size_t why_size);

/* The functions below want a text that pt_chain_read() has accepted, and return another one,
 * terminated, for the caller to free; NULL: no memory. */

/* With podtag's entry behind the last plugin, indented as that is. */
char *pt_conflist_add(const char *text, size_t size);

/* Without any entry of podtag's: what pt_conflist_add() was given. A list of nothing else stays as
 * it is. */
char *pt_conflist_remove(const char *text, size_t size);

/* The conflist that has the .conf's plugin and podtag. */
char *pt_conflist_from_conf(const char *text, size_t size);

/* Whether the conflist is as pt_conflist_from_conf() makes it. */
bool pt_conflist_is_from_conf(const char *text, size_t size);

#endif
