/* queue - owns the spool: who gets what, where and when; reports what fails
 *
 * RFC 5321 (4.5.4.1 retries, 5 address resolution), 3461 and 3464 (reports), 7505
 *
 * applet queue daemon
 * file queue_admin.c MAILQ_ADMIN
 * file queue_alias.c ALIASES
 * file queue_select.c MAILQ_ADMIN
 * file queue_submit.c QUEUE_SUBMIT
 * file queue_spill.c QUEUE_SPILL
 * file queue_uplink.c QUEUE_LINK
 * file queue_tally.c TLS_REPORT
 * file queue_proof.c TLS_POLICY
 *
 * config QUEUE
 *	bool "queue (24 kB)"
 *	default y
 *	select LIB_ZLIB
 *	help
 *	  usage: queue [-fv] [--once] [-C FILE]
 *
 *	  Sends what is in the spool: through deliver, to other hosts by MX or
 *	  to the smarthost. Tries until bounce-after, then returns it.
 *
 *	  -f  log to stderr
 *	  -v  log more
 *	  -C  configuration
 *
 *	  --once  sends what is due, then ends: 0 nothing is left, 75 some waits
 *
 * config QUEUE_SUBMIT
 *	bool "Mail from sendmail without smtpd (4 kB)"
 *	default y if !SMTPD
 *	help
 *	  sendmail and mail hand messages to queue itself where smtpd is not
 *	  built in or does not run.
 *
 * file queue_alert.c QUEUE_ALERTS
 * file queue_alert_command.c QUEUE_ALERTS
 * file queue_digest.c QUEUE_ALERTS
 * file queue_cap.c QUEUE_CAPS
 *
 * config QUEUE_ALERTS
 *	bool "alerts: merged when alike, not at night (3 kB)"
 *	default n
 *	help
 *	  What programs send when something is wrong (alerts): the first of a
 *	  kind goes at once, those like it within alert-merge go as one digest;
 *	  in quiet-hours only what is urgent goes; alert-command is told of
 *	  what does not get out.
 *
 * config QUEUE_CAPS
 *	bool "outgoing-cap: limits of what goes out (1 kB)"
 *	default n
 *	help
 *	  So many messages of one user, and of all, go to other hosts in a
 *	  time; what is more waits.
 *
 * config QUEUE_LINK
 *	bool "mailq --link: the link is up, down or metered (3 kB)"
 *	default n
 *	depends on MAILQ
 *	help
 *	  The network's hooks tell queue of the link to the world. While it is
 *	  down nothing is tried; while it is metered only what is small
 *	  (metered-size) or urgent goes.
 *
 * config QUEUE_SPILL
 *	bool "spill-dir: mail in memory, on flash what waits (4 kB)"
 *	default n
 *	help
 *	  spool-dir may be on a tmpfs: mail that goes at once never touches
 *	  the flash, what waits is moved to spill-dir.
 *
 * config QUEUE_CLOSERS
 *	bool "Removed messages are closed by helpers, for disks with discard (800 bytes)"
 *	default n
 *	help
 *	  On such a disk the last close of a removed file takes milliseconds;
 *	  where there are hundreds of messages a second, queue need not wait.
 *
 * config SPOOL_SPARE
 *	bool "Spool files are used again (800 bytes)"
 *	default y if SMTPD
 *	help
 *	  Where there is much mail: to give back and to find room for each
 *	  message costs more than all else, most of all on disks with discard.
 *
 * config MASQUERADE
 *	bool "masquerade, and sender= of a smarthost (6 kB)"
 *	help
 *	  Addresses of this house become those that others may see, in the
 *	  envelope and the header of mail that leaves it.
 */
#include "applet.h"
#include "config.h"
#include "queue.h"
#include "queue_alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/tls.h"
#include "net/smtp_advice.h"
#include "os/log.h"
#include "store/srs_secret.h"

#define RESCAN_MS 60000			/* after a scan that has failed */
#define SWEEP_MS 60000			/* between looks for sites to forget */
#define PATIENCE_MS 10000		/* for running transactions at the end */

static void on_stop(struct daemon *d);

static struct queue_entry **bucket(struct queue *q, const char *id)
{
	return &q->buckets[span_hash(SPAN_HASH, span_of(id)) % QUEUE_BUCKETS];
}

/* Where it is, or would be. */
static struct queue_entry **place(struct queue *q, const char *id)
{
	struct queue_entry **at = bucket(q, id);

	while (*at && strcmp((*at)->id, id) < 0)
		at = &(*at)->next;
	return at;
}

struct queue_entry *queue_find(struct queue *q, const char *id)
{
	struct queue_entry *e = *place(q, id);

	return e && strcmp(e->id, id) == 0 ? e : NULL;
}

struct queue_entry *queue_next(const struct queue *q, unsigned *at,
		const char *id)
{
	struct queue_entry *e = *at < QUEUE_BUCKETS ? q->buckets[*at] : NULL;

	while (e && strcmp(e->id, id) <= 0)
		e = e->next;
	while (!e && *at < QUEUE_BUCKETS && ++*at < QUEUE_BUCKETS)
		e = q->buckets[*at];
	return e;
}

void queue_drop(struct queue_entry *e)
{
	*place(e->queue, e->id) = e->next;
	e->queue->entries--;
	queue_rest(e);
	reason_forget(e);
	free(e->moved);
	free(e);
}

void queue_rest(struct queue_entry *e)
{
	loop_timer_stop(e->queue->daemon.loop, &e->due);
	list_del(&e->ready);
}

static void make_ready(struct queue_entry *e, struct list *where)
{
	struct queue *q = e->queue;

	loop_timer_stop(q->daemon.loop, &e->due);
	if (e->held || e->merged || !list_empty(&e->ready))
		return;
	list_add_tail(where, &e->ready);
	loop_task_add(q->daemon.loop, &q->start);
}

static void due(struct loop_timer *t)
{
	struct queue_entry *e = container_of(t, struct queue_entry, due);

	make_ready(e, &e->queue->ready);
}

void queue_due_in(struct queue_entry *e, int64_t ms)
{
	if (ms > 0 && !e->held)
		loop_timer_set(e->queue->daemon.loop, &e->due, ms);
	else
		make_ready(e, &e->queue->ready);
}

static bool any_ready(const struct queue *q)
{
	return !list_empty(&q->ready) || !list_empty(&q->backlog);
}

static bool may_start(const struct queue *q)
{
	return q->active < QUEUE_ACTIVE_MOST && !q->daemon.stopping;
}

static void start_slice(struct queue *q, struct list *from)
{
	for (int i = 0; i < QUEUE_SLICE && !list_empty(from) && may_start(q);
			i++) {
		struct queue_entry *e = container_of(from->next,
				struct queue_entry, ready);

		list_del(&e->ready);
		message_start(e);
	}
}

/* Some waits for no more than room at its site. */
static bool any_crowded(const struct queue *q)
{
	struct queue_entry *e = NULL;
	unsigned at = 0;

	while ((e = queue_next(q, &at, e ? e->id : "")))
		if (e->crowded)
			return true;
	return false;
}

/* --once: what is left is for another time. */
static void end_if_done(struct queue *q)
{
	if (!queue_quiet(q) || any_ready(q) || site_any_parked(q)
			|| any_crowded(q))
		return;
	/* what came meanwhile, as nobody could tell us */
	queue_look(q);
	if (any_ready(q))
		return;
	q->daemon.stopping = true;
	on_stop(&q->daemon);
}

/*
 * In slices, so that a long queue does not keep its sessions waiting; and in
 * turns, so that what comes now does not wait for all that was there.
 */
static void start_ready(struct loop_task *t)
{
	struct queue *q = container_of(t, struct queue, start);

	start_slice(q, &q->ready);
	start_slice(q, &q->backlog);
	if (any_ready(q) && may_start(q))
		loop_task_next(q->daemon.loop, &q->start);
	else if (q->daemon.once && !q->daemon.stopping)
		end_if_done(q);
}

void queue_message_ended(struct queue *q)
{
	if (any_ready(q) || q->daemon.once)
		loop_task_add(q->daemon.loop, &q->start);
	if (!q->sweep.armed)
		loop_timer_set(q->daemon.loop, &q->sweep, SWEEP_MS);
	if (q->daemon.stopping && queue_quiet(q))
		loop_stop(q->daemon.loop, 0);
}

bool queue_quiet(const struct queue *q)
{
	return q->active == 0 && q->committing == 0;
}

void queue_reply(char out[QUEUE_REASON], const struct smtp_result *why)
{
	smtp_result_text(why, out, QUEUE_REASON);
}

void queue_advice(char out[QUEUE_REASON], const struct smtp_result *why)
{
	queue_reply(out, why);
	smtp_advice_add(out, QUEUE_REASON, why);
}

/* ---- how messages become known */

/*
 * There is no looking now and then: who puts a message in tells us, and tells
 * again when we are too busy; what was there before is seen at the start, by smtpd's
 * start, at SIGHUP and whenever the admin wants something.
 */
static void scan_later(struct queue *q)
{
	loop_timer_set(q->daemon.loop, &q->rescan, RESCAN_MS);
}

/* scanned: it may be an old one, that was tried before. */
static void learn(struct queue *q, const char *id, bool scanned)
{
	struct queue_entry **at = place(q, id), *e = *at;

	if (e && strcmp(e->id, id) == 0)
		return;
	e = calloc(1, sizeof(*e));
	if (!e || str_copys(e->id, sizeof(e->id), id) < 0) {
		log_error("%s: no memory; found again later", id);
		free(e);
		scan_later(q);
		return;
	}
	e->queue = q;
	e->due.fire = due;
	e->again = e->unsure = e->unread = e->check = scanned;
	list_init(&e->ready);
	e->next = *at;
	*at = e;
	q->entries++;
	if (CFG_QUEUE_SPILL && q->daemon.conf->spill_dir)
		spill_learn(e);
	make_ready(e, scanned ? &q->backlog : &q->ready);
}

void queue_learn(struct queue *q, const char *id)
{
	learn(q, id, false);
}

static void found(void *arg, const char *id)
{
	learn(arg, id, true);
}

static void scan(struct queue *q)
{
	unsigned before = q->entries;
	struct err err;

	q->scanned = spool_changed(q->spool);
	if (spool_scan(q->spool, found, q, &err) < 0) {
		log_error("spool: %s", err.text);
		scan_later(q);
	}
	if (CFG_QUEUE_ALERTS)
		alert_claim(q);
	if (q->entries > before)
		log_info("%u messages found in the spool",
				q->entries - before);
}

void queue_look(struct queue *q)
{
	if (spool_changed(q->spool) != q->scanned)
		scan(q);
}

void queue_flush(struct queue_entry *e, unsigned request)
{
	e->flushed = request;
	if (!e->active)
		make_ready(e, &e->queue->backlog);
}

static void rescan(struct loop_timer *t)
{
	scan(container_of(t, struct queue, rescan));
}

static void on_hup(struct daemon *d)
{
	scan(container_of(d, struct queue, daemon));
}

/* Held sites are remembered for a time: as long as there are any, it goes on. */
static void sweep(struct loop_timer *t)
{
	struct queue *q = container_of(t, struct queue, sweep);

	if (!q->nsites)
		return;
	site_wake_all(q);
	loop_timer_set(q->daemon.loop, t, SWEEP_MS);
}

/* The ids of one datagram, or that there are too many to name. */
static void learn_all(struct queue *q, struct span ids)
{
	char id[SPOOL_ID_SIZE];

	while (ids.n) {
		struct span word = span_word(&ids);

		if (span_eq(word, SPAN(SPOOL_LOOK)))
			scan(q);
		else if (word.n && str_copy(id, sizeof(id), word) == 0)
			queue_learn(q, id);
	}
}

static void told(struct loop_watch *w, unsigned events)
{
	struct queue *q = container_of(w, struct queue, told);
	char ids[SPOOL_TOLD_MOST];
	ssize_t n;

	(void)events;
	for (int i = 0; i < QUEUE_SLICE; i++) {
		n = recv(w->fd, ids, sizeof(ids), MSG_DONTWAIT);
		if (n <= 0)
			return;
		learn_all(q, span_make(ids, (size_t)n));
	}
}

/* ---- start and end */

static void out_of_patience(struct loop_timer *t)
{
	struct queue *q = container_of(t, struct queue, patience);

	loop_stop(q->daemon.loop, 0);
}

static void on_stop(struct daemon *d)
{
	struct queue *q = container_of(d, struct queue, daemon);

	loop_timer_set(d->loop, &q->patience, PATIENCE_MS);
	site_stop_all(q);
	if (queue_quiet(q))
		loop_stop(d->loop, 0);
}

static bool any_verifies(const struct conf *conf)
{
	const struct conf_smarthost *h = conf->smarthosts;

	while (h && (!h->verify || h->pins) && !h->token_file)
		h = h->next;
	return h;
}

static int open_tls(struct queue *q, struct err *err)
{
	const struct conf *conf = q->daemon.conf;

	if (!tls_built())
		return 0;
	q->tls = tls_client(any_verifies(conf) || (CFG_TLS_POLICY &&
				proof_wants_bundle(q)) ? conf->tls_ca : NULL,
			err);
	if (q->tls && CFG_MTA_STS && conf->mta_sts)
		proof_sts(q);
	return q->tls ? 0 : -1;
}

static int open_srs(struct queue *q, struct err *err)
{
	if (!CFG_SRS || !q->daemon.conf->srs)
		return 0;
	q->srs = calloc(1, sizeof(*q->srs));
	return q->srs ? srs_secret_load(q->srs, q->daemon.conf, err) :
		err_nomem(err);
}

static int open_sockets(struct queue *q, struct err *err)
{
	struct daemon *d = &q->daemon;
	int control;

	q->told.fd = daemon_unix(d, SPOOL_SOCKET, SOCK_DGRAM, 0660,
			d->conf->user_queue, err);
	if (q->told.fd < 0)
		return -1;
	q->told.ready = told;
	control = daemon_unix(d, "queue.ctl", SOCK_STREAM, 0666, NULL, err);
	return control < 0 ? -1 : control_start(q, control, err);
}

static int open_all(struct queue *q, struct err *err)
{
	struct daemon *d = &q->daemon;

	if (daemon_dir(d->conf->spool_dir, 0700, d->conf->user_queue, err) < 0
			|| (CFG_QUEUE_SPILL && d->conf->spill_dir
				&& daemon_dir(d->conf->spill_dir, 0700,
					d->conf->user_queue, err) < 0))
		return -1;
	if (open_srs(q, err) < 0)
		return -1;
	q->spool = spool_open(d->conf, d->loop, err);
	if (!q->spool || spool_own(q->spool, err) < 0)
		return -1;
	if (!d->once && open_sockets(q, err) < 0)
		return -1;
	if (CFG_QUEUE_LINK)
		uplink_open(q);
	return queue_secret_load(q, err) < 0 ? -1 : open_tls(q, err);
}

static void set_up(struct queue *q)
{
	q->daemon.stop = on_stop;
	q->daemon.can_once = true;
	q->told.fd = -1;
	q->start.run = start_ready;
	q->daemon.hup = on_hup;
	q->rescan.fire = rescan;
	q->sweep.fire = sweep;
	q->patience.fire = out_of_patience;
	if (CFG_QUEUE_SPILL)
		spill_init(q);
	list_init(&q->start.link);
	list_init(&q->ready);
	list_init(&q->backlog);
	for (unsigned i = 0; i < QUEUE_WAITS; i++)
		list_init(&q->waits[i]);
	list_init(&q->idle);
	list_init(&q->slow);
	for (unsigned i = 0; i < QUEUE_SITE_BUCKETS; i++)
		list_init(&q->sites[i]);
	list_init(&q->callers);
	list_init(&q->tallies);
}

int queue_main(int argc, char **argv)
{
	struct queue *q = calloc(1, sizeof(*q));
	struct err err;
	int code;

	if (!q)
		return EX_OSERR;
	set_up(q);
	daemon_init(&q->daemon, "queue", argc, argv);
	if (open_all(q, &err) < 0) {
		log_error("%s", err.text);
		return err.kind == ERR_PERM ? EX_CONFIG : EX_TEMPFAIL;
	}
	daemon_become(&q->daemon, q->daemon.conf->user_queue);
	daemon_socket_path(&q->daemon, "deliver", q->deliver_path,
			sizeof(q->deliver_path));
	q->dns = dns_new(q->daemon.loop, q->daemon.conf);
	if (CFG_MTA_STS)
		q->sts_env.dns = q->dns;
	if (CFG_DANE && q->dns && q->daemon.conf->dns_trust)
		dns_want_proof(q->dns);
	if (!q->dns || (CFG_ALIASES && alias_open(q) < 0)
			|| (!q->daemon.once && loop_watch(q->daemon.loop,
					&q->told, LOOP_READ) < 0)) {
		log_error("out of memory");
		return EX_OSERR;
	}
	queue_secret_start(q);
	scan(q);
	if (q->daemon.once)
		loop_task_add(q->daemon.loop, &q->start);
	code = daemon_run(&q->daemon);
	if (CFG_QUEUE_SPILL && q->daemon.conf->spill_dir)
		spool_spill_all(q->spool);
	if (q->daemon.once && q->entries)
		code = EX_TEMPFAIL;
	if (CFG_MTA_STS)
		sts_save(q->sts);
	site_abort_all(q);
	if (CFG_QUEUE_ALERTS) {
		alert_stop(q);
		alert_command_stop(q);
	}
	spool_close(q->spool);
	return code;
}
