// SPDX-License-Identifier: BSD-2-Clause
/* Loads the empty programs and attaches those that trace, and those on sockets' packets to all of
 * the node's.
 *
 * usage: empty OBJECT DIR
 *
 * DIR, on a bpffs, gets a pin of each program under its name, and of each link as NAME_link:
 * removing the folder ends all of it. The tc programs are left to tc.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int fail(const char *what)
{
	fprintf(stderr, "empty: %s: %s\n", what, strerror(errno));
	return 1;
}

static struct bpf_link *attach(struct bpf_program *program)
{
	int cgroup;

	if (bpf_program__type(program) != BPF_PROG_TYPE_CGROUP_SKB)
		return bpf_program__attach(program);
	cgroup = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY);
	if (cgroup < 0)
		cgroup = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	return bpf_program__attach_cgroup(program, cgroup);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program = NULL;
	struct bpf_link *link;
	char path[512];

	if (argc != 3) {
		fputs("usage: empty OBJECT DIR\n", stderr);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return fail(argv[1]);
	if (mkdir(argv[2], 0700))
		return fail(argv[2]);
	while ((program = bpf_object__next_program(object, program))) {
		const char *name = bpf_program__name(program);

		snprintf(path, sizeof(path), "%s/%s", argv[2], name);
		if (bpf_program__pin(program, path))
			return fail(path);
		if (bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS)
			continue;
		link = attach(program);
		snprintf(path, sizeof(path), "%s/%s_link", argv[2], name);
		if (!link || bpf_link__pin(link, path))
			return fail(path);
	}
	return 0;
}
