/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Adoption: pods that ran before podtag came, or whose ADD could not do all of it, get what an ADD
 * does. What runs and how its ADD was called is known from libcni's result cache. */
#ifndef PT_ADOPT_H
#define PT_ADOPT_H

#include <linux/types.h>

/* Why an interface is not adopted. */
#define PT_NOT_ADOPTED(X)                                                                          \
	X(CACHE_DIR, "cache_dir")       /* libcni's cache cannot be read: one for each folder */   \
	X(CACHE_FILE, "cache_file")     /* a file in it is not what libcni writes */               \
	X(CONFIG, "config")             /* an ADD with this configuration would be refused */      \
	X(OWN_NETNS, "own_netns")       /* the namespace is the node's */                          \
	X(NETNS, "netns")               /* the namespace cannot be opened */                       \
	X(LOCK, "lock")                 /* the datapath's lock was not to be had */                \
	X(NO_INTERFACE, "no_interface") /* the interface is not in the pod */                      \
	X(NETLINK, "netlink")           /* the kernel refused to describe a link */                \
	X(MAP_FULL, "map_full")         /* a map had no room for the pod */                        \
	X(MAP_UPDATE, "map_update")     /* a map refused an update for another cause */            \
	X(TC_ATTACH, "tc_attach")       /* neither clsact nor tcx could be attached */

enum pt_not_adopted {
#define X(id, text) PT_NOT_ADOPTED_##id,
	PT_NOT_ADOPTED(X)
#undef X
		PT_NOT_ADOPTED_COUNT
};

extern const char *const pt_not_adopted_names[PT_NOT_ADOPTED_COUNT];

/* How a pass went; interfaces of pods. */
struct pt_adoption {
	__u32 adopted;
	__u32 attached; /* already, and whole */
	__u32 dead;     /* in the cache, but the pod is gone or going */
	__u32 not_adopted[PT_NOT_ADOPTED_COUNT];
};

/* One that could not be adopted. Texts may hold any bytes; those not known are "". */
struct pt_adopt_failure {
	const char *file;
	const char *namespace;
	const char *pod; /* the container id where the runtime gave no name */
	const char *ifname;
	enum pt_not_adopted reason;
	const char *text;
};

typedef void pt_adopt_tell_fn(const struct pt_adopt_failure *failure, void *arg);

/* One pass over the cache of every runtime that uses libcni's folder. tell is called for each
 * failure. May be called while pods come and go, and killed at any time: the next pass goes on.
 * Returns 0, or a negative errno when there was none: -ENOENT, no datapath is loaded. Call it in a
 * process of its own or not in a hurry: it enters the pods' namespaces, waits for locks, and sets
 * up pt_log(). */
int pt_adopt(pt_adopt_tell_fn *tell, void *arg, struct pt_adoption *ret);

#endif
