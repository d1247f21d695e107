#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/log.h"

#define ADDRESSES_FRESH 60000		/* ms that looked-up addresses are kept */

static void run(struct loop_task *t);

void site_wake(struct queue_site *s)
{
	loop_task_add(s->queue->daemon.loop, &s->run);
}

static struct list *bucket(struct queue *q, const char *key)
{
	return &q->sites[span_hash(SPAN_HASH, span_of(key))
		% QUEUE_SITE_BUCKETS];
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
	s->window = QUEUE_WINDOW_FIRST;
	s->calm = 1;
	list_init(&s->jobs);
	list_init(&s->links);
	list_init(&s->parked);
	list_init(&s->turn);
	list_init(&s->run.link);
	s->run.run = run;
	list_add_tail(bucket(q, key), &s->link);
	q->nsites++;
	site_wake(s);		/* freed then, should nothing come for it */
	return s;
}

/* Keeps its place if that is what it waits for already. */
static void wait_for(struct queue_site *s, enum queue_wait what)
{
	struct queue *q = s->queue;

	if (s->waits == what)
		return;
	if (s->waits)
		q->nwaits[s->waits]--;
	list_del(&s->turn);
	s->waits = what;
	if (!what)
		return;
	list_add_tail(&q->waits[what], &s->turn);
	q->nwaits[what]++;
}

static void site_free(struct queue_site *s)
{
	resolve_stop(s);
	wait_for(s, QUEUE_WAIT_NOT);
	loop_task_stop(&s->run);
	list_del(&s->link);
	s->queue->nsites--;
	targets_drop(s->targets);
	free(s->key);
	free(s);
}

/*
 * A held site is remembered, so that the next message does not knock again; but
 * not any number of them.
 */
static bool unused(const struct queue_site *s)
{
	return list_empty(&s->jobs) && list_empty(&s->links)
			&& list_empty(&s->parked) && !s->resolve && !s->asking
			&& !(CFG_PROOFS && proof_pending(s))
			&& (s->held_until <= clock_ms()
				|| s->queue->nsites > QUEUE_SITES_MOST);
}

struct queue_site *site_get(struct queue *q, const struct queue_route *r,
		const char *key)
{
	struct list *pos, *tmp, *here = bucket(q, key);

	list_each(pos, tmp, here) {
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
		s->window = QUEUE_WINDOW_FIRST;
		s->calm = 1;
		/* it may have moved */
		s->resolved = clock_ms() - ADDRESSES_FRESH;
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

/* ---- how many connections it bears */

void site_took(struct queue_site *s)
{
	if (++s->good < s->calm)
		return;
	s->good = 0;
	if (s->window < s->queue->daemon.conf->queue_sessions_per_host)
		s->window++;
}

static void shrink(struct queue_site *s, unsigned window)
{
	s->window = window ? window : 1;
	s->good = 0;
	s->calm = QUEUE_WINDOW_CALM;
}

void site_broke(struct queue_site *s)
{
	shrink(s, s->window / 2);
}

/*
 * Who is served over one connection may refuse the next. Only when all of those
 * that were begun together have led nowhere is it a host that is down.
 */
void site_refused(struct queue_site *s, const struct smtp_result *why)
{
	unsigned others = s->nlinks - s->connecting;

	shrink(s, others);
	if (others)
		log_info("%s: no more than %u connections for now (%s)",
				s->key, others, why->text);
	else if (s->connecting == 1)
		site_failed(s, why);
}

static bool fresh(const struct queue_site *s)
{
	return s->targets && clock_ms() - s->resolved < ADDRESSES_FRESH;
}

unsigned site_waiting(const struct queue_site *s)
{
	unsigned n = 0;

	for (struct list *l = s->jobs.next; l != &s->jobs; l = l->next)
		n++;
	return n;
}

bool site_any_parked(const struct queue *q)
{
	const struct list *l;

	for (unsigned i = 0; i < QUEUE_SITE_BUCKETS; i++)
		for (l = q->sites[i].next; l != &q->sites[i]; l = l->next)
			if (!list_empty(&container_of(l, struct queue_site,
							link)->parked))
				return true;
	return false;
}

unsigned site_room(const struct queue_site *s)
{
	unsigned n = (QUEUE_ACTIVE_MOST - s->queue->active) / 8;

	return n > QUEUE_SITE_MOST ? QUEUE_SITE_MOST : n ? n : 1;
}

static void each_site(struct queue *q, void (*fn)(struct queue_site *))
{
	struct list *pos, *tmp;

	for (unsigned i = 0; i < QUEUE_SITE_BUCKETS; i++)
		list_each(pos, tmp, &q->sites[i])
			fn(container_of(pos, struct queue_site, link));
}

/* ---- links: fair shares of queue-sessions */

/* Its own limits. A host that was down is not asked by many at once. */
static bool wants_link(const struct queue_site *s)
{
	const struct conf *conf = s->queue->daemon.conf;

	if (list_empty(&s->jobs))
		return false;
	if (s->connecting && (s->failures || s->connecting >= site_waiting(s)))
		return false;
	/* on this machine: deliver makes one flush for all that come together */
	if (s->route.unix_path)
		return s->nlinks < conf->queue_sessions;
	return s->nlinks < s->window
			&& s->nlinks < conf->queue_sessions_per_host;
}

/* Is it next in line, or is there no line? */
static bool is_first(const struct queue_site *s, enum queue_wait what)
{
	return !s->queue->nwaits[what]
			|| s->queue->waits[what].next == &s->turn;
}

static bool has_room(const struct queue *q, enum queue_wait what)
{
	return what == QUEUE_WAIT_LINK ?
			q->links < q->daemon.conf->queue_sessions :
			q->lookups < QUEUE_LOOKUPS_MOST;
}

static bool may_have(const struct queue_site *s, enum queue_wait what)
{
	return s->route.unix_path || (has_room(s->queue, what)
			&& is_first(s, what));
}

void site_feed(struct queue *q)
{
	for (unsigned i = 1; i < QUEUE_WAITS; i++)
		if (q->nwaits[i] && has_room(q, i))
			site_wake(container_of(q->waits[i].next,
					struct queue_site, turn));
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

/* One more link, or a step to it; what it has to wait for, in *wait. */
static bool one_more(struct queue_site *s, enum queue_wait *wait)
{
	*wait = QUEUE_WAIT_NOT;
	if (!wants_link(s) || s->resolve || s->asking
			|| (CFG_PROOFS && proof_pending(s)))
		return false;
	if (!fresh(s)) {
		if (may_have(s, QUEUE_WAIT_ADDRESSES)) {
			resolve_start(s);
			return s->route.unix_path;
		}
		*wait = QUEUE_WAIT_ADDRESSES;
		return false;
	}
	if (!queue_secret_ready(s))
		return false;
	if (may_have(s, QUEUE_WAIT_LINK)) {
		wait_for(s, QUEUE_WAIT_NOT);
		return link_start(s) == 0;
	}
	/* a second one is for when nobody waits for his first */
	if (!s->nlinks)
		*wait = QUEUE_WAIT_LINK;
	return false;
}

static void connect_more(struct queue_site *s)
{
	enum queue_wait wait;

	while (one_more(s, &wait))
		;
	wait_for(s, wait);
	if (wait == QUEUE_WAIT_LINK)
		link_make_room(s->queue);
	else
		site_feed(s->queue);
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

/*
 * No name is looked up, and whoever waits for a connection need not. What is just
 * being sent goes on: the line may be back before its host has noticed.
 */
static void hold_for_link(struct queue_site *s)
{
	resolve_stop(s);
	link_stop_idle(s);
	s->why = *uplink_down(s->queue, &s->route);
	tell_all(s);
}

static void run_site(struct queue_site *s)
{
	if (CFG_QUEUE_LINK && uplink_down(s->queue, &s->route))
		hold_for_link(s);
	if (s->held_until > clock_ms())
		tell_all(s);
	give_to_idle(s);
	connect_more(s);
	unpark(s);
}

static void run(struct loop_task *t)
{
	struct queue_site *s = container_of(t, struct queue_site, run);

	if (!s->queue->daemon.stopping)
		run_site(s);
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

void site_stop_idle(struct queue *q)
{
	each_site(q, link_stop_idle);
}

void site_abort_all(struct queue *q)
{
	each_site(q, link_abort_all);
}
