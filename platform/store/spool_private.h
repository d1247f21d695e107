/* spool_private - what spool.c, spool_draft.c and spool_queue.c share */
#ifndef STORE_SPOOL_PRIVATE_H
#define STORE_SPOOL_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "config.h"
#include "base/list.h"
#include "base/str.h"
#include "net/loop.h"
#include "os/conf.h"
#include "store/closer.h"
#include "store/spool.h"
#include "store/sync.h"

/* A folder with messages; -1: not open. */
struct spool_place {
	int root, tmp, msg, damaged;
};

struct spool {
	const struct conf *conf;
	struct loop *loop;		/* NULL: commits are synchronous */
	struct spool_place place;	/* spool-dir */
	struct spool_place flash;	/* spill-dir, where there is one */
	struct sync *flash_sync;	/* queue's */
	struct list spills;		/* on their way there */
	int lock;
	uid_t owner;			/* whose the files are to be, */
	gid_t group;			/* when we are root */
	bool give;
	struct sync *sync;
	struct closer *closer;		/* queue's; or NULL */
	struct list committing;		/* drafts that wait for their flush, */
	struct list failed;		/* or for the end of the turn */
	struct loop_task report;

	unsigned count;			/* files in msg/, as far as known */
	int64_t counted;		/* clock_ms() of the last look; 0: none */

	char *notify_path;		/* NULL: nobody is told */
	int notify_fd;
	struct str untold;		/* ids, a space behind each */
	bool overflow;			/* they were too many */
	struct loop_task tell;
	struct loop_timer tell_again;
};

/* Letters and digits as spool_begin makes them: no path can hide in it. */
bool spool_id_valid(const char *id);
/* Calls fn for each file of a folder whose name is an id. 0 or -1. */
int spool_each(int dirfd, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err);
/* Tells the owner of the queue about a new message. */
void spool_tell(struct spool *s, const char *id);
/* Is there a spill-dir? */
static inline bool spool_has_flash(const struct spool *s)
{
	return CFG_QUEUE_SPILL && s->flash.msg >= 0;
}
/* Forgets what is on its way there; some of it may have arrived. */
void spool_spill_drop(struct spool *s);
/* Calls done of the drafts that failed before any flush. */
void spool_draft_report(struct loop_task *t);
/* Frees drafts without a call. */
void spool_draft_drop(struct list *drafts);

#endif
