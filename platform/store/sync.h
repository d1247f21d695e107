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

struct sync;
struct sync_request {
	/* 0: durable; else errno. From the loop, or inside sync_ask without a loop. */
	void (*done)(struct sync_request *, int error);
	struct list link;	/* private */
};

/* dirfd: any folder of the file system in question (kept open by the caller).
 * loop NULL: blocking, no helper. */
struct sync *sync_open(struct loop *loop, int dirfd, struct err *err);
void sync_close(struct sync *s);
/* syncfs of dirfd's file system, grouped. */
void sync_ask(struct sync *s, struct sync_request *r);
void sync_cancel(struct sync_request *r);	/* done will not come */
unsigned long sync_count(const struct sync *s);

#endif
