// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag check: what this kernel has, found by asking for it and never by its version. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/datapath.h"
#include "cni/cli.h"

enum answer { NO, YES, UNKNOWN };

struct feature {
	const char *name;
	enum answer (*probe)(const struct btf *btf, const char *arg);
	const char *arg;
	bool needed; /* without it podtag cannot work */
	const char *without;
};

static enum answer probe_root(const struct btf *btf, const char *arg)
{
	(void)btf;
	(void)arg;
	return geteuid() == 0;
}

static enum answer probe_btf(const struct btf *btf, const char *arg)
{
	(void)arg;
	return btf != NULL;
}

/* Of a program type as of a map, the kernel says EPERM to a user without privileges. */
static enum answer probe_bpf(const struct btf *btf, const char *arg)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "podtag_check", 4, 8, 1, NULL);

	(void)btf;
	(void)arg;
	if (fd < 0)
		return NO;
	close(fd);
	return YES;
}

/* A kernel locked down for confidentiality, as by lockdown=confidentiality, refuses this. */
static enum answer probe_reading(const struct btf *btf, const char *arg)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "podtag_check", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	(void)btf;
	(void)arg;
	if (fd < 0)
		return NO;
	close(fd);
	return YES;
}

static enum answer probe_fs(const char *path, long type)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == type;
}

static enum answer probe_bpffs(const struct btf *btf, const char *arg)
{
	(void)btf;
	(void)arg;
	return probe_fs(PT_BPFFS, BPF_FS_MAGIC);
}

static enum answer probe_cgroup2(const struct btf *btf, const char *arg)
{
	(void)btf;
	(void)arg;
	return probe_fs("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC) == YES
		       ? YES
		       : probe_fs("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC);
}

static enum answer probe_tracepoint(const struct btf *btf, const char *arg)
{
	char name[64];

	if (!btf)
		return UNKNOWN;
	snprintf(name, sizeof(name), "btf_trace_%s", arg);
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

static enum answer probe_function(const struct btf *btf, const char *arg)
{
	return btf ? btf__find_by_name_kind(btf, arg, BTF_KIND_FUNC) > 0 : UNKNOWN;
}

static enum answer probe_enum(const struct btf *btf, const char *name, const char *value)
{
	const struct btf_type *type;
	int id;

	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_ENUM) : -1;
	if (id < 0)
		return UNKNOWN;
	type = btf__type_by_id(btf, id);
	for (int i = 0; i < btf_vlen(type); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), value))
			return YES;
	}
	return NO;
}

static enum answer probe_attach_type(const struct btf *btf, const char *arg)
{
	return probe_enum(btf, "bpf_attach_type", arg);
}

static enum answer probe_helper(const struct btf *btf, const char *arg)
{
	return probe_enum(btf, "bpf_func_id", arg);
}

static int attach_to_loopback(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts);

	if (unshare(CLONE_NEWNET))
		return UNKNOWN;
	opts.prog_fd =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "podtag_check", "GPL", insns, 2, NULL);
	if (opts.prog_fd < 0 || bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		return NO;
	return YES;
}

/* In a network namespace that goes with the child. */
static enum answer probe_clsact(const struct btf *btf, const char *arg)
{
	int status = 0;
	pid_t pid;

	(void)btf;
	(void)arg;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(attach_to_loopback());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return UNKNOWN;
	return WEXITSTATUS(status);
}

/* The file is shown in the initial network namespace only. */
static enum answer probe_jit(const struct btf *btf, const char *arg)
{
	FILE *file = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
	int value = -1;

	(void)btf;
	(void)arg;
	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value < 0 ? UNKNOWN : value > 0;
}

static const struct feature features[] = {
	{ "root", probe_root, NULL, false, "answers may be wrong: run as root" },
	{ "BTF", probe_btf, NULL, true, "programs cannot be fitted to this kernel" },
	{ "bpf()", probe_bpf, NULL, true, "nothing can be loaded, or this user may not" },
	{ "reading kernel memory", probe_reading, NULL, true,
	  "tracing programs cannot be loaded: the kernel is locked down, or this user may not" },
	{ "bpffs", probe_bpffs, NULL, false, "not mounted yet; podtag mounts it on first use" },
	{ "tp_btf/tcp_retransmit_skb", probe_tracepoint, "tcp_retransmit_skb", true,
	  "retransmits cannot be counted" },
	{ "tp_btf/tcp_retransmit_synack", probe_tracepoint, "tcp_retransmit_synack", true,
	  "retransmits of SYN-ACKs cannot be counted" },
	{ "tp_btf/inet_sock_set_state", probe_tracepoint, "inet_sock_set_state", true,
	  "sockets cannot be tagged" },
	{ "tp_btf/tcp_rcv_space_adjust", probe_tracepoint, "tcp_rcv_space_adjust", true,
	  "the time that HTTP requests wait cannot be measured" },
	{ "clsact", probe_clsact, NULL, false, "traffic is counted only where there is tcx" },
	{ "tcx", probe_attach_type, "BPF_TCX_INGRESS", false,
	  "no markMask, and no traffic of pods with an ingress qdisc of their own" },
	{ "socket storage in tracing", probe_function, "bpf_sk_storage_get_tracing", false,
	  "sockets are tagged in a hash instead, which costs more" },
	{ "bpf_loop()", probe_helper, "BPF_FUNC_loop", false,
	  "HTTP programs call themselves instead, which costs more" },
	{ "cgroup2", probe_cgroup2, NULL, false, "no HTTP, and the cgroups of pods are not known" },
	{ "JIT", probe_jit, NULL, false, "programs are interpreted, which is slow" },
};

#define FEATURES (sizeof(features) / sizeof(*features))

static void print_feature(const struct feature *feature, enum answer answer)
{
	if (answer == YES)
		printf("%-30s ok\n", feature->name);
	else
		printf("%-30s %s: %s\n", feature->name, answer == NO ? "missing" : "unknown",
		       feature->without);
}

static json_t *feature_json(const struct feature *feature, enum answer answer)
{
	static const char *const words[] = {
		[NO] = "missing", [YES] = "ok", [UNKNOWN] = "unknown"
	};
	json_t *root = json_pack("{s:s, s:s, s:b}", "name", feature->name, "result", words[answer],
				 "needed", feature->needed);

	if (answer != YES)
		json_object_set_new(root, "meaning", json_string(feature->without));
	return root;
}

int pt_cli_check(const struct pt_cli *cli)
{
	struct btf *btf = btf__load_vmlinux_btf();
	json_t *list = cli->json ? json_array() : NULL;
	bool works = true;

	if (libbpf_get_error(btf))
		btf = NULL;
	for (size_t i = 0; i < FEATURES; i++) {
		enum answer answer = features[i].probe(btf, features[i].arg);

		works &= answer == YES || !features[i].needed;
		if (list)
			json_array_append_new(list, feature_json(&features[i], answer));
		else
			print_feature(&features[i], answer);
	}
	btf__free(btf);

	if (list)
		pt_cli_print_json(cli,
				  json_pack("{s:b, s:o}", "supported", works, "features", list));
	else
		printf("\npodtag %s\n", works ? "works here" : "does not work here");
	return !works;
}
