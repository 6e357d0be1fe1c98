/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The pinned datapath: load it, open it, replace its programs in place, take it away.
 *
 * Everything lives under PT_DIR, so that any process may die at any time: a load builds a directory
 * beside it and renames it into place, complete or not at all. Functions return 0 or a negative
 * errno and print nothing.
 */
#ifndef PT_DATAPATH_H
#define PT_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/types.h"

#define PT_STRINGIFY_(x) #x
#define PT_STRINGIFY(x)  PT_STRINGIFY_(x)

#define PT_BPFFS "/sys/fs/bpf"
#define PT_ROOT  PT_BPFFS "/podtag"
#define PT_DIR   PT_ROOT "/v" PT_STRINGIFY(PT_SCHEMA)

/* Those that userspace opens; there are also sock_pod and the jump maps. */
#define PT_MAPS(X)                                                                                 \
	X(PODS, pods)                                                                              \
	X(POD_BY_NETNS, pod_by_netns)                                                              \
	X(POD_BY_IFINDEX, pod_by_ifindex)                                                          \
	X(POD_BY_IP, pod_by_ip)                                                                    \
	X(POD_TRAFFIC, pod_traffic)                                                                \
	X(TCP_RETRANSMITS, tcp_retransmits)                                                        \
	X(HTTP_LATENCY, http_latency)                                                              \
	X(HTTP_PODS, http_pods)                                                                    \
	X(HTTP_LOST, http_lost)                                                                    \
	X(TLS_WANTED, tls_wanted)                                                                  \
	X(TLS_CONNECTIONS, tls_connections)                                                        \
	X(ATTACHMENTS, attachments)                                                                \
	X(GAVE_UP, gave_up)                                                                        \
	X(CNI_OPERATIONS, cni_operations)                                                          \
	X(DATAPATH, datapath)

enum pt_map {
#define X(id, name) PT_MAP_##id,
	PT_MAPS(X)
#undef X
		PT_MAP_COUNT
};

extern const char *const pt_map_names[PT_MAP_COUNT];

/* An open datapath. The three arrays are the maps' own memory: what is written there is in the
 * kernel at once, and adding to a counter needs __atomic operations, but no system call. */
struct pt_datapath {
	int maps[PT_MAP_COUNT]; /* of a map that is younger than what is loaded: negative */
	struct pt_datapath_info *info;
	struct pt_gave_up *gave_up;           /* PT_REASONS_MAX elements */
	struct pt_cni_operations *operations; /* PT_COMMAND_COUNT elements */
};

/* What a load changed. */
enum pt_load_result { PT_LOAD_NOTHING, PT_LOAD_CREATED, PT_LOAD_UPGRADED };

/* Opens the pins. -ENOENT: nothing is loaded. The caller closes *ret. */
int pt_datapath_open(struct pt_datapath *ret);

/* The same, of a datapath that is still being made. */
int pt_datapath_open_dir(const char *dir, struct pt_datapath *ret);

/* A zeroed or closed datapath is fine. */
void pt_datapath_close(struct pt_datapath *dp);

/* Takes the node's one lock, which serializes everything that changes pins or identity; mounts
 * bpffs and makes PT_ROOT where they are missing. Waits at most timeout_ms (-1: for ever) and then
 * returns -ETIMEDOUT; -ENODEV where bpffs is missing in a container that was given the node's
 * folder for it. Returns a file descriptor; closing it, or dying, gives the lock back. */
int pt_datapath_lock(int timeout_ms);

/* Loads the programs and maps, or brings a loaded datapath to this binary's programs without
 * losing a count. Call with the lock held. Returns enum pt_load_result or a negative errno; why it
 * failed is what the kernel and libbpf said, in text (size bytes, always terminated). */
int pt_datapath_load(char *text, size_t size);

/* Loads the HTTP programs, or replaces them, the way pt_datapath_load() has done with the others
 * before. Call without the lock: the verifier takes a few hundred milliseconds. Returns the same; a
 * node where it fails is without HTTP, and dp->info says so. */
int pt_http_load(char *text, size_t size);

/* Whether the loaded programs are those of this binary, the HTTP programs too or found impossible.
 */
bool pt_datapath_is_current(const struct pt_datapath *dp);

/* Whether there are no datapaths of other layouts, older or newer, which pt_schema_retire() removes
 * with all their counts. Call that with the lock held, once this one is loaded: their pods are
 * there to be adopted (cni/adopt.h). Returns how many there were, or a negative errno. */
bool pt_schema_is_alone(void);
int pt_schema_retire(void);

/* Detaches and unpins everything, of other layouts too. Call with the lock held, from a process
 * with one thread. 0 when there was nothing either; -EBUSY: done, but for the filters of a pod
 * whose namespace cannot be reached from here; another negative errno: pins stay. */
int pt_datapath_unload(void);

/* Adds one to gave_up[reason]. */
void pt_gave_up(struct pt_datapath *dp, enum pt_reason reason);

/* Now, as the maps' *_ns fields have it: CLOCK_BOOTTIME. */
__u64 pt_now_ns(void);

#endif
