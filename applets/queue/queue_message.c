#include "applet.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"

static void message_free(struct queue_message *m)
{
	struct queue *q = m->entry->queue;

	m->entry->active = NULL;
	arena_free(m->arena);
	free(m);
	q->active--;
	queue_message_ended(q);
}

int64_t message_backoff(const struct conf *conf, unsigned attempts)
{
	int64_t ms = (int64_t)conf->retry_first * 1000;
	int64_t most = (int64_t)conf->retry_most * 1000;

	while (attempts-- && ms < most)
		ms *= 2;
	if (ms > most)
		ms = most;
	/* a tenth up or down, so that what failed together comes back apart */
	return ms - ms / 10 + rand_below((uint32_t)(ms / 5 + 1));
}

/* ---- the end */

static void reschedule(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	const struct conf *conf = e->queue->daemon.conf;
	int64_t ms = message_backoff(conf, m->envelope->attempts);
	struct err err;

	m->envelope->attempts++;
	m->envelope->next_try = clock_now() + ms / 1000;
	if (spool_defer(e->queue->spool, m->envelope, &err) < 0)
		log_warn("%s: %s", e->id, err.text);
	e->flushed = false;
	queue_due_in(e, ms);
	message_free(m);
}

static bool some_wait(const struct spool_envelope *e)
{
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state == SPOOL_WAITING)
			return true;
	return false;
}

static void settle(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	struct err err;

	if (some_wait(m->envelope)) {
		reschedule(m);
		return;
	}
	if (spool_remove(e->queue->spool, e->id, &err) < 0) {
		log_error("%s: %s", e->id, err.text);
		reschedule(m);
		return;
	}
	log_info("%s: removed", e->id);
	message_free(m);
	queue_drop(e);
}

static void mark(struct queue_message *m, unsigned i, enum spool_state state)
{
	struct err err;

	if (spool_mark(m->entry->queue->spool, m->envelope, i, state,
			&err) < 0)
		log_error("%s: %s", m->entry->id, err.text);
}

static void mark_failed(struct queue_message *m)
{
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_FAILED)
			mark(m, i, SPOOL_FAILED);
}

/* The report is on stable storage: only now are its recipients done with. */
static void bounced(void *arg, const char *id, const struct err *err)
{
	struct queue_message *m = arg;

	if (err) {
		log_error("%s: bounce: %s", m->entry->id, err->text);
	} else {
		log_info("%s: bounce is %s", m->entry->id, id);
		if (!queue_find(m->entry->queue, id))
			queue_add(m->entry->queue, id, 0);
		mark_failed(m);
	}
	settle(m);
}

static void bounce(struct queue_message *m)
{
	struct err err;

	if (!*m->envelope->sender) {
		/* RFC 5321 6.1: never a report about a report */
		log_warn("%s: undeliverable, from <>: dropped", m->entry->id);
		mark_failed(m);
		settle(m);
	} else if (bounce_send(m, bounced, &err) < 0) {
		bounced(m, NULL, &err);
	}
}

/*
 * Seconds that the message has been here. Where the clock was wrong when it
 * came, or is wrong now, only the tries made are a measure.
 */
static int64_t age(const struct queue_message *m)
{
	const struct spool_envelope *e = m->envelope;
	int64_t now = clock_now();

	if (!clock_plausible() || e->created < CLOCK_EPOCH || now < e->created)
		return (int64_t)e->attempts *
			m->entry->queue->daemon.conf->retry_most;
	return now - e->created;
}

/* What still waits has waited long enough. */
static void expire(struct queue_message *m)
{
	unsigned i;

	if (age(m) < m->entry->queue->daemon.conf->bounce_after
			|| m->entry->queue->daemon.stopping)
		return;
	for (i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_LATER)
			m->outcome[i].fate = FATE_FAILED;
}

static void finish(struct queue_message *m)
{
	bool failed = false;

	expire(m);
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		failed |= m->outcome[i].fate == FATE_FAILED;
	if (failed)
		bounce(m);
	else
		settle(m);
}

/* ---- results */

static const struct smtp_result *keep(struct queue_message *m,
		const struct smtp_result *r)
{
	struct smtp_result *copy = arena_alloc(m->arena, sizeof(*copy));

	if (copy)
		*copy = *r;
	return copy;
}

static void log_result(const struct queue_message *m, unsigned i,
		const struct smtp_result *r, const char *host)
{
	const char *status = r->kind == ERR_NONE ? "sent"
			: r->kind == ERR_PERM ? "bounced" : "deferred";

	if (r->code)
		log_info("%s: to=<%s> relay=%s status=%s (%d %s%s%s)",
				m->entry->id, m->envelope->rcpt[i].address,
				*host ? host : "none", status, r->code,
				r->enhanced, *r->enhanced ? " " : "", r->text);
	else
		log_info("%s: to=<%s> relay=%s status=%s (%s)", m->entry->id,
				m->envelope->rcpt[i].address,
				*host ? host : "none", status, r->text);
}

void message_result(struct queue_job *j, unsigned rcpt,
		const struct smtp_result *r, const char *host)
{
	struct queue_message *m = j->message;
	unsigned i = j->index[rcpt];
	struct queue_outcome *o = &m->outcome[i];

	if (o->fate != FATE_NONE)
		return;
	j->left--;
	log_result(m, i, r, host);
	m->entry->again |= r->maybe;
	if (r->kind == ERR_NONE) {
		o->fate = FATE_SENT;
		mark(m, i, SPOOL_DONE);
		return;
	}
	o->fate = r->kind == ERR_PERM ? FATE_FAILED : FATE_LATER;
	o->why = keep(m, r);
	o->host = arena_dup(m->arena, span_of(host));
	queue_reason(m->entry, r);
}

void message_job_end(struct queue_job *j, const struct smtp_result *r,
		const char *host)
{
	struct queue_message *m = j->message;

	for (unsigned i = 0; i < j->smtp.nrcpt; i++)
		message_result(j, i, r, host);
	if (--m->jobs == 0)
		finish(m);
}

/* ---- the beginning */

static struct span domain_of(const char *address)
{
	struct span s = span_of(address);

	return span_sub(s, span_rfind(s, '@') + 1, s.n);
}

/* A job has room for all recipients of the message: few have more than one site. */
static struct queue_job *new_job(struct queue_message *m)
{
	const struct spool_envelope *e = m->envelope;
	struct queue_job *j = arena_alloc(m->arena, sizeof(*j));

	if (!j)
		return NULL;
	j->index = arena_alloc(m->arena, e->nrcpt * sizeof(*j->index));
	j->rcpt = arena_alloc(m->arena, e->nrcpt * sizeof(*j->rcpt));
	if (!j->index || !j->rcpt)
		return NULL;
	j->message = m;
	list_init(&j->link);
	j->smtp = (struct smtp_message){
		.sender = e->sender, .rcpt = j->rcpt, .size = e->size,
		.eight_bit = e->eight_bit, .spool_id = e->id,
		.again = m->entry->again,
	};
	return j;
}

/* The job of this message at the site, among those gathered so far. */
static struct queue_job *job_at(struct queue_message *m, struct list *jobs,
		struct queue_site *s)
{
	struct queue_job *j;

	for (struct list *l = jobs->next; l != jobs; l = l->next) {
		j = container_of(l, struct queue_job, link);
		if (j->site == s)
			return j;
	}
	j = new_job(m);
	if (j) {
		j->site = s;
		list_add_tail(jobs, &j->link);
		m->jobs++;
	}
	return j;
}

/* -1: no memory. */
static int gather(struct queue_message *m, struct list *jobs)
{
	struct queue *q = m->entry->queue;

	for (unsigned i = 0; i < m->envelope->nrcpt; i++) {
		const struct spool_rcpt *r = &m->envelope->rcpt[i];
		struct queue_route route;
		struct queue_site *s;
		struct queue_job *j;
		char key[600];

		if (r->state != SPOOL_WAITING)
			continue;
		route_find(q, domain_of(r->address), &route, key, sizeof(key));
		s = site_get(q, &route, key);
		j = s ? job_at(m, jobs, s) : NULL;
		if (!j)
			return -1;
		j->index[j->smtp.nrcpt] = i;
		j->rcpt[j->smtp.nrcpt++] = r->address;
		j->left++;
	}
	return 0;
}

/* When a file found by a scan says that it is not due yet. */
static bool not_yet(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	int64_t wait = m->envelope->next_try - clock_now();
	int64_t most = e->queue->daemon.conf->retry_most;

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
		return err_set(err, ERR_NOMEM, "no memory");
	if (spool_load(spool, e->id, m->arena, &m->envelope, err) < 0)
		return -1;
	m->outcome = arena_alloc(m->arena,
			m->envelope->nrcpt * sizeof(*m->outcome));
	if (!m->outcome)
		return err_set(err, ERR_NOMEM, "no memory");
	if (e->check && spool_check(spool, m->envelope, err) < 0)
		return -1;
	e->check = false;
	return 0;
}

static void cannot_start(struct queue_message *m, const struct err *err)
{
	struct queue_entry *e = m->entry;

	log_warn("%s: %s", e->id, err->text);
	message_free(m);
	if (err->kind == ERR_PERM)
		queue_drop(e);
	else
		queue_due_in(e, message_backoff(e->queue->daemon.conf, 0));
}

void message_start(struct queue_entry *e)
{
	struct queue_message *m = calloc(1, sizeof(*m));
	struct list jobs, *pos, *tmp;
	struct err err;

	if (!m) {
		queue_due_in(e, message_backoff(e->queue->daemon.conf, 0));
		return;
	}
	m->entry = e;
	e->active = m;
	e->queue->active++;
	if (read_message(m, &err) < 0) {
		cannot_start(m, &err);
		return;
	}
	if (not_yet(m)) {
		message_free(m);
		return;
	}
	list_init(&jobs);
	if (gather(m, &jobs) < 0) {
		err_set(&err, ERR_NOMEM, "no memory");
		cannot_start(m, &err);
		return;
	}
	if (!m->jobs)
		settle(m);	/* all done before the crash, but not removed */
	else
		list_each(pos, tmp, &jobs) {
			struct queue_job *j = container_of(pos,
					struct queue_job, link);

			list_del(&j->link);
			site_add(j->site, j);
		}
}
