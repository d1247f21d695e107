#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdio.h>
#include <string.h>

#include "base/idna.h"

#define SMTP_PORT 25

static void make_key(const struct queue *q, const struct queue_route *r,
		struct span domain, char *key, size_t size)
{
	unsigned n = 1;

	/* lines for one host may have an account each */
	for (const struct conf_smarthost *s = q->daemon.conf->smarthosts;
			s && s != r->smarthost; s = s->next)
		n++;
	if (r->smarthost)
		snprintf(key, size, "smarthost %u", n);
	else if (r->unix_path)
		snprintf(key, size, "%s", r->unix_path);
	else if (r->host)
		snprintf(key, size, "%s%s%s %s:%u",
				r->fallback ? "fallback " : "",
				r->lmtp ? "lmtp" : "smtp", r->mx ? "" : "=", r->host, r->port);
	else
		snprintf(key, size, "mx %.*s", SPAN_ARG(domain));
}

static bool use_smarthost(struct queue_route *r,
		const struct conf_smarthost *s)
{
	if (!s)
		return false;
	r->host = s->host;
	r->port = s->port;
	r->smarthost = s;
	return true;
}

static void use_route(struct queue_route *r, const struct conf_route *c)
{
	r->error = c->status ? c : NULL;
	r->lmtp = c->lmtp;
	r->mx = c->mx;
	r->port = c->port;
	*(c->is_unix ? &r->unix_path : &r->host) = c->host;
}

void route_find(struct queue *q, const char *sender, struct span domain,
		struct queue_route *r, char *key, size_t size)
{
	const struct conf *conf = q->daemon.conf;
	const struct conf_route *c;
	char ascii[IDNA_SIZE];

	/* one site for a domain, however it is written */
	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	*r = (struct queue_route){ .port = SMTP_PORT };
	if (!domain.n || conf_is_local(conf, domain)) {
		r->lmtp = true;
		r->unix_path = q->deliver_path;
	} else if ((c = conf_find_route(conf, domain))) {
		use_route(r, c);
	} else if (!use_smarthost(r, conf_smarthost(conf, NULL, sender))) {
		/* an address literal of ours, too: smtpd knows it */
		r->mx = true;
	}
	make_key(q, r, domain, key, size);
	if (CFG_TLS_POLICY)
		proof_route(q, domain, r, key, size);
}

bool route_next(const struct queue *q, const char *sender,
		const struct queue_route *failed, bool late,
		struct queue_route *r, char *key, size_t size)
{
	const struct conf *conf = q->daemon.conf;

	*r = (struct queue_route){ .port = SMTP_PORT };
	if (failed->unix_path == q->deliver_path || failed->fallback)
		return false;
	if (!failed->smarthost || !use_smarthost(r, conf_smarthost(conf,
			failed->smarthost, sender))) {
		if (!conf->fallback || !late)
			return false;
		use_route(r, conf->fallback);
		r->fallback = true;
	}
	make_key(q, r, span_of(""), key, size);
	if (CFG_TLS_POLICY && r->fallback)
		proof_keep(failed, r, key, size);
	return true;
}
