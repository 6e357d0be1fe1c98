// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "agent/probe_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/mappings.h"
#include "agent/probes.h"

#define CALLS  100
#define ROUNDS 20

/* What is probed. */
static __attribute__((noinline)) void probed(void)
{
	__asm__ volatile("");
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* What a call takes of a CPU, in the quickest round: on a busy node the others are no measure. Not
 * inlined either, or the calls would not be the same. */
static __attribute__((noinline)) uint64_t time_calls(void)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns(), took;

		for (int i = 0; i < CALLS; i++)
			probed();
		took = (now_ns() - start) / CALLS;
		if (took < least)
			least = took;
	}
	return least;
}

struct place {
	uint64_t address;
	uint64_t offset; /* in the file */
};

static int find_place(const struct pt_mapping *mapping, void *arg)
{
	struct place *place = arg;

	if (place->address < mapping->start || place->address >= mapping->end)
		return 0;
	place->offset = place->address - mapping->start + mapping->offset;
	return 1;
}

/* As a container's: what is not in its list is refused. All that this process still does is. */
static int confine(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a process of its own, which may be killed. */
static int survives(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		if (confine())
			_exit(1);
		probed();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return -EPERM;
	return WEXITSTATUS(status) ? -ENOSYS : 0;
}

int pt_probe_test(uint64_t *ret_ns, int links[2])
{
	struct place place = { .address = (uint64_t)(uintptr_t)probed };
	uint64_t without = time_calls(), with;
	int fd, err;

	err = pt_mappings_read(getpid(), SIZE_MAX, find_place, &place);
	if (err <= 0)
		return err ? err : -ENOENT;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = pt_probes_try(fd, place.offset, links);
	close(fd);
	if (err)
		return err;
	with = time_calls();
	*ret_ns = with > without ? with - without : 0;
	err = survives();
	if (err) {
		close(links[0]);
		close(links[1]);
	}
	return err;
}
