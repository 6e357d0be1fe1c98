/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A CNI error on its way to main(), which alone prints it. */
#ifndef PT_ERROR_H
#define PT_ERROR_H

/* The codes of the CNI specification; from 100 on they are the plugin's own. */
enum pt_cni_code {
	PT_CNI_VERSION = 1,
	PT_CNI_ENVIRONMENT = 4,
	PT_CNI_IO = 5,
	PT_CNI_DECODE = 6,
	PT_CNI_CONFIG = 7,
	PT_CNI_NETNS = 8, /* of libcni, not in the specification */
	PT_CNI_TRY_LATER = 11,
	PT_CNI_NOT_OBSERVED = 100, /* failurePolicy closed: ADD could not do all of it */
	PT_CNI_CHECK_FAILED = 101,
};

struct pt_error {
	enum pt_cni_code code;
	char msg[512];
	char details[512];
};

/* Fills *err from any bytes; too long a text is cut. Returns -1, for the caller to return. */
int pt_fail(struct pt_error *err, enum pt_cni_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds details to an error that pt_fail() made. Returns -1 as well. */
int pt_fail_details(struct pt_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The error as the specification wants it, for the caller to free. NULL: no memory. */
char *pt_error_json(const struct pt_error *err, const char *cni_version);

#endif
