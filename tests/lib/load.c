// SPDX-License-Identifier: BSD-2-Clause
/* TCP load for the tests and the demo: a server, and a client that says how much to send each way.
 *
 * usage: load serve [-m MSS] ADDRESS PORT
 *        load run [-b ADDRESS] [-c CONNECTIONS] [-j JOBS] [-r ROUNDS] [-i MS] [-t SECONDS]
 *                 [-u UP] [-d DOWN] ADDRESS PORT
 *
 * A connection is ROUNDS times UP bytes to the server and then DOWN bytes back, MS milliseconds
 * apart. serve prints "ready" once it listens. run ends when all connections are done (or begins
 * no new round after -t) and prints what it did; it exits with 1 when a connection broke.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct plan {
	uint64_t up;
	uint64_t down;
};

static struct {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to, from;
	int connections, jobs, rounds, pause_ms, seconds, mss;
	struct plan plan;
	bool bind;
	uint64_t end_ns;
	int next, done, failed; /* atomic */
} opt = { .connections = 1, .jobs = 1, .rounds = 1, .plan = { .up = 1000, .down = 1000 } };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int parse_address(struct sockaddr_in6 *in6, const char *text, const char *port)
{
	struct sockaddr_in *in = (void *)in6;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(port));
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return -1;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(atoi(port));
	return 0;
}

/* Moves count bytes, which are all zeros. */
static int transfer(int fd, uint64_t count, bool out)
{
	static const char zeros[65536];
	char sink[65536];
	ssize_t n;

	while (count) {
		size_t part = count < sizeof(sink) ? count : sizeof(sink);

		n = out ? send(fd, zeros, part, MSG_NOSIGNAL) : recv(fd, sink, part, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		count -= n;
	}
	return 0;
}

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct plan plan;

	/* one plan a round; the client's FIN ends it */
	while (recv(fd, &plan, sizeof(plan), MSG_WAITALL) == sizeof(plan)) {
		if (transfer(fd, be64toh(plan.up), false) || transfer(fd, be64toh(plan.down), true))
			break;
	}
	close(fd);
	return NULL;
}

static int serve(void)
{
	int one = 1, fd;
	pthread_attr_t attr;
	pthread_t thread;

	fd = socket(opt.to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (opt.mss)
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &opt.mss, sizeof(opt.mss));
	if (bind(fd, &opt.to.any, sizeof(opt.to)) || listen(fd, 1024)) {
		perror("load: listen");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int conn = accept(fd, NULL, NULL);

		if (conn < 0)
			continue;
		if (pthread_create(&thread, &attr, serve_one, (void *)(intptr_t)conn))
			close(conn);
	}
}

static int run_one(void)
{
	struct plan plan = { htobe64(opt.plan.up), htobe64(opt.plan.down) };
	struct timespec pause = { opt.pause_ms / 1000, opt.pause_ms % 1000 * 1000000l };
	int one = 1, ret = -1, fd;

	fd = socket(opt.to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (opt.bind && bind(fd, &opt.from.any, sizeof(opt.from)))
		goto out;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &opt.to.any, sizeof(opt.to)))
		goto out;
	for (int i = 0; i < opt.rounds; i++) {
		if (opt.end_ns && now_ns() > opt.end_ns)
			break;
		if (i)
			nanosleep(&pause, NULL);
		if (send(fd, &plan, sizeof(plan), MSG_NOSIGNAL) != sizeof(plan) ||
		    transfer(fd, opt.plan.up, true) || transfer(fd, opt.plan.down, false))
			goto out;
	}
	ret = 0;
out:
	close(fd);
	return ret;
}

static void *run_job(void *arg)
{
	while (__atomic_fetch_add(&opt.next, 1, __ATOMIC_RELAXED) < opt.connections) {
		if (opt.end_ns && now_ns() > opt.end_ns)
			break;
		__atomic_fetch_add(run_one() ? &opt.failed : &opt.done, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static int run(void)
{
	pthread_t threads[opt.jobs];

	if (opt.seconds)
		opt.end_ns = now_ns() + opt.seconds * 1000000000ull;
	for (int i = 0; i < opt.jobs; i++) {
		if (pthread_create(&threads[i], NULL, run_job, NULL))
			return 1;
	}
	for (int i = 0; i < opt.jobs; i++)
		pthread_join(threads[i], NULL);
	printf("%d connections done, %d failed\n", opt.done, opt.failed);
	return opt.failed > 0;
}

int main(int argc, char **argv)
{
	int c, usage = argc < 2;

	optind = 2;
	while (!usage && (c = getopt(argc, argv, "b:c:d:i:j:m:r:t:u:")) != -1) {
		switch (c) {
		case 'b':
			opt.bind = true;
			usage |= parse_address(&opt.from.in6, optarg, "0");
			break;
		case 'c':
			opt.connections = atoi(optarg);
			break;
		case 'd':
			opt.plan.down = strtoull(optarg, NULL, 0);
			break;
		case 'i':
			opt.pause_ms = atoi(optarg);
			break;
		case 'j':
			opt.jobs = atoi(optarg);
			break;
		case 'm':
			opt.mss = atoi(optarg);
			break;
		case 'r':
			opt.rounds = atoi(optarg);
			break;
		case 't':
			opt.seconds = atoi(optarg);
			break;
		case 'u':
			opt.plan.up = strtoull(optarg, NULL, 0);
			break;
		default:
			usage = 1;
		}
	}
	if (usage || argc - optind != 2 ||
	    parse_address(&opt.to.in6, argv[optind], argv[optind + 1]) || opt.jobs < 1 ||
	    opt.jobs > 1024) {
		fputs("usage: load serve [-m MSS] ADDRESS PORT\n"
		      "       load run [-b ADDRESS] [-c CONNECTIONS] [-j JOBS] [-r ROUNDS] [-i "
		      "MS]\n"
		      "                [-t SECONDS] [-u UP] [-d DOWN] ADDRESS PORT\n",
		      stderr);
		return 2;
	}
	return strcmp(argv[1], "serve") ? run() : serve();
}
