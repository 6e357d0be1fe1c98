// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Standard input and output as a CNI plugin needs them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cni/io.h"

void pt_stdio_reserve(void)
{
	/* open() takes the lowest free number, so the loop goes upwards. O_PATH because reads and
	 * writes keep failing as they would on the closed descriptor, and because / is there even
	 * where /dev is not. */
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) != fd)
			_exit(1);
	}
}

int pt_write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd out = { .fd = fd, .events = POLLOUT };

			poll(&out, 1, -1); /* the runtime gave us a non-blocking pipe */
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		} else if (n > 0) {
			text += n;
			size -= n;
		}
	}
	return 0;
}

/* Returns bytes read, 0 at the end or after the quiet time, or a negative errno. */
static ssize_t read_some(int fd, int quiet_ms, char *buffer, size_t size)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };

	for (;;) {
		ssize_t n;

		if (quiet_ms >= 0 && poll(&in, 1, quiet_ms) == 0)
			return 0;
		n = read(fd, buffer, size);
		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			poll(&in, 1, quiet_ms);
		else if (errno != EINTR)
			return -errno;
	}
}

int pt_read_all(int fd, int quiet_ms, char **text, size_t *size)
{
	size_t used = 0, room = 16 * 1024;
	char *buffer = malloc(room + 1), *larger;
	ssize_t n;

	while (buffer) {
		n = read_some(fd, quiet_ms, buffer + used, room - used);
		if (n <= 0)
			break;
		used += n;
		if (used > PT_STDIN_MAX) {
			n = -EFBIG;
			break;
		}
		if (used < room)
			continue;
		room *= 2;
		larger = realloc(buffer, room + 1);
		if (!larger)
			free(buffer);
		buffer = larger;
	}
	if (!buffer)
		return -ENOMEM;
	if (n < 0) {
		free(buffer);
		return n;
	}

	buffer[used] = '\0';
	*text = buffer;
	*size = used;
	return 0;
}
