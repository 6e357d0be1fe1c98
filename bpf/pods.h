/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The life of a pod in the identity maps: begin, attach, end, and the sweep behind them.
 *
 * All of it but pt_attachment_write() runs with the datapath's lock held. Each step leaves the maps
 * such that a SIGKILL after it is mended by the next pt_pod_begin(), pt_pod_end() or
 * pt_pods_sweep(): the attachment is written first and removed last. Functions return 0 or a
 * negative errno and print nothing.
 */
#ifndef PT_PODS_H
#define PT_PODS_H

#include "bpf/datapath.h"

/* Fills a fixed string field from text of any length. What does not fit is cut and ends in '~' and
 * a hash of the whole, so that two long texts stay two. Text that fits is copied as it is. */
void pt_text_fit(char *field, size_t size, const char *text);

/* Makes *pod, whose network namespace is pod->netns, known to the kernel: from here on its sockets
 * are tagged. A repeated call for the same sandbox finds the pod it made before and only brings
 * its description up to date. The attachment is filled in, with the counters' classid; its hook is
 * still PT_HOOK_NONE. What is said of TLS holds for the whole pod, and PT_TLS_UNSAID takes nothing
 * back: of several ADDs for one pod only some may be told of its annotations. */
int pt_pod_begin(struct pt_datapath *dp, const struct pt_attachment_key *key,
		 const struct pt_pod *pod, enum pt_tls_mode tls, struct pt_attachment *ret);

/* Whether the pod's entry in tls_wanted says what its annotation does. */
bool pt_pod_has_tls(const struct pt_datapath *dp, __u64 pod_id, enum pt_tls_mode tls);

/* Writes the attachment as it is now: after tc programs were attached, or with the reason. Needs no
 * lock. -ENOENT: it was ended in the meantime. */
int pt_attachment_write(struct pt_datapath *dp, const struct pt_attachment_key *key,
			const struct pt_attachment *attachment);

/* Sets what podtag_tcx_mark writes into the mark of the pod's packets: mark, under mark_mask. */
int pt_interface_mark(struct pt_datapath *dp, __u32 ifindex, __u32 mark, __u32 mark_mask);

/* Gives a pod's slot back, for the sweep. */
int pt_slot_clear(struct pt_datapath *dp, __u32 classid);

/* Ends the attachment: gives its links up (pt_tc_reap()), forgets the identity, and leaves the
 * pod's counters readable for PT_RETENTION_NS. Without such an attachment it does nothing and
 * returns 0. */
int pt_attachment_end(struct pt_datapath *dp, const struct pt_attachment_key *key);

/* Whether a sandbox of that container id has ended, and no later than its final values are kept: 1,
 * 0 or a negative errno. */
int pt_pod_has_ended(const struct pt_datapath *dp, const char *container_id);

/* Says whether the attachment of that key is still wanted. */
typedef bool pt_wanted_fn(const struct pt_attachment_key *key, void *arg);

/* Ends every attachment of the network that is not wanted: CNI's GC. */
int pt_network_gc(struct pt_datapath *dp, const char *network, pt_wanted_fn *wanted, void *arg);

/* Removes what nobody needs any more: pods whose retention is over, and whatever a killed process
 * left half done. */
int pt_pods_sweep(struct pt_datapath *dp);

#endif
