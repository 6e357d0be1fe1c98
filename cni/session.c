// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The datapath during one CNI call, and how that call goes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cni/deadline.h"
#include "cni/log.h"
#include "cni/session.h"
#include "cni/spawn.h"

/* Tells one load from another: the directory's inode. */
static ino_t loaded_inode(void)
{
	struct stat dir;

	return stat(PT_DIR, &dir) ? 0 : dir.st_ino;
}

int pt_session_open(struct pt_session *session)
{
	ino_t inode = loaded_inode();
	int err = session->open ? 0 : pt_datapath_open(&session->dp);

	if (!err && !session->open) {
		session->open = true;
		session->inode = inode;
		pt_deadline_watch(&session->dp);
	}
	return err;
}

static void close_datapath(struct pt_session *session)
{
	if (!session->open)
		return;
	pt_deadline_watch(NULL);
	pt_datapath_close(&session->dp);
	session->open = false;
}

static int take_lock(struct pt_session *session, int lock_ms)
{
	int err;

	if (session->locked)
		return 0;
	err = pt_datapath_lock(lock_ms);
	if (err < 0) {
		pt_session_miss(session, PT_LOCK, PT_CNI_TRY_LATER,
				"the datapath's lock is not to be had: %s", strerror(-err));
		return err;
	}
	session->lock_fd = err;
	session->locked = true;
	return 0;
}

void pt_session_unlock(struct pt_session *session)
{
	if (session->locked)
		close(session->lock_fd);
	session->locked = false;
}

int pt_session_begin(struct pt_session *session, int lock_ms, bool load)
{
	char text[512] = "";
	int err;

	if (!load && access(PT_DIR, F_OK))
		return -ENOENT; /* without the lock, which would mount what is not there */
	err = take_lock(session, lock_ms);
	if (err)
		return err;

	if (session->inode != loaded_inode())
		close_datapath(session); /* opened without the lock, and replaced since */
	err = pt_session_open(session);
	if (err == -ENOENT && load) {
		err = pt_datapath_load(text, sizeof(text));
		if (err >= 0) {
			pt_spawn_load(); /* if not, the agent does it */
			err = pt_session_open(session);
		}
	}
	if (err && (err != -ENOENT || load))
		pt_session_miss(session, PT_LOAD, PT_CNI_NOT_OBSERVED,
				"the datapath cannot be loaded: %s%s%s", strerror(-err),
				*text ? ": " : "", text);
	return err;
}

void pt_session_miss(struct pt_session *session, enum pt_reason reason, enum pt_cni_code code,
		     const char *format, ...)
{
	struct pt_error *err = &session->miss;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pt_log(PT_LOG_WARN, "%s", text);

	if (!session->missed) {
		pt_fail(err, code, "%s", text);
		session->reason = reason;
	}
	session->missed = true;
	if (session->command < PT_COMMAND_COUNT && !pt_session_open(session))
		pt_gave_up(&session->dp, reason);
}

void pt_session_end(struct pt_session *session, bool error)
{
	struct pt_cni_operations *operations;

	if (session->command < PT_COMMAND_COUNT && !pt_session_open(session)) {
		operations = &session->dp.operations[session->command];
		__atomic_add_fetch(error             ? &operations->error
				   : session->missed ? &operations->degraded
						     : &operations->success,
				   1, __ATOMIC_RELAXED);
	}
	close_datapath(session);
	pt_session_unlock(session);
}
