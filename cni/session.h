/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The datapath during one CNI call, and how that call goes. */
#ifndef PT_SESSION_H
#define PT_SESSION_H

#include <stdbool.h>

#include <sys/types.h>

#include "bpf/datapath.h"
#include "cni/error.h"

struct pt_session {
	enum pt_command command; /* PT_COMMAND_COUNT: no runtime's call, and not counted */
	bool missed;             /* something was left undone */
	struct pt_error miss;    /* what, for failurePolicy closed: the first of them */
	enum pt_reason reason;   /* of that one */
	bool open;
	struct pt_datapath dp;
	ino_t inode; /* of the load that dp is of */
	bool locked;
	int lock_fd;
};

/* Takes the lock, unless this session has it, and opens the datapath; with load, loads it where
 * nothing is. Returns 0 or a negative errno, -ENOENT without load meaning that nothing is loaded.
 * The failure is noted as a miss already, apart from that -ENOENT. */
int pt_session_begin(struct pt_session *session, int lock_ms, bool load);

/* Gives the lock back; the datapath stays open. Without the lock it does nothing. */
void pt_session_unlock(struct pt_session *session);

/* Opens the datapath without the lock, to read or to count. Returns 0, also when it is open
 * already, or a negative errno. */
int pt_session_open(struct pt_session *session);

/* Notes that something could not be done: logs it, and counts it in gave_up when a runtime called.
 */
void pt_session_miss(struct pt_session *session, enum pt_reason reason, enum pt_cni_code code,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Counts the call in cni_operations, if there is a datapath, and closes everything. error: the
 * runtime gets to see an error. */
void pt_session_end(struct pt_session *session, bool error);

#endif
