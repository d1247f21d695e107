/* queue - the parts of the queue daemon
 *
 * An entry is a message in the spool (small, one for each). When it is due it
 * becomes active: its envelope is read and its recipients are gathered into
 * jobs, one for each site (a place to connect to). A site has links
 * (connections) that carry its jobs one after another. When all jobs of a
 * message have ended, its fate is decided: gone, bounced, or due again later.
 */
#ifndef APPLETS_QUEUE_H
#define APPLETS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/date.h"
#include "base/list.h"
#include "base/str.h"
#include "net/daemon.h"
#include "net/mx.h"
#include "net/secret.h"
#include "net/smtp_client.h"
#include "store/spool.h"

#define QUEUE_BUCKETS 16384
#define QUEUE_ACTIVE_MOST 500		/* envelopes in memory at once */
#define QUEUE_SITE_MOST 50		/* jobs that wait for one site */
#define QUEUE_SITES_MOST 1000		/* held ones remembered beside those in use */
#define QUEUE_SITE_BUCKETS 64
#define QUEUE_LOOKUPS_MOST 20		/* sites that ask for addresses at once */
#define QUEUE_WINDOW_FIRST 2		/* connections to a site that is new, */
#define QUEUE_WINDOW_CALM 20		/* messages it takes between +1 and +1
					 * once it has refused a connection */
#define QUEUE_SLOW_MS 2000		/* a connection that is not up yet is slow, */
#define QUEUE_PATIENCE_MS 10000		/* and after this the first to make room */
#define QUEUE_TURN_MS 1000		/* then it is another site's turn */
#define QUEUE_SLICE 32			/* messages looked at per turn */
/* A ceiling, not a reserve: over all that the longest envelope can need. */
#define QUEUE_ENVELOPE_MOST (64 * 1024 * 1024)
#define QUEUE_REASON 288
#define QUEUE_REASON_BUCKETS 64
#define QUEUE_REASONS_MOST (1024 * 1024) /* octets kept of why messages wait */
#define QUEUE_RUNS_MOST 64		/* changes of the reason in one message */
#define QUEUE_ROOM_MS 5000		/* then it is seen whether a site has room */
#define QUEUE_RETURN_MOST (64 * 1024)	/* octets of a message that go back */
#define QUEUE_LOOK_MOST (256 * 1024)	/* ... that are looked at for UTF-8 */

struct queue;
struct queue_message;
struct queue_reason;
struct queue_runs;

/* A message in the spool. */
struct queue_entry {
	struct queue_entry *next;	/* of its hash bucket, sorted by id */
	struct queue *queue;
	struct loop_timer due;
	struct list ready;		/* due: waits for room, or parked at a site */
	struct queue_message *active;
	struct queue_reason *reason;	/* of the last failure, when it is the */
	struct queue_runs *runs;	/* same for all; NULL: unknown */
	unsigned flushed;		/* of which request of the admin's: it is
					 * tried now, whatever its file says; or 0 */
	char id[SPOOL_ID_SIZE];
	bool again;			/* may have been delivered before */
	bool unread;			/* found by a scan: when it is due is in its file */
	bool check;			/* compare its CRC before it is sent */
	bool held;			/* the admin lets nobody try it */
};

/* Where to go: what recipients of one site have in common. */
struct queue_route {
	bool lmtp, mx;
	const char *unix_path;		/* NULL: host */
	const char *host;		/* name, or address literal */
	unsigned port;
	const struct conf_smarthost *smarthost;	/* TLS and AUTH of it; or NULL */
	bool fallback;			/* it is fallback-route */
};

/* Addresses, best first; links that use them outlive what the site knows. */
struct queue_targets {
	unsigned users, n;
	struct mx_target v[];
};

/* What a site may have to wait for until others have had theirs. */
enum queue_wait {
	QUEUE_WAIT_NOT, QUEUE_WAIT_LINK /* its first */, QUEUE_WAIT_ADDRESSES,
	QUEUE_WAITS
};

/* A place to connect to, while there is something for it. */
struct queue_site {
	struct list link;		/* of its bucket in queue->sites */
	struct queue *queue;
	char *key;
	struct queue_route route;	/* strings live as long as key */
	struct list jobs;		/* waiting for a link */
	struct list parked;		/* entries that wait for room in jobs */
	struct list links;
	struct list turn;		/* in queue->waits[waits] */
	enum queue_wait waits;
	unsigned nlinks, connecting;	/* connecting: those that were never ready */
	unsigned window;		/* links that it seems to bear */
	unsigned good, calm;		/* messages taken since it grew, and how
					 * many it takes to grow again */

	struct queue_targets *targets;	/* asked for anew when old; or NULL */
	int64_t resolved;		/* clock_ms; 0: not yet */
	struct mx *resolve;	/* under way */

	struct smtp_result why;		/* why nothing could be reached */
	int64_t held_until;		/* clock_ms: no try before */
	bool kept;			/* for a reason that counts no tries */
	bool asking;			/* for its secret */
	unsigned failures;
	unsigned flushed;		/* the last of them that woke it */
	struct loop_task run;
};

/* The recipients of one message that go to one site. */
struct queue_job {
	struct list link;		/* in site->jobs; empty: on a link, or ended */
	struct queue_job *next;		/* of the message */
	struct queue_message *message;
	struct queue_site *site;
	struct smtp_message smtp;
	unsigned *index;		/* of each recipient in the envelope */
	const char **rcpt, **dsn;
	unsigned left;			/* recipients without a result */
	bool told;			/* the other side sees to reports of success */
};

enum queue_fate { FATE_NONE, FATE_SENT, FATE_LATER, FATE_FAILED };

/* What the sender is told of a recipient; the first that occurs is the subject. */
enum queue_report {
	REPORT_NONE, REPORT_FAILED, REPORT_DELAYED, REPORT_RELAYED,
	REPORT_DELIVERED, REPORT_KINDS
};

struct queue_outcome {
	enum queue_fate fate;
	enum queue_report report;	/* due now */
	const struct smtp_result *why;	/* arena; NULL: not needed, or forgotten */
	const char *host;		/* who said it; "" nobody */
	bool kept;			/* it does not count as a try */
};

/* A message whose envelope is in memory. */
struct queue_message {
	struct queue_entry *entry;
	struct arena *arena;
	struct spool_envelope *envelope;
	struct queue_outcome *outcome;	/* one a recipient */
	struct queue_job *first;
	unsigned jobs;			/* that have not ended */
	bool crowded;			/* a site had no room for some of it */
	int64_t wait;			/* ms until a local socket is tried again, or 0 */
	int64_t held;			/* clock_ms: when the first of its held sites
					 * may be tried; 0: it has none */
	bool tried;			/* something is left for one that is not held */
	bool global;			/* its report is RFC 6533's */
};

struct queue {
	struct daemon daemon;
	struct spool *spool;
	struct dns *dns;
	struct tls_ctx *tls;
	struct queue_secret *secrets;
	struct secret_env secret_env;
	int notice;			/* what people are told at login; -1 */
	char deliver_path[128];

	struct queue_entry *buckets[QUEUE_BUCKETS];
	unsigned entries, active;
	struct list ready;		/* due, */
	struct list backlog;		/* or of a scan or flush: many at once */
	unsigned callers;		/* of queue.ctl, who are not admins */
	unsigned flushes;		/* requests of the admin's so far */
	struct queue_reason *reasons[QUEUE_REASON_BUCKETS];
	size_t reason_bytes;
	struct loop_task start;		/* makes ready ones active */
	struct list sites[QUEUE_SITE_BUCKETS];
	unsigned nsites;
	unsigned links;			/* to other hosts, but for slow ones */
	unsigned lookups;		/* sites that ask for their addresses */
	struct list waits[QUEUE_WAITS];	/* sites in line for either; */
	unsigned nwaits[QUEUE_WAITS];	/* none in the first */
	unsigned leaving;		/* links that make room for those in line */
	struct list idle;		/* links kept for later, oldest first */
	struct list slow;		/* those not up for too long, likewise */
	unsigned nslow;

	struct loop_watch told;		/* datagrams from who put a message in */
	struct loop_timer rescan;
	int64_t scanned;		/* spool_changed at the last scan */
	struct loop_timer patience;	/* after SIGTERM */
};

/* ---- queue.c: the index */
/* A new message is in the spool. Without memory a scan finds it later. */
void queue_learn(struct queue *q, const char *id);
void queue_drop(struct queue_entry *e);
void queue_due_in(struct queue_entry *e, int64_t ms);
/* NULL: there is none of this id. */
struct queue_entry *queue_find(struct queue *q, const char *id);
/*
 * A walk through all, over any changes between two steps: the first entry
 * behind id ("": from the start) in this bucket or one of the next. NULL: the end.
 */
struct queue_entry *queue_next(const struct queue *q, unsigned *bucket,
		const char *id);
/* A scan, if there is news in the spool. */
void queue_look(struct queue *q);
/*
 * It is due now, and the site it goes to not held any more. request: one more of
 * q->flushes, the same for all that one request means.
 */
void queue_flush(struct queue_entry *e, unsigned request);
/* Not due any more, until queue_due_in. */
void queue_rest(struct queue_entry *e);
/* "550 5.1.1 no such user", or why there was no reply. */
void queue_reply(char out[QUEUE_REASON], const struct smtp_result *why);
/* An active message has ended: room for the next; the end of a stop. */
void queue_message_ended(struct queue *q);
/* Nothing is under way any more. */
bool queue_quiet(const struct queue *q);

/* ---- queue_reason.c: why recipients wait */
/* Notes what came of the try. */
void reason_keep(struct queue_message *m);
void reason_forget(struct queue_entry *e);
/* Of the recipient's last failure; "": not known. Good until the next change. */
const char *reason_text(const struct queue_entry *e, unsigned rcpt);

/* ---- queue_message.c: an active message */
void message_start(struct queue_entry *e);
void message_result(struct queue_job *j, unsigned rcpt,
		const struct smtp_result *r, const char *host);
/* The same for all recipients of the job that have none. j is gone after it. */
void message_job_end(struct queue_job *j, const struct smtp_result *r,
		const char *host);
/*
 * Takes it back from the sites where it waits. False: some of it is just being
 * sent, or its report written; it is left alone.
 */
bool message_recall(struct queue_entry *e);
/* To the site that comes after j's, whose failure was r; or its end. */
void message_elsewhere(struct queue_job *j, const struct smtp_result *r);
/* Milliseconds until the n-th retry; first: seconds until the first. */
int64_t message_backoff(const struct conf *conf, unsigned first,
		unsigned attempts);

/* ---- queue_route.c */
/*
 * Where mail of this sender for this domain goes; key (size bytes) tells sites
 * apart.
 */
void route_find(struct queue *q, const char *sender, struct span domain,
		struct queue_route *r, char *key, size_t size);
/*
 * The same for when one has failed: the next smarthost, then, for what is late,
 * fallback-route. False: there is nothing else.
 */
bool route_next(const struct queue *q, const char *sender,
		const struct queue_route *failed, bool late,
		struct queue_route *r, char *key, size_t size);

/* ---- queue_secret.c: what each smarthost wants to hear from us */
struct queue_secret;
/* Reads them, while we may. */
int queue_secret_load(struct queue *q, struct err *err);
/* Those that are not at hand can be fetched from now on. */
void queue_secret_start(struct queue *q);
/* NULL: it has none. The place is the same for ever. */
const char *queue_secret_text(const struct queue *q,
		const struct conf_smarthost *h);
/* False: the site is woken when it is there, or has been told why it is not. */
bool queue_secret_ready(struct queue_site *s);
void queue_secret_stop(struct queue_site *s);
/* It was refused: may a new one help? It was taken. */
bool queue_secret_anew(const struct queue_site *s);
void queue_secret_taken(const struct queue_site *s);

/* ---- queue_resolve.c: fills site->targets, then wakes the site */
void resolve_start(struct queue_site *s);
void resolve_stop(struct queue_site *s);
struct queue_targets *targets_use(struct queue_targets *t);
void targets_drop(struct queue_targets *t);	/* NULL is fine */

/* ---- queue_site.c */
struct queue_site *site_get(struct queue *q, const struct queue_route *r,
		const char *key);
void site_add(struct queue_site *s, struct queue_job *j);
/* Not held, and its addresses asked for anew: once a request. */
void site_flush(struct queue_site *s, unsigned request);
void site_stop_all(struct queue *q);	/* no new work; idle links closed */
void site_abort_all(struct queue *q);
/*
 * Nothing came of any address: the site is held, all that wait go to the next
 * smarthost if there is one, else they are told.
 */
void site_failed(struct queue_site *s, const struct smtp_result *why);
/* Nobody lets us in until a human does something: mail waits, ms at most. */
void site_keep(struct queue_site *s, int64_t ms, const char *text);
/* The same for a cause of our own. */
void site_cannot(struct queue_site *s, const char *enhanced, const char *text);
unsigned site_waiting(const struct queue_site *s);
/*
 * How many jobs may wait there. The more is active the fewer, so that a few dead
 * hosts never take all the room.
 */
unsigned site_room(const struct queue_site *s);
/* Looks soon whether there is work for a link. */
void site_wake(struct queue_site *s);
void site_wake_all(struct queue *q);
/* There may be room for a link or a look-up: who is first in line looks. */
void site_feed(struct queue *q);
/*
 * A link of s that was never ready has ended; why: what the last address said. As
 * long as others are at work that is a limit of the site's, else it has failed.
 */
void site_refused(struct queue_site *s, const struct smtp_result *why);
/* A message was taken, or a link broke in the middle of one. */
void site_took(struct queue_site *s);
void site_broke(struct queue_site *s);

/* ---- queue_link.c: one connection */
struct queue_link;
/* -1: it could not even be tried; the jobs have been told. */
int link_start(struct queue_site *s);
/* Gives an idle link of the site the job; false: none is idle. */
bool link_offer(struct queue_site *s, struct queue_job *j);
void link_stop_idle(struct queue_site *s);
/* For a site that waits for its first: the one that was idle longest goes. */
void link_make_room(struct queue *q);
void link_abort_all(struct queue_site *s);

/* ---- queue_header.c */
/*
 * Adds a message's header section, or all of it, CRLF lines as in its file,
 * QUEUE_RETURN_MOST at most.
 */
void queue_text(struct str *out, int fd, int64_t start, bool whole);
/*
 * "Date: ...", CRLF, for a message that was written before the clock was set and
 * has none (RFC 5322 3.6 wants one); else NULL.
 */
#define QUEUE_LATE_DATE (DATE_SIZE + 8)
const char *queue_late_date(char out[QUEUE_LATE_DATE], int64_t created, int fd,
		int64_t start);

/* Does a header need SMTPUTF8? False for who did not say it (RFC 6531 3.4). */
bool queue_utf8_header(const struct spool_envelope *e, int fd, int64_t start);

/* ---- queue_report.c */
/*
 * Writes one report for all recipients of whom one is due into the spool; done
 * when it is durable (err NULL) or not. -1: it could not even be begun.
 */
int report_send(struct queue_message *m, spool_done_fn *done, struct err *err);

/* ---- queue_control.c: LIST and FLUSH */
int control_start(struct queue *q, int fd, struct err *err);

#endif
