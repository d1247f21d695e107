#include "applet.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"

static const struct smtp_result no_memory = {
	.kind = ERR_NOMEM, .enhanced = "4.3.0", .text = "no memory"
};

/* The site's own copy; NULL: no memory. */
static bool keep(struct queue_site *s, const struct mx_target *targets,
		unsigned n)
{
	s->targets = calloc(n, sizeof(*targets));
	if (!s->targets)
		return false;
	memcpy(s->targets, targets, n * sizeof(*targets));
	s->ntargets = n;
	s->resolved = clock_ms();
	return true;
}

static void got(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct queue_site *s = arg;

	s->resolve = NULL;
	if (!n)
		site_resolved(s, why);
	else
		site_resolved(s, keep(s, targets, n) ? NULL : &no_memory);
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
		str_copy(local.name, sizeof(local.name), span_of(r->unix_path));
		site_resolved(s, keep(s, &local, 1) ? NULL : &no_memory);
		return;
	}
	s->resolve = mx_find(q->daemon.loop, q->dns, &question, got, s);
	if (!s->resolve)
		site_resolved(s, &no_memory);
}

void resolve_stop(struct queue_site *s)
{
	mx_cancel(s->resolve);
	s->resolve = NULL;
}
