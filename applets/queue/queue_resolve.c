#include "applet.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"

static void keep(struct queue_site *s, const struct mx_target *targets,
		unsigned n)
{
	s->targets = calloc(n, sizeof(*targets));
	if (!s->targets) {
		site_cannot(s, "4.3.0", "out of memory");
		return;
	}
	memcpy(s->targets, targets, n * sizeof(*targets));
	s->ntargets = n;
	s->resolved = clock_ms();
	site_wake(s);
}

static void got(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct queue_site *s = arg;
	struct smtp_result later;

	s->resolve = NULL;
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
		.self = q->daemon.conf->hostname
	};

	free(s->targets);
	s->targets = NULL;
	s->ntargets = 0;
	if (r->unix_path) {
		str_copys(local.name, sizeof(local.name), r->unix_path);
		keep(s, &local, 1);
		return;
	}
	s->resolve = mx_find(q->daemon.loop, q->dns, &question, got, s);
	if (!s->resolve)
		site_cannot(s, "4.3.0", "out of memory");
}

void resolve_stop(struct queue_site *s)
{
	mx_cancel(s->resolve);
	s->resolve = NULL;
}
