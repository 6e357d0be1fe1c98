// SPDX-License-Identifier: BSD-2-Clause
/* Loads the empty programs and attaches those that trace, and those on sockets' packets to all of
 * the node's; or those on functions to the calls and returns of a file's.
 *
 * usage: empty OBJECT DIR [FILE FUNCTION...]
 *
 * DIR, on a bpffs, gets a pin of each program under its name, and of each link as NAME_link or
 * NAME_FUNCTION: removing the folder ends all of it. The tc programs are left to tc.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

static bool is_on_function(const struct bpf_program *program)
{
	return bpf_program__type(program) == BPF_PROG_TYPE_KPROBE;
}

static struct bpf_object *load(const char *path, bool on_functions)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program = NULL;

	if (!object)
		return NULL;
	while ((program = bpf_object__next_program(object, program)))
		bpf_program__set_autoload(program, is_on_function(program) == on_functions);
	return bpf_object__load(object) ? NULL : object;
}

static int attach_to_functions(struct bpf_program *program, const char *dir, char **args)
{
	const char *name = bpf_program__name(program), *file = args[0];
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = !strcmp(name, "empty_return"));
	struct bpf_link *link;
	char path[512];

	while (*++args) {
		opts.func_name = *args;
		link = bpf_program__attach_uprobe_opts(program, -1, file, 0, &opts);
		snprintf(path, sizeof(path), "%s/%s_%s", dir, name, *args);
		if (!link || bpf_link__pin(link, path))
			return fail(path);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_program *program = NULL;
	struct bpf_object *object;
	struct bpf_link *link;
	char path[512];

	if (argc < 3 || argc == 4) {
		fputs("usage: empty OBJECT DIR [FILE FUNCTION...]\n", stderr);
		return 2;
	}
	object = load(argv[1], argc > 3);
	if (!object)
		return fail(argv[1]);
	if (mkdir(argv[2], 0700))
		return fail(argv[2]);
	while ((program = bpf_object__next_program(object, program))) {
		const char *name = bpf_program__name(program);

		if (!bpf_program__autoload(program))
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[2], name);
		if (bpf_program__pin(program, path))
			return fail(path);
		if (bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS)
			continue;
		if (is_on_function(program)) {
			if (attach_to_functions(program, argv[2], argv + 3))
				return 1;
			continue;
		}
		link = attach(program);
		snprintf(path, sizeof(path), "%s/%s_link", argv[2], name);
		if (!link || bpf_link__pin(link, path))
			return fail(path);
	}
	return 0;
}
