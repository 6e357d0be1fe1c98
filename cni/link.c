// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Find the pod's interface and its host end, from the network namespace and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "bpf/netlink.h"
#include "cni/link.h"

#define NO_NSID ((__u32)-1)

/* What RTM_GETLINK says of one interface. */
struct seen {
	__u32 ifindex;
	char name[16];
	char kind[16];
	__u32 link; /* IFLA_LINK: of a veth its other end */
	__u32 nsid; /* IFLA_LINK_NETNSID: in whose namespace, NO_NSID: this one */
};

static int see_kind(const struct nlattr *info, struct seen *seen)
{
	const struct nlattr *attr;
	int ret = MNL_CB_OK;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			ret = pt_netlink_text(attr, seen->kind, sizeof(seen->kind));
		if (ret != MNL_CB_OK)
			break;
	}
	return ret;
}

static int see_attribute(const struct nlattr *attr, struct seen *seen)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		return pt_netlink_text(attr, seen->name, sizeof(seen->name));
	case IFLA_LINKINFO:
		return see_kind(attr, seen);
	case IFLA_LINK:
		return pt_netlink_u32(attr, &seen->link);
	case IFLA_LINK_NETNSID:
		return pt_netlink_u32(attr, &seen->nsid);
	default:
		return MNL_CB_OK;
	}
}

static int see_link(const struct nlmsghdr *answer, void *arg)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(answer);
	const struct nlattr *attr;
	struct seen *seen = arg;
	int ret = MNL_CB_OK;

	if (!pt_netlink_is(answer, RTM_NEWLINK, sizeof(*header)))
		return MNL_CB_ERROR;
	seen->ifindex = header->ifi_index;
	mnl_attr_for_each (attr, answer, sizeof(*header)) {
		ret = see_attribute(attr, seen);
		if (ret != MNL_CB_OK)
			break;
	}
	return ret;
}

/* By ifindex, or with ifindex 0 by name. */
static int get_link(int fd, __u32 ifindex, const char *name, struct seen *ret)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nlmsghdr *request;
	char buffer[256];
	int err;

	*ret = (struct seen){ .nsid = NO_NSID };
	request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	memcpy(mnl_nlmsg_put_extra_header(request, sizeof(header)), &header, sizeof(header));
	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = pt_netlink_request(fd, request, see_link, ret);
	return err || ret->ifindex ? err : -ENODEV;
}

static int see_nsid(const struct nlmsghdr *answer, void *arg)
{
	const struct nlattr *attr;

	if (!pt_netlink_is(answer, RTM_NEWNSID, sizeof(struct rtgenmsg)))
		return MNL_CB_ERROR;
	mnl_attr_for_each (attr, answer, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attr) == NETNSA_NSID)
			return pt_netlink_u32(attr, arg);
	return MNL_CB_OK;
}

/* The number that the namespace of fd gives to that of netns_fd. */
static int get_nsid(int fd, int netns_fd, __u32 *ret)
{
	struct rtgenmsg header = { .rtgen_family = AF_UNSPEC };
	struct nlmsghdr *request;
	char buffer[64];

	request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = RTM_GETNSID;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	memcpy(mnl_nlmsg_put_extra_header(request, sizeof(header)), &header, sizeof(header));
	mnl_attr_put_u32(request, NETNSA_FD, netns_fd);
	*ret = NO_NSID;
	return pt_netlink_request(fd, request, see_nsid, ret);
}

static int netlink_in(int netns_fd)
{
	int fd, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET)) {
		fd = -errno;
		goto close_home;
	}
	fd = pt_netlink_open();
	if (setns(home, CLONE_NEWNET)) {
		/* Lost in a pod: nothing that follows would be about the node. */
		if (fd >= 0)
			close(fd);
		fd = -errno;
	}

close_home:
	close(home);
	return fd;
}

/* Asks the host end whether it thinks the same. Sets the peer, or the reason. */
static int verify_peer(int netns_fd, const struct seen *pod, struct pt_link *link)
{
	int err, fd = pt_netlink_open();
	struct seen host;
	__u32 nsid;

	if (fd < 0)
		return fd;
	err = get_link(fd, pod->link, NULL, &host);
	if (!err)
		err = get_nsid(fd, netns_fd, &nsid);
	close(fd);

	if (err == -ENODEV) {
		link->reason = "peer_not_here"; /* the host end is in a third namespace */
		return 0;
	}
	if (err)
		return err;
	if (strcmp(host.kind, pod->kind) || host.link != pod->ifindex || nsid == NO_NSID ||
	    host.nsid != nsid) {
		link->reason = "peer_mismatch";
		return 0;
	}
	link->peer_ifindex = host.ifindex;
	memcpy(link->peer_name, host.name, sizeof(link->peer_name));
	return 0;
}

int pt_link_find(int netns_fd, const char *ifname, struct pt_link *ret)
{
	struct stat netns;
	struct seen pod;
	int err;

	*ret = (struct pt_link){ .netlink_fd = -1, .reason = "" };
	if (fstat(netns_fd, &netns))
		return -errno;
	ret->netns = netns.st_ino;

	err = netlink_in(netns_fd);
	if (err < 0)
		return err;
	ret->netlink_fd = err;

	err = get_link(ret->netlink_fd, 0, ifname, &pod);
	if (err)
		return err;
	ret->ifindex = pod.ifindex;
	memcpy(ret->kind, pod.kind, sizeof(ret->kind));

	if (strcmp(pod.kind, "veth") && strcmp(pod.kind, "netkit")) {
		ret->reason = "no_peer";
		return 0;
	}
	if (pod.nsid == NO_NSID || !pod.link) {
		ret->reason = "peer_in_pod"; /* both ends in one namespace */
		return 0;
	}
	return verify_peer(netns_fd, &pod, ret);
}

void pt_link_close(struct pt_link *link)
{
	if (link->netlink_fd >= 0)
		close(link->netlink_fd);
	link->netlink_fd = -1;
}
