/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the verifier of the running kernel says of each program. */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include "podtag.skel.h"

#define VERIFIED_MAX    64
#define LOG_LEVEL_STATS 4 /* BPF_LOG_STATS in include/linux/bpf_verifier.h: the totals alone */

struct verified {
	const char *name;          /* the skeleton's, whose caller keeps it */
	unsigned int insns, limit; /* instructions processed; 0 when the program was not loaded */
};

/* The running kernel as the table's columns name it: 6.12, or 6.12-aarch64. */
static inline void verifier_kernel(char *ret, size_t size)
{
	struct utsname name;
	int major = 0, minor = 0;
	bool other;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	other = strcmp(name.machine, "x86_64");
	snprintf(ret, size, "%d.%d%s%s", major, minor, other ? "-" : "", other ? name.machine : "");
}

/* Loads all programs as podtag would, and reads the line that the verifier ends with. Fills *ret,
 * which has room for VERIFIED_MAX, and returns how many there are, or a negative errno. */
static inline int verify(struct podtag_bpf *skel, struct verified *ret)
{
	static char log[VERIFIED_MAX][1024];
	struct bpf_program *program;
	int count = 0, err;

	bpf_object__for_each_program(program, skel->obj)
	{
		if (count == VERIFIED_MAX)
			return -E2BIG;
		ret[count] = (struct verified){ .name = bpf_program__name(program) };
		bpf_program__set_log_level(program, LOG_LEVEL_STATS);
		bpf_program__set_log_buf(program, log[count], sizeof(log[count]));
		count++;
	}
	err = podtag_bpf__load(skel);
	if (err)
		return err;

	count = 0;
	bpf_object__for_each_program(program, skel->obj)
	{
		struct verified *one = &ret[count];
		const char *line = strstr(log[count++], "\nprocessed ");

		if (!bpf_program__autoload(program))
			continue;
		if (!line ||
		    sscanf(line, "\nprocessed %u insns (limit %u)", &one->insns, &one->limit) != 2)
			return -ENODATA;
	}
	return count;
}

/* Of the HTTP programs there are two sets, of which a kernel gets one; those of TLS go with one. */
static inline bool is_for_others(const char *program, bool tag)
{
	static const char *const tls[] = { "podtag_tls_", "podtag_ssl_", "podtag_gnu_",
					   "podtag_go_" };

	for (size_t i = 0; !tag && i < sizeof(tls) / sizeof(*tls); i++)
		if (!strncmp(program, tls[i], strlen(tls[i])))
			return true;
	return !strncmp(program, tag ? "podtag_tail_" : "podtag_http_", strlen("podtag_http_"));
}

/* The same on any kernel: old ones take podtag's programs without the socket tag only. Sets *skel,
 * which the caller destroys, or NULL. */
static inline int verify_all(struct podtag_bpf **skel, struct verified *ret)
{
	int is_new = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_loop, NULL) == 1;
	struct bpf_program *program;
	int count = -EINVAL;

	libbpf_set_print(NULL); /* of an attempt that is refused */
	for (int tag = is_new; tag >= 0 && count == -EINVAL; tag--) {
		*skel = podtag_bpf__open();
		if (!*skel)
			return -ENOMEM;
		(*skel)->rodata->socket_tag = tag;
		bpf_object__for_each_program(program, (*skel)->obj) bpf_program__set_autoload(
			program, !is_for_others(bpf_program__name(program), tag));
		count = verify(*skel, ret);
		if (count >= 0)
			return count;
		podtag_bpf__destroy(*skel);
		*skel = NULL;
	}
	return count;
}

#endif
