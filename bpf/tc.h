/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Attach the traffic programs to one interface of a pod.
 *
 * Two hooks, never both for one interface. clsact on the pod's end is quick and exact
 * behind any shaper on the host end; tcx on the host end costs two RCU grace periods under rtnl,
 * and is taken where the pod's end is not free or where packets are to be marked
 * (docs/architecture.md has the figures). Functions return 0 or a negative errno.
 */
#ifndef PT_TC_H
#define PT_TC_H

#include "bpf/datapath.h"

/* Adds clsact to ifindex in the pod's network namespace and our filters to it, with their
 * classid. netlink_fd is an unbound NETLINK_ROUTE socket of that namespace. A clsact that is
 * there already is shared; -EEXIST: another qdisc or another program has the place. */
int pt_tc_attach_clsact(int netlink_fd, __u32 ifindex, __u32 classid);

/* Takes both filters that pt_tc_attach_clsact() adds away, where they are. */
void pt_tc_detach_clsact(int netlink_fd, __u32 ifindex);

/* Whether both filters that pt_tc_attach_clsact() adds are there. */
bool pt_tc_clsact_is_attached(int netlink_fd, __u32 ifindex);

/* Attaches tcx links to the host end and pins them, or brings the pinned ones to the loaded
 * programs. mark: also the program that writes skb->mark. -EOPNOTSUPP: no tcx in this kernel. */
int pt_tc_attach_tcx(__u32 ifindex, bool mark);

/* Gives the links of the host end up, at once: what detaches them, and waits for the kernel as long
 * as attaching does, is pt_tc_reap(). 0 when there are none. */
int pt_tc_retire_tcx(__u32 ifindex);

/* Unpins the links that are given up, and those whose interface is gone. Waits for
 * an RCU grace period for each of the former: call it without the datapath's lock. */
void pt_tc_reap(void);

/* The interface that a pinned tcx link is attached to; 0 when that interface is gone. */
int pt_tc_link_ifindex(const char *path);

/* Whether both links of the host end are pinned and still on a living interface. */
bool pt_tc_tcx_is_attached(__u32 ifindex);

#endif
