/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Find the pod's interface and its host end, from the network namespace and nothing else.
 *
 * What a previous plugin says about names and addresses is no evidence: some give tables' numbers
 * as MACs, interfaces that do not exist, or a name that here is the node's own (CNI plugins'
 * results, aws-vpc-cni and azure among them).
 */
#ifndef PT_LINK_H
#define PT_LINK_H

#include <linux/types.h>

struct pt_link {
	__u32 ifindex;      /* in the pod */
	char kind[16];      /* IFLA_INFO_KIND: veth, netkit, macvlan, ...; "" for a real device */
	__u32 peer_ifindex; /* host end, verified from both ends; 0: none */
	char peer_name[16];
	int netlink_fd;     /* NETLINK_ROUTE socket in the pod's namespace, -1: none */
	__u32 netns;        /* inode number of the namespace, the kernel's ns.inum */
	const char *reason; /* why there is no verified host end, else "" */
};

/* Looks at ifname in the network namespace of netns_fd, and with a veth or netkit at its other end
 * here, in the caller's. Returns 0; -ENODEV: no such interface; or another negative errno. Needs
 * /proc to come back from the pod's namespace. Whatever it returns, call pt_link_close(). */
int pt_link_find(int netns_fd, const char *ifname, struct pt_link *ret);

void pt_link_close(struct pt_link *link);

#endif
