#include "applet.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"

#define ADDRESSES_FRESH 60000		/* ms that looked-up addresses are kept */

static void run(struct loop_task *t);

void site_wake(struct queue_site *s)
{
	loop_task_add(s->queue->daemon.loop, &s->run);
}

/* The route's strings may be the caller's own: what is needed is in key or conf. */
static struct queue_site *site_new(struct queue *q,
		const struct queue_route *r, const char *key)
{
	struct queue_site *s = calloc(1, sizeof(*s));

	if (s)
		s->key = strdup(key);
	if (!s || !s->key) {
		free(s);
		return NULL;
	}
	s->queue = q;
	s->route = *r;
	list_init(&s->jobs);
	list_init(&s->links);
	list_init(&s->parked);
	list_init(&s->run.link);
	s->run.run = run;
	list_add_tail(&q->sites, &s->link);
	site_wake(s);		/* freed then, should nothing come for it */
	return s;
}

static void site_free(struct queue_site *s)
{
	resolve_stop(s);
	loop_task_stop(&s->run);
	list_del(&s->link);
	free(s->targets);
	free(s->key);
	free(s);
}

/* A held site is remembered, so that the next message does not knock again. */
static bool unused(const struct queue_site *s)
{
	return list_empty(&s->jobs) && list_empty(&s->links)
			&& list_empty(&s->parked) && !s->resolve && !s->asking
			&& s->held_until <= clock_ms();
}

struct queue_site *site_get(struct queue *q, const struct queue_route *r,
		const char *key)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &q->sites) {
		struct queue_site *s = container_of(pos, struct queue_site,
				link);

		if (strcmp(s->key, key) == 0)
			return s;
	}
	return site_new(q, r, key);
}

void site_add(struct queue_site *s, struct queue_job *j)
{
	list_add_tail(&s->jobs, &j->link);
	site_wake(s);
}

/* Whoever has another way to go takes it. */
static void tell_all(struct queue_site *s)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->jobs) {
		struct queue_job *j = container_of(pos, struct queue_job, link);

		list_del(&j->link);
		if (s->queue->daemon.stopping)
			message_job_end(j, &s->why, "");
		else
			message_elsewhere(j, &s->why);
	}
}

void site_failed(struct queue_site *s, const struct smtp_result *why)
{
	const struct conf *conf = s->queue->daemon.conf;

	if (why != &s->why)
		s->why = *why;
	s->kept = false;
	if (why->kind != ERR_PERM) {
		s->why.kind = ERR_TEMP;
		/* who is on this machine is soon back */
		s->held_until = clock_ms() + message_backoff(conf,
				s->route.unix_path ? 1 : conf->retry_first,
				s->failures++);
	}
	tell_all(s);
	site_wake(s);
}

static void set_why(struct queue_site *s, const char *enhanced,
		const char *text)
{
	s->why = (struct smtp_result){ .kind = ERR_TEMP };
	str_copy(s->why.enhanced, sizeof(s->why.enhanced), span_of(enhanced));
	str_copy(s->why.text, sizeof(s->why.text), span_of(text));
}

void site_cannot(struct queue_site *s, const char *enhanced, const char *text)
{
	set_why(s, enhanced, text);
	site_failed(s, &s->why);
}

void site_keep(struct queue_site *s, int64_t ms, const char *text)
{
	set_why(s, "4.7.0", text);
	s->kept = true;
	s->held_until = clock_ms() + ms;
	tell_all(s);
	site_wake(s);
}

static bool fresh(const struct queue_site *s)
{
	return s->ntargets && clock_ms() - s->resolved < ADDRESSES_FRESH;
}

unsigned site_waiting(const struct queue_site *s)
{
	unsigned n = 0;

	for (struct list *l = s->jobs.next; l != &s->jobs; l = l->next)
		n++;
	return n;
}

unsigned site_room(const struct queue_site *s)
{
	unsigned n = (QUEUE_ACTIVE_MOST - s->queue->active) / 8;

	return n > QUEUE_SITE_MOST ? QUEUE_SITE_MOST : n ? n : 1;
}

static void each_site(struct queue *q, void (*fn)(struct queue_site *))
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &q->sites)
		fn(container_of(pos, struct queue_site, link));
}

/* One at first: a host that is down is not asked by many at once. */
static bool may_connect(const struct queue_site *s)
{
	const struct queue *q = s->queue;
	const struct conf *conf = q->daemon.conf;

	if (s->connecting && (s->failures || s->connecting >= site_waiting(s)))
		return false;
	/* on this machine: deliver makes one flush for all that come together */
	if (s->route.unix_path)
		return s->nlinks < conf->queue_sessions;
	return s->nlinks < conf->queue_sessions_per_host
			&& q->links < conf->queue_sessions;
}

static void give_to_idle(struct queue_site *s)
{
	while (!list_empty(&s->jobs)) {
		struct queue_job *j = container_of(s->jobs.next,
				struct queue_job, link);

		if (!link_offer(s, j))
			return;
	}
}

static void connect_more(struct queue_site *s)
{
	struct queue *q = s->queue;

	while (!list_empty(&s->jobs) && may_connect(s)) {
		if (!fresh(s)) {
			if (!s->resolve)
				resolve_start(s);
			return;
		}
		if (!queue_secret_ready(s) || link_start(s) < 0)
			return;
	}
	/* connections that others keep for later stand in the way */
	if (!list_empty(&s->jobs) && !s->nlinks
			&& q->links >= q->daemon.conf->queue_sessions)
		each_site(q, link_stop_idle);
}

/* Those that were parked come again; who still finds no room is parked again. */
static void unpark(struct queue_site *s)
{
	for (unsigned n = site_waiting(s); n < site_room(s)
			&& !list_empty(&s->parked); n++) {
		struct queue_entry *e = container_of(s->parked.next,
				struct queue_entry, ready);

		list_del(&e->ready);
		queue_due_in(e, 0);
	}
}

static void run(struct loop_task *t)
{
	struct queue_site *s = container_of(t, struct queue_site, run);

	if (!s->queue->daemon.stopping) {
		if (s->held_until > clock_ms())
			tell_all(s);
		give_to_idle(s);
		connect_more(s);
		unpark(s);
	}
	if (unused(s))
		site_free(s);
}

void site_wake_all(struct queue *q)
{
	each_site(q, site_wake);
}

void site_flush(struct queue_site *s, unsigned request)
{
	if (s->flushed == request)
		return;
	s->flushed = request;
	s->held_until = 0;
	s->kept = false;
	s->failures = 0;
	s->resolved = clock_ms() - ADDRESSES_FRESH;
}

static void stop(struct queue_site *s)
{
	resolve_stop(s);
	queue_secret_stop(s);
	link_stop_idle(s);
	set_why(s, "4.3.2", "queue is being stopped");
	tell_all(s);
}

void site_stop_all(struct queue *q)
{
	each_site(q, stop);
}

void site_abort_all(struct queue *q)
{
	each_site(q, link_abort_all);
}
