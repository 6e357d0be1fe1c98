// SPDX-License-Identifier: BSD-2-Clause
/* An HTTP server all of whose reading and writing is io_uring's.
 *
 * usage: uring probe              exits with 0 when the kernel has it
 *        uring serve PORT FILE    answers each head with FILE's bytes, one connection after the
 * other
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqe;
} ring;

static int ring_open(void)
{
	struct io_uring_params *p = &ring.params;

	ring.fd = syscall(SYS_io_uring_setup, 1, p);
	if (ring.fd < 0)
		return -errno;
	ring.sq = mmap(NULL, p->sq_off.array + p->sq_entries * sizeof(__u32),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.sqe = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			MAP_SHARED, ring.fd, IORING_OFF_SQES);
	if (ring.sq == MAP_FAILED || ring.cq == MAP_FAILED || ring.sqe == MAP_FAILED)
		return -errno;
	return 0;
}

/* One operation, to its end. Returns what the system call of that name returns, or -errno. */
static int perform(int opcode, int fd, void *data, unsigned int length)
{
	_Atomic __u32 *tail = (void *)(ring.sq + ring.params.sq_off.tail);
	_Atomic __u32 *head = (void *)(ring.cq + ring.params.cq_off.head);
	__u32 mask = *(__u32 *)(ring.sq + ring.params.sq_off.ring_mask), at = *tail & mask;
	struct io_uring_cqe *cqes = (void *)(ring.cq + ring.params.cq_off.cqes);
	int ret;

	ring.sqe[at] = (struct io_uring_sqe){
		.opcode = opcode,
		.fd = fd,
		.addr = (unsigned long)data,
		.len = length,
	};
	((__u32 *)(ring.sq + ring.params.sq_off.array))[at] = at;
	(*tail)++;
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	ret = cqes[*head & *(__u32 *)(ring.cq + ring.params.cq_off.ring_mask)].res;
	(*head)++;
	return ret;
}

/* Answers until the client has nothing more to ask. */
static int answer(int fd, char *response, int size)
{
	char text[4096] = "", *end;
	int used = 0, n;

	while ((n = perform(IORING_OP_RECV, fd, text + used, sizeof(text) - 1 - used)) > 0) {
		used += n;
		text[used] = 0;
		while ((end = strstr(text, "\r\n\r\n"))) {
			if (perform(IORING_OP_SEND, fd, response, size) != size)
				return -EIO;
			used -= end + 4 - text;
			memmove(text, end + 4, used + 1);
		}
	}
	return n;
}

static int serve(int port, char *response, int size)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, err = 0;

	if (listener < 0 || bind(listener, (void *)&any, sizeof(any)) || listen(listener, 128))
		return -errno;
	while (!err) {
		fd = perform(IORING_OP_ACCEPT, listener, NULL, 0);
		if (fd < 0)
			return fd;
		err = answer(fd, response, size);
		close(fd);
	}
	return err;
}

int main(int argc, char **argv)
{
	char response[65536];
	FILE *file;
	int err;

	if (argc == 2 && !strcmp(argv[1], "probe"))
		return !!ring_open();
	if (argc != 4 || strcmp(argv[1], "serve")) {
		fprintf(stderr, "usage: uring probe|serve PORT FILE\n");
		return 2;
	}
	file = fopen(argv[3], "re");
	err = file ? ring_open() : -errno;
	if (!err)
		err = serve(atoi(argv[2]), response, fread(response, 1, sizeof(response), file));
	fprintf(stderr, "uring: %s\n", strerror(-err));
	return 1;
}
