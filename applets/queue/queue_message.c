/* A message from its envelope to the jobs that it becomes. */
#include "applet.h"
#include "config.h"
#include "queue.h"
#include "queue_alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/alias.h"
#include "os/clock.h"
#include "os/log.h"

#define LATER_MS 1000

void message_free(struct queue_message *m)
{
	struct queue *q = m->entry->queue;

	m->entry->active = NULL;
	arena_free(m->arena);
	free(m);
	q->active--;
	queue_message_ended(q);
}

static struct span domain_of(const char *address)
{
	return span_behind(span_of(address), '@');
}

const char *message_address(const struct queue_message *m, unsigned rcpt)
{
	const char *other = m->outcome[rcpt].address;

	if (!other && m->address)
		other = m->address[rcpt];
	return other && *other ? other : m->envelope->rcpt[rcpt].address;
}

/* Is it to be sent, and not seen to already? */
static bool is_due(const struct queue_message *m, unsigned i)
{
	return m->envelope->rcpt[i].state == SPOOL_WAITING
		&& m->outcome[i].fate == FATE_NONE
		&& !(m->address && m->address[i] && !*m->address[i]);
}

static unsigned job_most(const struct queue_message *m)
{
	unsigned most = m->entry->queue->daemon.conf->max_recipients;

	return most < QUEUE_JOB_MOST ? most : QUEUE_JOB_MOST;
}

/* The job for the site of recipient `first` and others that go there. */
static int add_job(struct queue_message *m, struct list *jobs,
		struct queue_site **sites, unsigned first)
{
	const struct spool_envelope *e = m->envelope;
	struct queue_job *j = arena_alloc(m->arena, sizeof(*j));
	struct queue_site *s = sites[first];
	unsigned n = 0;

	for (unsigned i = first; i < e->nrcpt && n < job_most(m); i++)
		n += sites[i] == s;
	if (!j || !(j->index = arena_alloc(m->arena, n * sizeof(*j->index)))
			|| !(j->rcpt = arena_alloc(m->arena,
				n * sizeof(*j->rcpt)))
			|| !(j->dsn = arena_alloc(m->arena,
				n * sizeof(*j->dsn))))
		return -1;
	for (unsigned i = first; j->left < n; i++) {
		if (sites[i] != s)
			continue;
		sites[i] = NULL;
		j->index[j->left] = i;
		j->dsn[j->left] = rewrite_dsn(m, i);
		j->rcpt[j->left++] = message_address(m, i);
	}
	j->message = m;
	j->site = s;
	j->smtp = (struct smtp_message){
		.sender = e->sender, .rcpt = j->rcpt, .nrcpt = n,
		.size = e->size, .eight_bit = e->eight_bit,
		.dsn = e->dsn, .rcpt_dsn = j->dsn,
		.spool_id = e->id, .again = m->entry->again,
	};
	list_add_tail(jobs, &j->link);
	j->next = m->first;
	m->first = j;
	m->jobs++;
	return 0;
}

/* Alerts and caps decide on a message as a whole, once it goes beyond deliver. */
static const struct smtp_result *holds_all(struct queue_message *m,
		const struct queue_route *route)
{
	if (route->unix_path == m->entry->queue->deliver_path)
		return NULL;
	if (!m->weighed && CFG_QUEUE_ALERTS)
		m->holds = alert_holds(m);
	if (!m->weighed && CFG_QUEUE_CAPS && !m->holds)
		m->capped = (m->holds = cap_holds(m)) != NULL;
	m->weighed = true;
	return m->holds;
}

/* True: it does not go now, and that is no try. */
static bool hold(struct queue_message *m, unsigned i,
		const struct queue_route *route)
{
	const struct smtp_result *why = CFG_QUEUE_LINK ?
		uplink_holds(m, route) : NULL;
	struct queue_outcome *o = &m->outcome[i];

	if (!why)
		why = holds_all(m, route);
	if (!why)
		return false;
	message_log(m, i, why, "");
	*o = (struct queue_outcome){
		.fate = FATE_LATER, .why = why, .host = "",
		.kept = m->capped ? KEPT_WARNED : KEPT
	};
	m->kept = true;
	return true;
}

/* A line `route ... error:`, as if a host had said so. */
static void refuse(struct queue_message *m, unsigned i,
		const struct conf_route *r)
{
	message_fail(m, i, *r->status == '4' ? ERR_TEMP : ERR_PERM,
			r->status, r->host);
}

/* A job for each site. -1: no memory. */
static int gather(struct queue_message *m, struct list *jobs)
{
	struct queue *q = m->entry->queue;
	const struct spool_envelope *e = m->envelope;
	struct queue_site **sites = arena_alloc(m->arena,
			e->nrcpt * sizeof(*sites));
	struct queue_route route;
	char key[QUEUE_KEY_SIZE];

	for (unsigned i = 0; sites && i < e->nrcpt; i++) {
		const char *address;

		if (!is_due(m, i))
			continue;
		if (CFG_MASQUERADE && rewrite_rcpt(m, i) < 0)
			return -1;
		address = message_address(m, i);
		route_find(q, e->sender, domain_of(address), &route, key,
				sizeof(key));
		if (CFG_ROUTE_ERROR && route.error) {
			refuse(m, i, route.error);
			continue;
		}
		if (hold(m, i, &route))
			continue;
		/* a slow command holds up others of its kind alone */
		if (CFG_ALIASES && alias_is_target(span_of(address)))
			str_copys(key, sizeof(key), "deliver |");
		sites[i] = site_get(q, &route, key);
		if (!sites[i])
			return -1;
		if (m->entry->flushed)
			site_flush(sites[i], m->entry->flushed);
	}
	for (unsigned i = 0; sites && i < e->nrcpt; i++)
		if (sites[i] && add_job(m, jobs, sites, i) < 0)
			return -1;
	return sites ? 0 : -1;
}

static bool is_full(const struct queue_site *s)
{
	return site_waiting(s) >= site_room(s);
}

/* What goes elsewhere does not wait for this site: its own part is for later. */
static void put_off(struct queue_job *j)
{
	struct queue_message *m = j->message;

	for (unsigned i = 0; i < j->smtp.nrcpt; i++)
		m->outcome[j->index[i]].fate = FATE_LATER;
	j->left = 0;
	m->jobs--;
	m->crowded = true;
}

/*
 * Hands the jobs out. A site that has enough to do shall not take the room of
 * others: then the message waits there without being in memory.
 */
static void hand_out(struct queue_message *m, struct list *jobs)
{
	struct queue_job *j, *full = NULL;
	unsigned nfull = 0;

	for (j = m->first; j; j = j->next)
		if (is_full(j->site)) {
			full = j;
			nfull++;
		}
	if (nfull == m->jobs) {
		list_add_tail(&full->site->parked, &m->entry->ready);
		message_free(m);
		return;
	}
	while (!list_empty(jobs)) {
		j = container_of(jobs->next, struct queue_job, link);
		list_del(&j->link);
		if (is_full(j->site))
			put_off(j);
		else
			site_add(j->site, j);
	}
}

/* When a file found by a scan says that it is not due yet. */
static bool not_yet(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	int64_t wait = m->envelope->next_try - clock_now();
	int64_t most = e->queue->daemon.conf->retry_most;

	e->held = m->envelope->held;
	if (e->held)
		return true;
	if (!e->unread || e->flushed || !m->envelope->attempts)
		return false;
	e->unread = false;
	if (wait <= 0)
		return false;
	/* the clock may have jumped: never longer than the longest pause */
	queue_due_in(e, (wait < most ? wait : most) * 1000);
	return true;
}

/* Is the file what was acknowledged? -1: no, or not now. */
static int read_message(struct queue_message *m, struct err *err)
{
	struct queue_entry *e = m->entry;
	struct spool *spool = e->queue->spool;

	m->arena = arena_new(QUEUE_ENVELOPE_MOST);
	if (!m->arena)
		return err_nomem(err);
	if (spool_load(spool, e->id, m->arena, &m->envelope, err) < 0)
		return -1;
	m->outcome = arena_alloc(m->arena,
			m->envelope->nrcpt * sizeof(*m->outcome));
	if (!m->outcome)
		return err_nomem(err);
	return 0;
}

/* Once, and not before it is sent: a queue that starts reads envelopes alone. */
static int check_message(struct queue_message *m, struct err *err)
{
	struct queue_entry *e = m->entry;

	if (e->check && spool_check(e->queue->spool, m->envelope, err) < 0)
		return -1;
	e->check = false;
	return 0;
}

bool message_recall(struct queue_entry *e)
{
	struct queue_message *m = e->active;
	struct queue_job *j;

	if (!m)
		return true;
	if (!m->jobs || m->expanding)
		return false;
	for (j = m->first; j; j = j->next)
		if (j->left && list_empty(&j->link))
			return false;
	for (j = m->first; j; j = j->next) {
		/* the site of one that has ended may be gone */
		if (list_empty(&j->link))
			continue;
		list_del(&j->link);
		site_wake(j->site);
	}
	message_free(m);
	return true;
}

static void retry(struct queue_entry *e)
{
	const struct conf *conf = e->queue->daemon.conf;

	queue_due_in(e, message_backoff(conf, conf->retry_first, 0));
}

static void cannot_start(struct queue_message *m, const struct err *err)
{
	struct queue_entry *e = m->entry;

	log_warn("%s: %s", e->id, err->text);
	if (CFG_QUEUE_ALERTS && m->envelope && err->kind == ERR_PERM)
		alert_unmerge(m);
	message_free(m);
	if (err->kind == ERR_PERM)
		queue_drop(e);
	else
		retry(e);
}

void message_start(struct queue_entry *e)
{
	struct queue_message *m = calloc(1, sizeof(*m));
	struct err err;

	if (!m) {
		retry(e);
		return;
	}
	m->entry = e;
	e->active = m;
	e->crowded = false;
	e->queue->active++;
	if (read_message(m, &err) < 0) {
		cannot_start(m, &err);
		return;
	}
	e->unsure = parent_unsure(m);
	if (!e->unsure && not_yet(m))
		message_free(m);
	else if (check_message(m, &err) < 0)
		cannot_start(m, &err);
	else if (e->unsure)
		parent_settle(m);
	else
		message_go(m);
}

void message_later(struct queue_message *m)
{
	struct queue_entry *e = m->entry;

	message_free(m);
	queue_due_in(e, LATER_MS);
}

void message_go(struct queue_message *m)
{
	struct list jobs;
	struct err err;

	if (m->entry->queue->daemon.stopping || not_yet(m)) {
		message_free(m);
		return;
	}
	if (parent_waits(m)) {
		message_later(m);
		return;
	}
	list_init(&jobs);
	if ((CFG_ALIASES && alias_resolve(m) < 0) || gather(m, &jobs) < 0) {
		err_nomem(&err);
		cannot_start(m, &err);
		return;
	}
	if (CFG_ALIASES)
		alias_begin(m);
	if (!m->jobs)
		/* all done before the crash, but not told or not removed */
		message_end(m);
	else
		hand_out(m, &jobs);
}
