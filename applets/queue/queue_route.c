#include "applet.h"
#include "queue.h"

#include <stdio.h>
#include <string.h>

#include "base/idna.h"

#define SMTP_PORT 25

static const struct conf_route *find_route(const struct conf *conf,
		struct span domain)
{
	const struct conf_route *c;

	for (c = conf->routes; c; c = c->next)
		if (strcmp(c->domain, "*") == 0 || span_is(domain, c->domain))
			return c;
	return NULL;
}

void route_find(struct queue *q, struct span domain, struct queue_route *r,
		char *key, size_t size)
{
	const struct conf *conf = q->daemon.conf;
	const struct conf_smarthost *s = &conf->smarthost;
	const struct conf_route *c;
	char ascii[IDNA_SIZE];

	/* one site for a domain, however it is written */
	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	*r = (struct queue_route){ .port = SMTP_PORT };
	if (!domain.n || conf_is_local(conf, domain)) {
		r->lmtp = true;
		r->unix_path = q->deliver_path;
	} else if ((c = find_route(conf, domain))) {
		r->lmtp = c->lmtp;
		r->mx = c->mx;
		r->port = c->port;
		*(c->is_unix ? &r->unix_path : &r->host) = c->host;
	} else if (s->host) {
		r->host = s->host;
		r->port = s->port;
		r->smarthost = s;
	} else {
		/* an address literal of ours, too: smtpd knows it */
		r->mx = true;
	}
	if (r->unix_path)
		snprintf(key, size, "%s", r->unix_path);
	else if (r->host)
		snprintf(key, size, "%s%s %s:%u", r->lmtp ? "lmtp" : "smtp",
				r->mx ? "" : "=", r->host, r->port);
	else
		snprintf(key, size, "mx %.*s", SPAN_ARG(domain));
}
