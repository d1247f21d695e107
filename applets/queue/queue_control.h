/* queue_control - what the files behind queue.ctl share
 *
 * One line comes: VERB, or VERB<TAB>NAME=VALUE... with id, from, to, domain,
 * each once at most. Lines go, and then the end:
 *
 *	M<TAB>ID SIZE CREATED NEXT ATTEMPTS STATE SENDER (each behind a TAB)
 *	R<TAB>ADDRESS<TAB>REASON	of LIST: M's recipients that wait
 *	T<TAB>DAY DOMAIN TYPE GOOD RESULT=N... (each behind a TAB): of TLS, which
 *				counts what became of TLS (queue_tally.c)
 *	B<TAB>ID			just being sent, was left alone
 *	F<TAB>ID<TAB>TEXT		could not be changed
 *	OK DONE SAME BUSY FAILED	how many: the last line; SAME was so already
 *	ERROR TEXT, DENIED TEXT		instead of it
 *
 * LINK<TAB>NAME<TAB>up|metered|down|gone is queue_uplink.c's; SUBMIT is
 * queue_submit.c's, with lines of its own.
 */
#ifndef APPLETS_QUEUE_CONTROL_H
#define APPLETS_QUEUE_CONTROL_H

#include "net/conn.h"
#include "queue.h"
#include "store/sync.h"

#define CONTROL_LINE_MOST 2048	/* octets of a request */
#define CONTROL_BATCH 256	/* changes that one flush makes durable */

/* Which messages: all that is given has to hold. Its text is the caller's. */
struct queue_select {
	const char *id, *from, *to, *domain;	/* NULL: any */
};

enum change { CHANGE_DONE, CHANGE_SAME, CHANGE_BUSY, CHANGE_FAILED, CHANGES };

struct control;

struct control_verb {
	char name[8];
	bool changes;			/* not for everybody */
	/* For each message; e is what its file says. NULL: LIST. */
	enum change (*change)(struct control *c, struct queue_entry *q,
			struct spool_envelope *e, struct err *err);
};

/* Changes on their way to the disk. */
struct control_change {
	struct control_batch *batch;
	struct sync_request request;
	char name[SPOOL_ID_SIZE + 2];	/* "./ID", or "./" */
};

struct control_batch {
	struct control *control;	/* NULL: has gone */
	unsigned n, left;
	int error;
	bool removed;			/* one of them is the folder */
	struct control_change change[CONTROL_BATCH];
};

/* One caller of queue.ctl. */
struct control {
	struct list link;		/* in queue->callers */
	struct queue *queue;
	struct conn *conn;
	unsigned long uid;
	char origin[32];		/* whose messages it may see; "": all */
	char line[CONTROL_LINE_MOST];
	const struct control_verb *verb;	/* NULL: not asked yet */
	struct queue_select select;
	struct loop_task walk;
	struct submit *submit;		/* it hands over a message; or NULL */

	unsigned bucket;		/* where it is: at the first */
	char last[SPOOL_ID_SIZE];	/* entry behind this one */
	struct arena *arena;		/* LIST: of the message under way, */
	struct spool_envelope *envelope;	/* or NULL */
	unsigned rcpt;			/* the next of its recipients */
	struct control_batch *batch;	/* NULL: nothing was changed */
	unsigned request;		/* for queue_flush */
	unsigned count[CHANGES];
};

/* Goes on with the walk. */
void control_walk(struct control *c);

/* It is over: all is freed, what was written still goes. */
void control_end(struct control *c);

/* ---- queue_submit.c (QUEUE_SUBMIT) */
/* line: what follows the verb. */
void submit_start(struct control *c, struct span line);
/* All that happens on the connection from then on. */
void submit_event(struct control *c, enum conn_event event);
void submit_end(struct control *c);

/* ---- queue_select.c */
/* "NAME=VALUE<TAB>...", changed here. -1: it makes no sense. */
int select_parse(struct queue_select *s, char *words);
/* to and domain: is it one of those that still wait? */
bool select_match(const struct queue_select *s, const struct spool_envelope *e);

/* ---- queue_admin.c */
/* NULL: there is none of that name. */
const struct control_verb *admin_verb(struct span name);
/* True: the walk goes on when the changes made so far are on the disk. */
bool admin_flush(struct control *c, bool all);
void admin_end(struct control *c);

#endif
