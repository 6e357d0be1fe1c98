/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One netlink request and its answer, on a plain socket: the namespace is where that was made. */
#ifndef PT_NETLINK_H
#define PT_NETLINK_H

#include <stdbool.h>

#include <linux/types.h>

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

/* For callbacks. Each refuses what is shorter than it has to be, with errno set. */

/* Whether the message is of that type and has all of its header. */
bool pt_netlink_is(const struct nlmsghdr *answer, __u16 type, size_t header_size);

/* Read an attribute's value. Return MNL_CB_OK, or MNL_CB_ERROR with *ret as it was. A text that
 * does not fit is cut. */
int pt_netlink_u32(const struct nlattr *attr, __u32 *ret);
int pt_netlink_text(const struct nlattr *attr, char *ret, size_t size);

#endif
