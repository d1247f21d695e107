/* mbox_list - an mbox that is open; for mbox.c and mbox_save.c */
#ifndef STORE_MBOX_LIST_H
#define STORE_MBOX_LIST_H

#include <sys/stat.h>
#include "base/list.h"
#include "store/mailbox_private.h"
#include "store/mbox_private.h"

struct mbox {
	struct mailbox m;
	int dirfd;
	char *path;
	int fd;			/* to read from; -1: there is no file */
	uid_t owner;		/* MBOX_OWN, or whose the file must be */
	struct stat seen;	/* when it was indexed */
	bool stale;		/* saved since, or too fresh to tell */
	bool held;		/* by mailbox_lock: */
	struct mbox_lock lock;
	struct mbox_index ix;	/* ix.e[n - 1] is message n */
	struct mbox_look look;
	uint32_t nh[];		/* look.nh, where no UIDs are wanted */
};

static inline struct mbox *mbox_of(struct mailbox *m)
{
	return container_of(m, struct mbox, m);
}

/*
 * ms to wait for a lock. A daemon that opened another one's mbox has others to
 * serve meanwhile: it tries again itself.
 */
static inline int mbox_patience(const struct mbox *mb, int ms)
{
	return mb->owner == MBOX_OWN ? ms : 0;
}

/*
 * What the file is now; under the lock, where there is one. How many are new,
 * or -1.
 */
int mbox_resync(struct mbox *mb, struct err *err);
int mbox_save(struct mailbox *m, struct err *err);
int mbox_hold(struct mailbox *m, bool held, struct err *err);

#endif
