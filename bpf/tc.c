// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Attach the traffic programs to one interface of a pod. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <bpf/bpf.h>

#include "bpf/netlink.h"
#include "bpf/tc.h"

/* The filters' own place: first in order, with a handle that nobody has by chance ("podt"). */
#define FILTER_PRIORITY 1
#define FILTER_HANDLE   0x706f6474

/* Debian 12's uapi is that of 6.1 */
#define TCX_INGRESS 46
#define TCX_EGRESS  47
#define F_BEFORE    (1u << 3) /* without a relative: before all others */

static struct nlmsghdr *tc_request(char *buffer, __u16 type, __u16 flags, const struct tcmsg *tcm)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(request, sizeof(*tcm)), tcm, sizeof(*tcm));
	return request;
}

struct ingress_qdisc {
	__u32 ifindex;
	bool is_clsact;
};

static int see_qdisc(const struct nlmsghdr *answer, void *arg)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(answer);
	struct ingress_qdisc *qdisc = arg;
	const struct nlattr *attr;
	char kind[16];

	if (!pt_netlink_is(answer, RTM_NEWQDISC, sizeof(*tcm)))
		return MNL_CB_ERROR;
	if ((__u32)tcm->tcm_ifindex != qdisc->ifindex || tcm->tcm_parent != TC_H_INGRESS)
		return MNL_CB_OK;

	mnl_attr_for_each (attr, answer, sizeof(*tcm)) {
		if (mnl_attr_get_type(attr) != TCA_KIND)
			continue;
		if (pt_netlink_text(attr, kind, sizeof(kind)) != MNL_CB_OK)
			return MNL_CB_ERROR;
		qdisc->is_clsact = !strcmp(kind, "clsact");
	}
	return MNL_CB_OK;
}

/* There is one place for clsact and ingress together. */
static int add_clsact(int fd, __u32 ifindex)
{
	struct tcmsg tcm = {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_CLSACT,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
	};
	struct tcmsg any = { .tcm_ifindex = ifindex };
	struct ingress_qdisc there = { .ifindex = ifindex };
	char buffer[256];
	struct nlmsghdr *request;
	int err;

	request = tc_request(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &tcm);
	mnl_attr_put_strz(request, TCA_KIND, "clsact");
	err = pt_netlink_request(fd, request, NULL, NULL);
	if (err != -EEXIST)
		return err;

	request = tc_request(buffer, RTM_GETQDISC, NLM_F_DUMP, &any);
	err = pt_netlink_request(fd, request, see_qdisc, &there);
	if (err)
		return err;
	return there.is_clsact ? 0 : -EEXIST;
}

static int add_filter(int fd, __u32 ifindex, __u32 direction, __u32 classid, const char *program)
{
	struct tcmsg tcm = {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction),
		.tcm_handle = FILTER_HANDLE,
		.tcm_info = TC_H_MAKE(FILTER_PRIORITY << 16, htons(ETH_P_ALL)),
	};
	char buffer[512], path[128];
	struct nlmsghdr *request;
	struct nlattr *options;
	int err, prog_fd;

	snprintf(path, sizeof(path), PT_DIR "/progs/%s", program);
	prog_fd = bpf_obj_get(path);
	if (prog_fd < 0)
		return prog_fd;

	/* Without NLM_F_EXCL: what has our handle is ours, of an earlier ADD. */
	request = tc_request(buffer, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_ACK, &tcm);
	mnl_attr_put_strz(request, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(request, TCA_OPTIONS);
	mnl_attr_put_u32(request, TCA_BPF_FD, prog_fd);
	mnl_attr_put_strz(request, TCA_BPF_NAME, program);
	mnl_attr_put_u32(request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_put_u32(request, TCA_BPF_CLASSID, classid);
	mnl_attr_nest_end(request, options);
	err = pt_netlink_request(fd, request, NULL, NULL);
	close(prog_fd);

	/* another classifier has that priority */
	return err == -EINVAL ? -EEXIST : err;
}

/* RTM_DELTFILTER or RTM_GETTFILTER on the filter that is ours. */
static int ask_filter(int fd, __u16 type, __u32 ifindex, __u32 direction)
{
	struct tcmsg tcm = {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction),
		.tcm_handle = FILTER_HANDLE,
		.tcm_info = TC_H_MAKE(FILTER_PRIORITY << 16, htons(ETH_P_ALL)),
	};
	struct nlmsghdr *request;
	char buffer[256];

	request = tc_request(buffer, type, NLM_F_ACK, &tcm);
	mnl_attr_put_strz(request, TCA_KIND, "bpf");
	return pt_netlink_request(fd, request, NULL, NULL);
}

int pt_tc_attach_clsact(int netlink_fd, __u32 ifindex, __u32 classid)
{
	int err = add_clsact(netlink_fd, ifindex);

	if (!err)
		err = add_filter(netlink_fd, ifindex, TC_H_MIN_INGRESS, classid, "podtag_cls_in");
	if (err)
		return err;
	err = add_filter(netlink_fd, ifindex, TC_H_MIN_EGRESS, classid, "podtag_cls_out");
	if (err) /* both or neither: the caller may go on to tcx */
		ask_filter(netlink_fd, RTM_DELTFILTER, ifindex, TC_H_MIN_INGRESS);
	return err;
}

void pt_tc_detach_clsact(int netlink_fd, __u32 ifindex)
{
	ask_filter(netlink_fd, RTM_DELTFILTER, ifindex, TC_H_MIN_INGRESS);
	ask_filter(netlink_fd, RTM_DELTFILTER, ifindex, TC_H_MIN_EGRESS);
}

bool pt_tc_clsact_is_attached(int netlink_fd, __u32 ifindex)
{
	return !ask_filter(netlink_fd, RTM_GETTFILTER, ifindex, TC_H_MIN_INGRESS) &&
	       !ask_filter(netlink_fd, RTM_GETTFILTER, ifindex, TC_H_MIN_EGRESS);
}

static void link_path(char *path, size_t size, __u32 ifindex, const char *direction)
{
	snprintf(path, size, PT_DIR "/links/if%u_%s", ifindex, direction);
}

/* 0: the pinned link now runs prog_fd. -ENOENT: there is no such link any more. */
static int update_link(const char *path, int prog_fd)
{
	int err, fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	err = bpf_link_update(fd, prog_fd, NULL);
	close(fd);
	if (err != -ENOLINK)
		return err;

	unlink(path); /* of an interface that is gone */
	return -ENOENT;
}

static int ensure_link(__u32 ifindex, int attach_type, const char *direction, const char *program)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = F_BEFORE);
	char link[128], prog[128];
	int err, link_fd, prog_fd;

	snprintf(prog, sizeof(prog), PT_DIR "/progs/%s", program);
	prog_fd = bpf_obj_get(prog);
	if (prog_fd < 0)
		return prog_fd;

	link_path(link, sizeof(link), ifindex, direction);
	err = update_link(link, prog_fd);
	if (err != -ENOENT)
		goto close_prog;

	err = link_fd = bpf_link_create(prog_fd, ifindex, attach_type, &opts);
	if (link_fd < 0)
		goto close_prog;
	err = bpf_obj_pin(link_fd, link);
	close(link_fd);

close_prog:
	close(prog_fd);
	return err;
}

int pt_tc_attach_tcx(__u32 ifindex, bool mark)
{
	const char *transmit = mark ? "podtag_tcx_mark" : "podtag_tcx_in";
	int err;

	err = ensure_link(ifindex, TCX_INGRESS, "in", transmit);
	if (err == -EINVAL) /* an attach type that this kernel does not know */
		return -EOPNOTSUPP;
	if (!err)
		err = ensure_link(ifindex, TCX_EGRESS, "out", "podtag_tcx_out");
	if (err) {
		pt_tc_retire_tcx(ifindex);
		pt_tc_reap();
	}
	return err;
}

int pt_tc_retire_tcx(__u32 ifindex)
{
	static const char *const directions[] = { "in", "out" };
	char path[128], retired[128];
	int err = 0;

	for (size_t i = 0; i < 2; i++) {
		link_path(path, sizeof(path), ifindex, directions[i]);
		snprintf(retired, sizeof(retired), PT_DIR "/links/retired%u_%s", ifindex,
			 directions[i]);
		if (rename(path, retired) && errno != ENOENT)
			err = -errno;
	}
	return err;
}

void pt_tc_reap(void)
{
	DIR *stream = opendir(PT_DIR "/links");
	struct dirent *entry;
	char path[320];

	while (stream && (entry = readdir(stream))) {
		bool retired = !strncmp(entry->d_name, "retired", 7);

		if (!retired && strncmp(entry->d_name, "if", 2))
			continue;
		snprintf(path, sizeof(path), PT_DIR "/links/%s", entry->d_name);
		if (retired || !pt_tc_link_ifindex(path))
			unlink(path);
	}
	if (stream)
		closedir(stream);
}

int pt_tc_link_ifindex(const char *path)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	int err, fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);

	/* tcx has its ifindex where xdp has it; this uapi knows only the latter */
	return err ? err : (int)info.xdp.ifindex;
}

bool pt_tc_tcx_is_attached(__u32 ifindex)
{
	char in[128], out[128];

	link_path(in, sizeof(in), ifindex, "in");
	link_path(out, sizeof(out), ifindex, "out");
	return pt_tc_link_ifindex(in) > 0 && pt_tc_link_ifindex(out) > 0;
}
