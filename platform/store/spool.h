/* spool - messages on their way, one file each, one flush for many
 *
 * docs/queue.md has the table of states and what each transition keeps.
 * Layout below spool-dir: tmp/ (being written), msg/ (visible: acknowledged or
 * about to be), damaged/ (kept for a human). A file is an envelope block and
 * the message; it is written whole under tmp/, renamed to msg/ID, and made
 * durable by one flush together with all others of that moment; only then does
 * `done` come. A file in msg/ that is not whole was never acknowledged.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"
#include "store/sync.h"

#define SPOOL_ID_SIZE 24	/* letters and digits, sorts by time; with NUL */
/* No 'i', 'l', 'o', 'u': an id may be read out over the telephone. */
#define SPOOL_ID_DIGITS "0123456789abcdefghjkmnpqrstvwxyz"
/* The last n digits of value. */
void spool_id_put(char *out, unsigned n, uint64_t value);

enum spool_state {
	SPOOL_WAITING = 'w',	/* still to be delivered */
	SPOOL_DONE = 'd',	/* taken by the next host or mailbox */
	SPOOL_DELIVERED = 'D',	/* in the mailbox, and its sender must still be told so; */
	SPOOL_RELAYED = 'R',	/* taken by a host that will not tell, likewise */
	SPOOL_EXPANDED = 'E',	/* an alias: a message to all of it is in the spool, likewise */
	SPOOL_FAILED = 'f'	/* given up, a bounce is in the spool or not wanted */
};

struct spool_rcpt {
	const char *address;	/* local@domain as given, without <> */
	enum spool_state state;
	const char *dsn;	/* NOTIFY= and ORCPT= (mime/dsn.h), or NULL */
};

struct spool_envelope {
	char id[SPOOL_ID_SIZE];		/* set by spool_begin */
	int64_t created;		/* seconds; set by spool_begin */
	const char *sender;		/* "" is the null sender */
	const char *origin;		/* who gave it: "user alice@a.com", "uid 1000", "[192.0.2.1]" */
	bool eight_bit;			/* BODY=8BITMIME was said */
	bool utf8;			/* SMTPUTF8 was said: an address or the header may need it */
	const char *dsn;		/* RET= and ENVID= (mime/dsn.h), or NULL */
	uint64_t size;			/* octets of the message; set on commit */
	unsigned attempts;
	bool warned;			/* the sender knows that it takes long */
	bool held;			/* the admin lets nobody try it */
	int64_t next_try;		/* wall-clock seconds, 0: at once */
	unsigned nrcpt;
	struct spool_rcpt *rcpt;
};

struct spool;

/*
 * Opens spool-dir (made when missing, tmp/ swept of files older than a day). loop
 * may be NULL: commits are then synchronous (sendmail, tests). Starts the flush
 * helper process (proc_helper) when there is a loop. As root: before the rights
 * are dropped; what it makes is then given to user-queue. Keeps folder fds, so it works
 * after a chroot. NULL with err.
 */
struct spool *spool_open(const struct conf *conf, struct loop *loop,
		struct err *err);
void spool_close(struct spool *s);
/*
 * Where to tell `queue` of new messages: a datagram "ID" to this unix socket after each
 * commit, with a loop "ID ID ... " for all of a turn. With a loop SPOOL_LOOK
 * goes first: nobody looks without being told.
 */
void spool_notify(struct spool *s, const char *socket_path);
#define SPOOL_SOCKET "queue"	/* below run-dir, SOCK_DGRAM, mode 0660 */
#define SPOOL_TOLD_MOST 2048	/* octets of a datagram */
#define SPOOL_LOOK "*"		/* instead of an ID: too many to name, scan msg/ */

/* ERR_NOMEM when `size` more octets would leave less than min-free-space or
 * max-queue is reached (452 / 431); 0 when there is room. */
int spool_room(struct spool *s, uint64_t size, struct err *err);

/*
 * A message being written; e's strings are copied at once. Sets e->id and
 * e->created; all recipients begin as SPOOL_WAITING.
 */
struct spool_draft;
struct spool_draft *spool_begin(struct spool *s, struct spool_envelope *e,
		struct err *err);
/*
 * ... under this id, which nobody else uses: a draft of that name is one that was
 * left behind. What it is made from may have been as long as max-message-size.
 */
struct spool_draft *spool_begin_as(struct spool *s, const char *id,
		struct spool_envelope *e, struct err *err);
#define SPOOL_ADDED_MOST 1024	/* octets, then, that may come on top */
const char *spool_draft_id(const struct spool_draft *d);
/*
 * 0 or -1 (disk full, size over max-message-size: ERR_NOMEM / ERR_PERM). After
 * the first failure the file is gone, and all that follows fails the same way.
 */
int spool_write(struct spool_draft *d, struct span piece, struct err *err);
/* The same for text with LF lines, or CRLF ones; what is seen of it is noted. */
struct spool_lines {
	char last;			/* octet so far; '\n' before the first */
	bool lone_cr, eight_bit;
};
int spool_write_lines(struct spool_draft *d, struct spool_lines *l,
		struct span piece, struct err *err);
/*
 * Makes it visible and durable. done comes from the loop (or inside this
 * call without a loop), err NULL when durable. The draft is gone either way. Grouped with
 * all that commit before the running flush has ended.
 */
typedef void spool_done_fn(void *arg, const char *id, const struct err *err);
void spool_commit(struct spool_draft *d, spool_done_fn *done, void *arg);
/* Forgets the call, not the message: for a session that goes away while its commit is under way. */
void spool_forget(struct spool *s, void *arg);
void spool_abort(struct spool_draft *d);
/*
 * A draft may be read before its commit: octets of the message from `at`, fewer
 * only at its end so far. -1 with err.
 */
ssize_t spool_draft_read(struct spool_draft *d, void *p, size_t n, uint64_t at,
		struct err *err);
uint64_t spool_draft_size(const struct spool_draft *d);
/*
 * ... and be written anew, with e, under its id. The old one can still be read,
 * until spool_abort, which is all that becomes of it. NULL with err.
 */
struct spool_draft *spool_redraft(struct spool_draft *old,
		struct spool_envelope *e, struct err *err);

/* ---- for queue: reading and changing. One process only; spool_own takes the lock (0 or -1). */
int spool_own(struct spool *s, struct err *err);
/* Calls fn for each file in msg/, oldest first is not promised. */
int spool_scan(struct spool *s, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err);
/* Changes whenever a file came to or went from msg/: was there news since? */
int64_t spool_changed(const struct spool *s);
/*
 * The envelope into the arena. ERR_PERM: the file is not whole (it has been moved
 * to damaged/ and logged) or is gone; ERR_TEMP: cannot be read now.
 */
int spool_load(struct spool *s, const char *id, struct arena *a,
		struct spool_envelope **e, struct err *err);
/*
 * The message itself: an fd to read from *start for e->size octets; what is behind
 * them is another's (spool_trim). CRC is checked by spool_check.
 */
int spool_body(struct spool *s, const struct spool_envelope *e, int64_t *start,
		struct err *err);
/* Cuts its file where the message ends, for somebody who reads to the end. */
int spool_trim(struct spool *s, const struct spool_envelope *e, struct err *err);
/* Reads the whole message once and compares its CRC; ERR_PERM when damaged (moved). Streams. */
int spool_check(struct spool *s, const struct spool_envelope *e, struct err *err);
/* In place, one byte, no flush: kept over kill -9; after a power cut at worst sent again. */
int spool_mark(struct spool *s, struct spool_envelope *e, unsigned rcpt,
		enum spool_state state, struct err *err);
/* In place: attempts, warned, held and next_try as they are in e. */
int spool_defer(struct spool *s, const struct spool_envelope *e, struct err *err);
int spool_remove(struct spool *s, const char *id, struct err *err);
/*
 * Makes what these have changed durable, by the flush of all others of that
 * moment: r->name is "./ID", or "./" after a removal.
 */
void spool_flush(struct spool *s, struct sync_request *r);

/* ---- spool_spill.c (QUEUE_SPILL), for queue, with a spill-dir */
/*
 * Moves a message from spool-dir to spill-dir, durable there before it goes here;
 * it may be read, changed and removed meanwhile. 0: done comes from the loop; 1: it
 * is not in spool-dir (any more); -1 with err.
 */
int spool_spill(struct spool *s, const char *id, spool_done_fn *done,
		void *arg, struct err *err);
/* All that is left, at the end of a process: blocks. Logs what goes wrong. */
void spool_spill_all(struct spool *s);

/* Number of flushes asked of the kernel so far in this process and its helper; for tests and statistics. */
unsigned long spool_flushes(const struct spool *s);

#endif
