/* How many messages may go out in a time: a stolen password or a program that
 * runs wild must not cost us the account at the provider. What is too much waits. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"

#define CAP_USERS 256		/* that are remembered; the quietest goes first */

static const struct smtp_result too_many = {
	.kind = ERR_TEMP, .enhanced = "4.7.1",
	.text = "too many have gone out: outgoing-cap; goes later"
}, too_many_of_one = {
	.kind = ERR_TEMP, .enhanced = "4.7.1",
	.text = "its sender has sent too many: outgoing-cap-user; goes later"
};

/* NULL: no memory, and nobody is kept. */
static struct queue_cap *find(struct queue *q, uint64_t who)
{
	struct queue_cap *c, *best = NULL;

	if (!q->caps)
		q->caps = calloc(CAP_USERS, sizeof(*q->caps));
	for (unsigned i = 0; q->caps && i < CAP_USERS; i++) {
		c = &q->caps[i];
		if (c->who == who)
			return c;
		if (!best || c->full < best->full)
			best = c;
	}
	if (best)
		*best = (struct queue_cap){ .who = who };
	return best;
}

/* Milliseconds until there is a token; 0: there is one. */
static int64_t wait_for(const struct conf_rate *rate, const struct queue_cap *c)
{
	int64_t all = (int64_t)rate->seconds * 1000, now = clock_ms();
	int64_t wait = c->full + all / rate->n - now - all;

	return wait > 0 ? wait : 0;
}

/* A message for many takes a token for each, even those that are not there yet. */
static void take(const struct conf_rate *rate, struct queue_cap *c, unsigned n)
{
	int64_t now = clock_ms();

	c->full = (c->full > now ? c->full : now)
		+ (int64_t)rate->seconds * 1000 * n / rate->n;
}

static unsigned waiting(const struct spool_envelope *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->nrcpt; i++)
		n += e->rcpt[i].state == SPOOL_WAITING;
	return n;
}

const struct smtp_result *cap_holds(struct queue_message *m)
{
	struct queue *q = m->entry->queue;
	const struct conf *conf = q->daemon.conf;
	const struct conf_rate *user = &conf->cap_user, *all = &conf->cap_all;
	const struct spool_envelope *e = m->envelope;
	struct queue_cap *mine = user->n ? find(q, span_hash(SPAN_HASH,
				span_of(e->origin))) : NULL;
	int64_t wait;

	/* one that was tried has been counted */
	if (m->entry->counted || e->attempts)
		return NULL;
	wait = mine ? wait_for(user, mine) : 0;
	if (wait) {
		m->keep_ms = wait;
		return &too_many_of_one;
	}
	wait = all->n ? wait_for(all, &q->cap_all) : 0;
	if (wait) {
		m->keep_ms = wait;
		return &too_many;
	}
	if (mine)
		take(user, mine, waiting(e));
	if (all->n)
		take(all, &q->cap_all, waiting(e));
	m->entry->counted = true;
	return NULL;
}
