// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One netlink request and its answer, on a plain socket: the namespace is where that was made. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bpf/netlink.h"

int pt_netlink_open(void)
{
	/* Connected to the kernel, the socket takes nothing from anybody else: a process in the pod
	 * that has CAP_NET_ADMIN there could send it answers of its own. */
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	/* Nobody waits for the kernel for ever: rtnl may be held for long. */
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int pt_netlink_request(int fd, struct nlmsghdr *request, mnl_cb_t cb, void *arg)
{
	static unsigned int sequence;
	char buffer[PT_NETLINK_BUFFER];
	ssize_t size;
	int more;

	request->nlmsg_seq = ++sequence;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;

	do {
		size = recv(fd, buffer, sizeof(buffer), 0);
		if (size < 0 && errno == EINTR) {
			more = MNL_CB_OK;
			continue;
		}
		if (size < 0)
			return -errno;
		more = mnl_cb_run(buffer, size, request->nlmsg_seq, 0, cb, arg);
		if (more < 0)
			return -errno;
	} while (more > MNL_CB_STOP);

	return 0;
}

bool pt_netlink_is(const struct nlmsghdr *answer, __u16 type, size_t header_size)
{
	if (answer->nlmsg_type == type && mnl_nlmsg_get_payload_len(answer) >= header_size)
		return true;
	errno = EBADMSG;
	return false;
}

int pt_netlink_u32(const struct nlattr *attr, __u32 *ret)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return MNL_CB_ERROR;
	*ret = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

int pt_netlink_text(const struct nlattr *attr, char *ret, size_t size)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_ERROR;
	snprintf(ret, size, "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}
