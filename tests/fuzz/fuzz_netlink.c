// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The kernel's answers to podtag's netlink requests.
 *
 * An input is a byte that says who asks, then datagrams: 16 bits of length and as many bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "bpf/tc.h"
#include "cni/link.h"
#include "tests/fuzz/kernel.h"

static struct fuzz input;
static unsigned int sequence;

int __wrap_setns(int fd, int type);
int __wrap_setns(int fd, int type)
{
	(void)type;
	must(fcntl(fd, F_GETFD) >= 0);
	return 0;
}

ssize_t __wrap_send(int fd, const void *request, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *request, size_t size, int flags)
{
	(void)flags;
	must(fcntl(fd, F_GETFD) >= 0 && mnl_nlmsg_ok(request, (int)size));
	sequence = ((const struct nlmsghdr *)request)->nlmsg_seq;
	return (ssize_t)size;
}

/* With the request's number, and errors that are some. A length with the highest bit set is one
 * that libmnl takes for a negative number, and only the kernel is heard, which sends none. */
static void be_the_kernel(void *datagram, int left)
{
	struct nlmsghdr *message = datagram;

	for (; left >= (int)sizeof(*message); message = mnl_nlmsg_next(message, &left)) {
		struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

		message->nlmsg_len &= INT32_MAX;
		if (!mnl_nlmsg_ok(message, left))
			break;
		message->nlmsg_seq = sequence;
		if (message->nlmsg_type == NLMSG_ERROR &&
		    mnl_nlmsg_get_payload_len(message) >= sizeof(answer->error))
			answer->error %= 4096;
	}
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	__u16 length;

	(void)flags;
	must(fcntl(fd, F_GETFD) >= 0);
	if (!input.left) {
		errno = EAGAIN; /* nothing within the time */
		return -1;
	}
	fuzz_take(&input, &length, sizeof(length));
	if (length > input.left)
		length = input.left;
	if (length < size)
		size = length;
	fuzz_take(&input, buffer, size);
	be_the_kernel(buffer, (int)size);
	return (ssize_t)size;
}

int __real_mnl_cb_run(const void *buffer, size_t size, unsigned int seq, unsigned int portid,
		      mnl_cb_t cb, void *arg);
int __wrap_mnl_cb_run(const void *buffer, size_t size, unsigned int seq, unsigned int portid,
		      mnl_cb_t cb, void *arg);

/* On a copy that ends where the datagram does, so that reading past it is seen; to a multiple of 4,
 * as libmnl counts and podtag's buffer has it. */
int __wrap_mnl_cb_run(const void *buffer, size_t size, unsigned int seq, unsigned int portid,
		      mnl_cb_t cb, void *arg)
{
	void *copy = calloc(1, MNL_ALIGN(size));
	int ret;

	must(copy || !size);
	if (size)
		memcpy(copy, buffer, size);
	ret = __real_mnl_cb_run(copy, size, seq, portid, cb, arg);
	free(copy);
	return ret;
}

/* libmnl reads what it is told to and is not instrumented. */
uint32_t __real_mnl_attr_get_u32(const struct nlattr *attr);
uint32_t __wrap_mnl_attr_get_u32(const struct nlattr *attr);
uint32_t __wrap_mnl_attr_get_u32(const struct nlattr *attr)
{
	must(mnl_attr_get_payload_len(attr) >= sizeof(uint32_t));
	return __real_mnl_attr_get_u32(attr);
}

const char *__real_mnl_attr_get_str(const struct nlattr *attr);
const char *__wrap_mnl_attr_get_str(const struct nlattr *attr);
const char *__wrap_mnl_attr_get_str(const struct nlattr *attr)
{
	must(memchr(mnl_attr_get_payload(attr), '\0', mnl_attr_get_payload_len(attr)));
	return __real_mnl_attr_get_str(attr);
}

static void check_result(int ret)
{
	must(ret <= 0 && ret >= -4095);
}

static void find_link(void)
{
	struct pt_link link;
	int ret, fd = kernel_fd();

	ret = pt_link_find(fd, "eth0", &link);
	check_result(ret);
	must(link.reason && strnlen(link.kind, sizeof(link.kind)) < sizeof(link.kind));
	must(strnlen(link.peer_name, sizeof(link.peer_name)) < sizeof(link.peer_name));
	must(!link.peer_ifindex || !*link.reason);
	if (!ret)
		must(link.ifindex && link.netlink_fd >= 0);
	pt_link_close(&link);
	close(fd);
}

static void use_clsact(bool attach)
{
	int fd = kernel_fd();

	if (attach)
		check_result(pt_tc_attach_clsact(fd, 2, 1));
	else
		check_result(pt_tc_clsact_is_attached(fd, 2) ? 0 : -ENOENT);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int free_fd;
	__u8 who;

	kernel_reset(true);
	free_fd = fuzz_free_fd();
	input = (struct fuzz){ data, size };
	who = fuzz_byte(&input) % 3;
	if (!who)
		find_link();
	else
		use_clsact(who == 1);
	must(fuzz_free_fd() == free_fd);
	return 0;
}
