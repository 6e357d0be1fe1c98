// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Who is heard on a netlink socket, asked of the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <linux/netlink.h>

#include "bpf/netlink.h"

/* Sends an answer of the kernel's form to that socket. Returns 0 or a negative errno. */
static int forge_answer(int to)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct nlmsghdr answer = { .nlmsg_len = sizeof(answer), .nlmsg_type = NLMSG_DONE };
	struct sockaddr_nl address;
	socklen_t size = sizeof(address);
	int err = 0;

	assert_int_equal(getsockname(to, (struct sockaddr *)&address, &size), 0);
	assert_int_not_equal(address.nl_pid, 0);
	if (sendto(fd, &answer, sizeof(answer), 0, (struct sockaddr *)&address, size) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void only_the_kernel_is_heard(void **state)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int open = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ours = pt_netlink_open();
	(void)state;

	assert_int_equal(bind(open, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(forge_answer(open), 0); /* this kernel lets one try */
	assert_true(ours >= 0);
	assert_int_equal(forge_answer(ours), -ECONNREFUSED);
	close(open);
	close(ours);
}

static void the_kernel_answers(void **state)
{
	char buffer[64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	int fd = pt_netlink_open();
	(void)state;

	request->nlmsg_type = NLMSG_NOOP;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	assert_int_equal(pt_netlink_request(fd, request, NULL, NULL), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_kernel_is_heard),
		cmocka_unit_test(the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
