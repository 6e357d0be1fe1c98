/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which names CNI allows. */
#ifndef PT_NAME_H
#define PT_NAME_H

#include <stdbool.h>

/* Of a container id or a network: ^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$ */
bool pt_name_is_valid(const char *text);

/* Of an interface, as the kernel's dev_valid_name(). */
bool pt_ifname_is_valid(const char *text);

#endif
