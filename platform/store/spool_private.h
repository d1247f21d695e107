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

/* Files of messages that have gone, for new ones (spool_spare.c). */
struct spool_spare {
	int folder;			/* -1: not in use */
	unsigned put, take;		/* the next of each, of SPOOL_SPARES */
	unsigned left;			/* so many may be there */
	int64_t looked;			/* loop_now of the last look */
	struct loop_timer idle;
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
	struct spool_spare spare;
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
/* A folder that is made when missing, the owner's. */
int spool_folder(struct spool *s, int dirfd, const char *path, mode_t mode,
		struct err *err);
/* Calls fn for each file of a folder whose name is an id. 0 or -1. */
int spool_each(int dirfd, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err);
/*
 * Opens the folder of spare files. Only its owner puts files there, and begins
 * with none.
 */
int spool_spare_open(struct spool *s, struct err *err);
void spool_spare_own(struct spool *s);
void spool_spare_close(struct spool *s);
/* Instead of removing msg/ID. False: it has to be removed. */
bool spool_spare_put(struct spool *s, const char *id);
/* One of them as tmp/ID, open to write: the old content is still in it. -1: none. */
int spool_spare_take(struct spool *s, const char *id);
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
