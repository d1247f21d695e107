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
#include "net/proof.h"
#include "mime/srs.h"
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
#define QUEUE_REASON 512
#define QUEUE_REASON_BUCKETS 64
#define QUEUE_REASONS_MOST (1024 * 1024) /* octets kept of why messages wait */
#define QUEUE_RUNS_MOST 64		/* changes of the reason in one message */
#define QUEUE_USERS 32			/* whose rates are known */
#define QUEUE_SPILLS 16			/* moved to flash at a time */
#define QUEUE_ROOM_MS 5000		/* then it is seen whether a site has room */
#define QUEUE_RETURN_MOST (64 * 1024)	/* octets of a message that go back */
/* What goes before the message has to fit into CONN_OUT_MOST at once. */
#define QUEUE_REWRITE_MOST (32 * 1024)	/* octets of a header */
#define QUEUE_HEAD_MOST (48 * 1024)	/* ... that they become */
/* octets of addresses that deliver names */
#define QUEUE_MOVED_MOST (32 * 1024)
#define QUEUE_KEY_SIZE 600		/* of a site */
#define QUEUE_JOB_MOST 100		/* recipients: RFC 5321 4.5.3.1.8 */
#define QUEUE_LOOK_MOST (256 * 1024)	/* ... that are looked at for UTF-8 */

struct aliases;
struct queue;
struct alert_command;
struct alert_group;
struct queue_expansion;
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
	/* ... and what it was made of not be marked */
	bool unsure;
	/* it is in a digest that is in the spool */
	bool merged;
	bool unread;			/* found by a scan: when it is due is in its file */
	bool check;			/* compare its CRC before it is sent */
	bool held;			/* the admin lets nobody try it */
	bool counted;			/* by cap_holds */
	bool commanded;			/* alert-command knows of it */
	bool crowded;			/* some of it only found no room */
	bool flash;			/* in spill-dir, or on its way there */
	unsigned since;			/* clock_ms / 1000, when we heard of it */
	/* a bit for each recipient who has no mailbox, says deliver; or NULL */
	unsigned char *moved;
};

bool entry_has_moved(const struct queue_entry *e, unsigned rcpt);

/* Where to go: what recipients of one site have in common. */
struct queue_route {
	bool lmtp, mx;
	const char *unix_path;		/* NULL: host */
	const char *host;		/* name, or address literal */
	unsigned port;
	const struct conf_smarthost *smarthost;	/* TLS and AUTH of it; or NULL */
	const struct conf_tls_policy *policy;	/* the domain's line, or NULL */
	bool fallback;			/* it is fallback-route */
	const struct conf_route *error;	/* nowhere: it says why; or NULL */
};

/* Addresses, best first; links that use them outlive what the site knows. */
struct queue_targets {
	unsigned users, n;
	struct proofs *proofs;	/* what DNS says of their TLS; or NULL */
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
	/* whose result comes: to whom it goes instead, a line each; or empty */
	struct span moved;
};

enum queue_fate { FATE_NONE, FATE_SENT, FATE_LATER, FATE_FAILED };

/* What the sender is told of a recipient; the first that occurs is the subject. */
enum queue_report {
	REPORT_NONE, REPORT_FAILED, REPORT_DELAYED, REPORT_RELAYED,
	REPORT_DELIVERED, REPORT_EXPANDED, REPORT_KINDS
};

/* Kept by ourselves, which is no try; is the sender warned of it, too? */
enum queue_kept { KEPT_NOT, KEPT, KEPT_WARNED };

struct queue_outcome {
	enum queue_fate fate;
	enum queue_report report;	/* due now */
	const struct smtp_result *why;	/* arena; NULL: not needed, or forgotten */
	const char *host;		/* who said it; "" nobody */
	unsigned char kept;		/* enum queue_kept */
	const char *address;		/* its mail goes there; NULL: as in the
					 * envelope */
};

/* A message whose envelope is in memory. */
struct queue_message {
	/* that is in the spool, but not known yet */
	char report[SPOOL_ID_SIZE];
	struct queue_entry *entry;
	struct arena *arena;
	struct spool_envelope *envelope;
	struct queue_outcome *outcome;	/* one a recipient */
	struct queue_job *first;
	unsigned jobs;			/* that have not ended, and expansions */
	/* what aliases say, one a recipient: NULL: nothing; "": it becomes a
	 * message of its own. NULL: nothing at all */
	const char **address;
	struct queue_expansion *expansions;
	unsigned expanding;		/* that have not ended, or a parent's mark */
	bool crowded;			/* a site had no room for some of it */
	bool unmarked;			/* the last one's state is not on disk: the file
					 * is about to go */
	unsigned last;			/* who that is */
	int64_t wait;			/* ms until a local socket is tried again, or 0 */
	bool kept;			/* some of it, by ourselves, */
	int64_t keep_ms;		/* so long; 0: until somebody says */
	bool weighed;			/* alert and cap have been asked, */
	const struct smtp_result *holds; /* who said this; or NULL */
	bool capped;			/* ... and that was cap */
	int64_t held;			/* clock_ms: when the first of its held sites
					 * may be tried; 0: it has none */
	bool tried;			/* something is left for one that is not held */
	bool global;			/* its report is RFC 6533's */
};

/* A user of this machine, for rate-local. */
struct queue_user {
	unsigned long uid;
	unsigned since, count;		/* clock_ms / 1000; 0: nobody */
};

/* A link to the world, as the network's hooks tell of it. */
enum { UPLINK_GONE, UPLINK_DOWN, UPLINK_METERED, UPLINK_UP };
#define QUEUE_UPLINKS 8

struct queue_uplink {
	char name[32];
	unsigned char state;		/* UPLINK_GONE: none */
};

/* What may go out in a time (queue_cap.c). */
struct queue_cap {
	uint64_t who;			/* hash of the origin */
	int64_t full;			/* clock_ms: when the bucket is full again */
};

struct queue {
	struct daemon daemon;
	struct spool *spool;
	struct dns *dns;
	struct tls_ctx *tls;
	struct queue_secret *secrets;
	struct srs *srs;		/* NULL: off */
	struct sts_cache *sts;		/* NULL: no MTA-STS */
	struct list tallies;		/* of TLS, by domain and day */
	unsigned ntallies;
	struct secret_env secret_env;
	int notice;			/* what people are told at login; -1 */
	char deliver_path[128];

	unsigned entries, active;
	struct list ready;		/* due, */
	struct list backlog;		/* or of a scan or flush: many at once */
	struct listen *control;		/* queue.ctl, */
	struct list callers;		/* who ask there */
	unsigned committing;		/* messages of theirs, being flushed */
	struct queue_user users[QUEUE_USERS];
	unsigned flushes;		/* requests of the admin's so far */
	size_t reason_bytes;
	struct loop_task start;		/* makes ready ones active */
	unsigned nsites;
	unsigned links;			/* to other hosts, but for slow ones */
	unsigned lookups;		/* sites that ask for their addresses */
	struct list waits[QUEUE_WAITS];	/* sites in line for either; */
	unsigned nwaits[QUEUE_WAITS];	/* none in the first */
	unsigned leaving;		/* links that make room for those in line */
	struct list idle;		/* links kept for later, oldest first */
	struct list slow;		/* those not up for too long, likewise */
	unsigned nslow;
	unsigned silent;	/* sites in a row that port 25 did not reach */

	struct alert_group *alerts;
	struct alert_command *command;	/* that runs; or NULL */
	unsigned nalerts;
	struct queue_cap *caps, cap_all;

	struct queue_uplink uplinks[QUEUE_UPLINKS];
	int uplink_fd;			/* their file, or -1 */
	unsigned char uplink;		/* the best of them */

	struct aliases *aliases;	/* NULL: not in this build */
	struct list expansions;		/* that have not begun */
	unsigned expanding;
	struct loop_task expand;	/* begins one */

	struct loop_watch told;		/* datagrams from who put a message in */
	struct loop_timer rescan, sweep;
	struct loop_timer spill;	/* when the next one has waited enough */
	unsigned spilling;
	int64_t scanned;		/* spool_changed at the last scan */
	struct loop_timer patience;	/* after SIGTERM */

	/* what is large comes last: MIPS and ARM reach only so far at once */
	struct queue_reason *reasons[QUEUE_REASON_BUCKETS];
	struct list sites[QUEUE_SITE_BUCKETS];
	struct queue_entry *buckets[QUEUE_BUCKETS];
	struct sts_env sts_env;
	char sts_path[1024];
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
/* ... for the log and mailq: and what the owner can do about it. */
void queue_advice(char out[QUEUE_REASON], const struct smtp_result *why);
/* An active message has ended: room for the next; the end of a stop. */
void queue_message_ended(struct queue *q);
/* Nothing is under way any more. */
bool queue_quiet(const struct queue *q);

/* ---- queue_spill.c (QUEUE_SPILL) */
/* A new message may have to leave the memory. */
void spill_learn(struct queue_entry *e);
void spill_init(struct queue *q);

/* ---- queue_reason.c: why recipients wait */
/* Notes what came of the try. */
void reason_keep(struct queue_message *m);
void reason_forget(struct queue_entry *e);
/* Of the recipient's last failure; "": not known. Good until the next change. */
const char *reason_text(const struct queue_entry *e, unsigned rcpt);

/* ---- queue_message.c: an active message */
void message_start(struct queue_entry *e);
/* The second half of it: to whom it goes. */
void message_go(struct queue_message *m);
/* Frees it; it is started anew in a moment. */
void message_later(struct queue_message *m);
void message_free(struct queue_message *m);
/*
 * Takes it back from the sites where it waits. False: some of it is just being
 * sent, or its report written; it is left alone.
 */
bool message_recall(struct queue_entry *e);
/* Where it goes: the recipient as it came, or what its alias leads to. */
const char *message_address(const struct queue_message *m, unsigned rcpt);

/* ---- queue_result.c: what hosts say */
void message_result(struct queue_job *j, unsigned rcpt,
		const struct smtp_result *r, const char *host);
/* The same for all recipients of the job that have none. j is gone after it. */
void message_job_end(struct queue_job *j, const struct smtp_result *r,
		const char *host);
/* To the site that comes after j's, whose failure was r; or its end. */
void message_elsewhere(struct queue_job *j, const struct smtp_result *r);
/* Not even tried: ERR_PERM, or (any other kind) ERR_TEMP. */
void message_fail(struct queue_message *m, unsigned rcpt, enum err_kind kind,
		const char *enhanced, const char *text);
/* The recipient has been seen to and marked. */
void message_sent(struct queue_message *m, unsigned rcpt);
/* Into the log alone; host "": none. */
void message_log(const struct queue_message *m, unsigned rcpt,
		const struct smtp_result *r, const char *host);

/* ---- queue_end.c: nothing of it is under way */
/* Reports, then another try or its removal; m is gone after it, or later. */
void message_end(struct queue_message *m);
/* A job or an expansion has ended; m may be gone after it. */
void message_part_ended(struct queue_message *m);
void message_mark(struct queue_message *m, unsigned rcpt,
		enum spool_state state);
/*
 * Has it waited that many seconds? The clock alone does not tell: the message
 * may have come before it was set. Where it cannot be right, only the tries do.
 */
bool message_waited(const struct queue_message *m, int64_t most);
/* By the clock alone: what is kept has no tries to show for its age. */
bool message_is_old(const struct queue_message *m, int64_t most);
/* Milliseconds until the n-th retry; first: seconds until the first. */
int64_t message_backoff(const struct conf *conf, unsigned first,
		unsigned attempts);

/* ---- queue_parent.c: what the queue has made of messages */
/* How the origin of such a message begins; the parent's id is the next word. */
#define PARENT_ALIAS "alias "
#define PARENT_FORWARD "forward "	/* ... and whose it is */
#define PARENT_REPORT "bounce "
/* What it was made for: of each kind there is one for a recipient's number. */
#define PARENT_FINAL 'f'
#define PARENT_WARNED 'w'
#define PARENT_DIGEST 'u'	/* its id shows it: no other has a u */
void parent_made_id(char out[SPOOL_ID_SIZE], const char *parent,
		unsigned number, char kind);
/*
 * The last word of a report's origin: what becomes of the parent's recipients
 * in turn, as runs of enum spool_state, or of these.
 */
#define PARENT_NOTHING '.'
void parent_run(struct str *out, char state, unsigned n);
/*
 * done(m) when the file is durable, or gone ("": its removal). -1: no memory.
 */
int parent_flush(struct queue_message *m, const char *id,
		void (*done)(struct queue_message *m));
/*
 * Is m one of these, found by a scan, and the queue may have been killed before
 * its parent was marked? Then this does it, and message_go comes.
 */
bool parent_unsure(const struct queue_message *m);
void parent_settle(struct queue_message *m);
/* Is a report on m one of these still? */
bool parent_waits(const struct queue_message *m);

/* ---- queue_alias.c; only with ALIASES */
/* 0 or -1. */
int alias_open(struct queue *q);
/*
 * Looks up all that wait: sets m->address, tells of failures, notes who is to
 * become a message. -1: no memory.
 */
int alias_resolve(struct queue_message *m);
/* Makes those messages, from the loop; each counts as a job. */
void alias_begin(struct queue_message *m);
/*
 * A recipient's .forward, with DELIVER_FORWARD: he becomes a message to these
 * addresses, a line each. -1: no memory.
 */
int alias_forward(struct queue_message *m, unsigned rcpt, struct span to);
/* RFC 3461's parameters of a recipient whose address may be another one now. */
const char *alias_dsn(const struct queue_message *m, unsigned rcpt);
/* The runs (queue_parent.c) of a message that was made from an alias. */
void alias_runs(const struct queue_message *m,
		const struct spool_envelope *parent, char *out, size_t size);

/* ---- queue_rewrite.c: masquerade, sender= and srs */
/* Of a line `virtual ADDRESS TO`, TO; else the address. NULL: no memory. */
const char *rewrite_virtual(const struct queue_message *m,
		const char *address);
/* Where a recipient's mail goes by masquerade, for message_address. 0 or -1. */
int rewrite_rcpt(struct queue_message *m, unsigned i);
/* RFC 3461's parameters of a recipient whose address may be another one now. */
const char *rewrite_dsn(const struct queue_message *m, unsigned i);
/*
 * The sender and the header as the site may see them, before it is sent: j->smtp
 * is changed; head (fields that go before the message) gets the header section
 * where it became another, and fits. 0 or -1: no memory.
 */
int rewrite_message(struct queue_job *j, struct str *head);

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
int secret_load(struct queue *q, struct err *err);
/* NULL: it has none. Good until the next call that is not for this host. */
const char *secret_of(const struct queue *q, const struct conf_smarthost *h);
/* ---- queue_alert.c (QUEUE_ALERTS), queue_cap.c (QUEUE_CAPS) */
/*
 * Why this message, of which some goes to other hosts, does not go now; m->keep_ms
 * says how long. NULL: it may. They count it: to be asked once a try.
 */
const struct smtp_result *alert_holds(struct queue_message *m);
const struct smtp_result *cap_holds(struct queue_message *m);
void alert_stop(struct queue *q);
/* Runs alert-command for it, if it is an alert and was not told of yet. */
void alert_tell(struct queue_message *m);
void alert_command_stop(struct queue *q);

/* ---- queue_uplink.c (QUEUE_LINK) */
/* Before the rights are dropped. */
void uplink_open(struct queue *q);
/* "NAME<TAB>STATE", as queue.ctl's LINK has it. NULL, or what is wrong. */
const char *uplink_say(struct queue *q, struct span line);
/* Why nothing goes there now; NULL: it may. Lives for ever. */
const struct smtp_result *uplink_down(const struct queue *q,
		const struct queue_route *r);
/* ... and this message; its header may be read. */
const struct smtp_result *uplink_holds(const struct queue_message *m,
		const struct queue_route *r);

/* ---- queue_resolve.c: fills site->targets, then wakes the site */
void resolve_start(struct queue_site *s);
void resolve_stop(struct queue_site *s);
struct queue_targets *targets_use(struct queue_targets *t);
void targets_drop(struct queue_targets *t);	/* NULL is fine */

/* ---- queue_proof.c: how sure we have to be of a host (TLS_POLICY) */
struct conn;

/* The line of tls-policy for a domain in A-labels; sites whose lines differ have differing keys. */
void proof_route(const struct queue *q, struct span domain,
		struct queue_route *r, char *key, size_t size);
/* The same for where it goes instead: what was wanted there is wanted here. */
void proof_keep(const struct queue_route *failed, struct queue_route *r,
		char *key, size_t size);
/* Is there anything to be asked? Else neither is called. */
#define CFG_PROOFS (CFG_DANE || CFG_MTA_STS)
/*
 * The site has new addresses. True: it is being found out what DNS says of their
 * TLS; the site is woken when that is known.
 */
bool proof_prepare(struct queue_site *s);
bool proof_pending(const struct queue_site *s);
/* proof_choose for one of the targets, which is no smarthost. */
bool proof_of(struct queue_site *s, const struct queue_targets *targets,
		const struct mx_target *at, struct smtp_target *t,
		struct proof *proof, struct smtp_result *why);
/* How the connection's TLS went (TLS_REPORT); fault: enum tls_fault. */
void proof_note(struct queue_site *s, const struct proof *proof,
		unsigned fault);
/* Do lines of tls-policy need the bundle? */
bool proof_wants_bundle(const struct queue *q);
/* Before the rights are dropped (MTA_STS); the log says why there is none. */
void proof_sts(struct queue *q);

/* ---- queue_tally.c: what became of TLS (TLS_REPORT) */
enum tally_result {
	TALLY_GOOD, TALLY_NO_TLS, TALLY_NAME, TALLY_DATE, TALLY_SIGNER,
	TALLY_OTHER, TALLY_TLSA, TALLY_DNSSEC, TALLY_STS_FETCH,
	TALLY_STS_SYNTAX, TALLY_STS_CERT, TALLY_RESULTS
};

void tally_add(struct queue *q, const char *domain, enum proof_asker asker,
		enum tally_result result);
/* Prints the n-th as a line for queue.ctl; false: there is none. */
bool tally_put(const struct queue *q, unsigned n, struct conn *conn);

/* ---- queue_site.c */
struct queue_site *site_get(struct queue *q, const struct queue_route *r,
		const char *key);
void site_add(struct queue_site *s, struct queue_job *j);
/* Not held, and its addresses asked for anew: once a request. */
void site_flush(struct queue_site *s, unsigned request);
void site_stop_all(struct queue *q);	/* no new work; idle links closed */
void site_stop_idle(struct queue *q);	/* links, that is */
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
/* Does any message wait for room in a site's jobs? */
bool site_any_parked(const struct queue *q);
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
 * QUEUE_RETURN_MOST at most; behind its e->size octets the file may have some of
 * another's message.
 */
void queue_text(struct str *out, const struct spool_envelope *e, int fd,
		int64_t start, bool whole);
/*
 * "Date: ...", CRLF, for a message that was written before the clock was set and
 * has none (RFC 5322 3.6 wants one); else NULL.
 */
#define QUEUE_LATE_DATE (DATE_SIZE + 8)
const char *queue_late_date(char out[QUEUE_LATE_DATE],
		const struct spool_envelope *e, int fd, int64_t start);

/* The message's header section, QUEUE_RETURN_MOST at most. 0 or -1. */
int queue_header(struct str *out, const struct queue_message *m);
/* Priority: urgent, Importance: high, X-Priority: 1 or 2. */
bool queue_is_urgent(struct span header);

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
