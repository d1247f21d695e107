#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"

struct queue_targets *targets_use(struct queue_targets *t)
{
	t->users++;
	return t;
}

void targets_drop(struct queue_targets *t)
{
	if (!t || --t->users)
		return;
	if (CFG_PROOFS)
		proofs_free(t->proofs);
	free(t);
}

static void keep(struct queue_site *s, const struct mx_target *targets,
		unsigned n)
{
	s->targets = calloc(1, sizeof(*s->targets) + n * sizeof(*targets));
	if (!s->targets) {
		site_cannot(s, "4.3.0", "out of memory");
		return;
	}
	memcpy(s->targets->v, targets, n * sizeof(*targets));
	s->targets->n = n;
	s->targets->users = 1;
	s->resolved = clock_ms();
	if (!CFG_PROOFS || !proof_prepare(s))
		site_wake(s);
}

static void ended(struct queue_site *s)
{
	s->resolve = NULL;
	s->queue->lookups--;
	site_feed(s->queue);
}

static void got(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct queue_site *s = arg;
	struct smtp_result later;

	ended(s);
	if (n) {
		keep(s, targets, n);
		return;
	}
	later = *why;
	/* a wrong name of ours is no reason to return anybody's mail */
	if (s->route.host && later.kind == ERR_PERM) {
		later.kind = ERR_TEMP;
		if (*later.enhanced == '5')
			*later.enhanced = '4';
	}
	site_failed(s, &later);
}

void resolve_start(struct queue_site *s)
{
	const struct queue_route *r = &s->route;
	struct mx_target local = { .name = "" };
	struct queue *q = s->queue;
	struct mx_question question = {
		.name = r->host ? r->host : s->key + sizeof("mx ") - 1,
		.port = r->port, .exchangers = r->mx,
		.self = q->daemon.conf->hostname,
		.loopback = q->daemon.conf->mx_loopback
	};

	targets_drop(s->targets);
	s->targets = NULL;
	if (r->unix_path) {
		str_copys(local.name, sizeof(local.name), r->unix_path);
		keep(s, &local, 1);
		return;
	}
	s->resolve = mx_find(q->daemon.loop, q->dns, &question, got, s);
	if (s->resolve)
		q->lookups++;
	else
		site_cannot(s, "4.3.0", "out of memory");
}

void resolve_stop(struct queue_site *s)
{
	if (!s->resolve)
		return;
	mx_cancel(s->resolve);
	ended(s);
}
