// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "bpf/words.h"

#include <string.h>

const char *const pt_http_methods[PT_METHOD_COUNT] = {
	[PT_METHOD_UNKNOWN] = "unknown", [PT_METHOD_GET] = "GET",
	[PT_METHOD_HEAD] = "HEAD",       [PT_METHOD_POST] = "POST",
	[PT_METHOD_PUT] = "PUT",         [PT_METHOD_DELETE] = "DELETE",
	[PT_METHOD_CONNECT] = "CONNECT", [PT_METHOD_OPTIONS] = "OPTIONS",
	[PT_METHOD_TRACE] = "TRACE",     [PT_METHOD_PATCH] = "PATCH",
	[PT_METHOD_OTHER] = "OTHER",
};

const char *const pt_http_roles[PT_ROLE_COUNT] = {
	[PT_SERVER] = "server",
	[PT_CLIENT] = "client",
};

const char *const pt_http_sides[PT_BY_COUNT] = {
	[PT_BY_CLIENT] = "client",
	[PT_BY_SERVER] = "server",
};

void pt_http_status(__u16 status, char text[PT_HTTP_STATUS_MAX])
{
	if (!status) {
		strcpy(text, "unknown");
		return;
	}
	strcpy(text, "xxx");
	if (status >= 100) {
		text[2] = '0' + status % 10;
		text[1] = '0' + status / 10 % 10;
		status /= 100;
	}
	text[0] = '0' + status;
}

const char *const pt_http_lost_reasons[PT_LOST_COUNT] = {
#define X(id, text) [PT_LOST_##id] = text,
	PT_HTTP_LOST(X)
#undef X
};

const char *const pt_tls_modes[PT_TLS_MODES] = {
	[PT_TLS_UNSAID] = "",
	[PT_TLS_OFF] = "off",
	[PT_TLS_ON] = "on",
	[PT_TLS_AUTO] = "auto",
};

const char *const pt_unseen_reasons[PT_UNSEEN_COUNT] = {
#define X(id, text) [PT_UNSEEN_##id] = text,
	PT_UNSEEN(X)
#undef X
};
