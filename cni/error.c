// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A CNI error on its way to main(), which alone prints it. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "cni/error.h"
#include "cni/text.h"

static void format_clean(char *ret, size_t size, const char *format, va_list args)
{
	char raw[1024];

	vsnprintf(raw, sizeof(raw), format, args);
	pt_text_clean(ret, size, raw);
}

int pt_fail(struct pt_error *err, enum pt_cni_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err->code = code;
	format_clean(err->msg, sizeof(err->msg), format, args);
	err->details[0] = '\0';
	va_end(args);
	return -1;
}

int pt_fail_details(struct pt_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_clean(err->details, sizeof(err->details), format, args);
	va_end(args);
	return -1;
}

char *pt_error_json(const struct pt_error *err, const char *cni_version)
{
	json_auto_t *root = json_pack("{s:s, s:i, s:s}", "cniVersion", cni_version, "code",
				      (int)err->code, "msg", err->msg);

	if (!root)
		return NULL;
	if (err->details[0] && json_object_set_new(root, "details", json_string(err->details)))
		return NULL;
	return json_dumps(root, JSON_COMPACT);
}
