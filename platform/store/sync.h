/* sync - group commit: one flush of the disk for all that asked while the last was running
 *
 * Used by spool and by deliver. A helper process makes the flush, so the
 * loop goes on; requests that come meanwhile form the next group.
 */
#ifndef STORE_SYNC_H
#define STORE_SYNC_H

#include <stdbool.h>
#include "base/err.h"
#include "base/list.h"
#include "net/loop.h"

#define SYNC_NAME_MAX 511

struct sync;
struct sync_request {
	/*
	 * Of the written file, relative to dirfd, at most SYNC_NAME_MAX octets;
	 * kept by the caller until done. Its folder is made durable too. Needed
	 * where a flush goes file by file. One that begins with "./" may be
	 * gone by then: that is no error.
	 */
	const char *name;
	/* 0: durable; else errno. From the loop, or inside sync_ask without a loop. */
	void (*done)(struct sync_request *, int error);
	struct list link;	/* private */
};

/*
 * dirfd: any folder of the file system in question (kept open by the caller).
 * loop NULL: blocking, no helper. files: fsync of each file and of its folder
 * instead of syncfs, for disks that others keep busy; the same is done on kernels
 * before 5.8, whose syncfs does not report write errors.
 */
struct sync *sync_open(struct loop *loop, int dirfd, bool files,
		struct err *err);
void sync_close(struct sync *s);
/*
 * Makes r's file durable, grouped: one flush a turn of the loop. While one is
 * under way the next group gathers; at SYNC_LARGE requests it does not wait for
 * the first to end. r->link need not be initialised.
 */
void sync_ask(struct sync *s, struct sync_request *r);
#define SYNC_LARGE 16
/* ms without such a group, then the second helper ends */
#define SYNC_SPARE 2000
void sync_cancel(struct sync_request *r);	/* done will not come */
/*
 * How many requests more (or, below 0, fewer) are known to be on their way. A
 * group then waits for them a moment (SYNC_QUIET ms without a new one, at
 * most SYNC_WAIT in all); with nobody on the way it never waits.
 */
void sync_expect(struct sync *s, int more);
#define SYNC_QUIET 3
#define SYNC_WAIT 25
/* Does it flush file by file? */
bool sync_by_name(const struct sync *s);
/* Flushes (syncfs, fsync) asked of the kernel so far, the helper's included. */
unsigned long sync_count(const struct sync *s);

#endif
