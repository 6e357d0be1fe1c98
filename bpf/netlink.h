/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One netlink request and its answer, on a plain socket: the namespace is where that was made. */
#ifndef PT_NETLINK_H
#define PT_NETLINK_H

#include <libmnl/libmnl.h>

/* A link's attributes with all its statistics stay below this. */
#define PT_NETLINK_BUFFER 32768

/* Opens a NETLINK_ROUTE socket in the caller's network namespace, on which only the kernel is
 * heard, or returns a negative errno. */
int pt_netlink_open(void);

/* Sends the request and reads the answer up to its end, calling cb (may be NULL) for each message.
 * Sets the request's sequence number; set NLM_F_ACK or NLM_F_DUMP in its flags. Returns 0 or a
 * negative errno, the kernel's own among them. */
int pt_netlink_request(int fd, struct nlmsghdr *request, mnl_cb_t cb, void *arg);

#endif
