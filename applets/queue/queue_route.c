#include "applet.h"
#include "queue.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#define SMTP_PORT 25

static void local(struct queue *q, struct queue_route *r)
{
	*r = (struct queue_route){ .lmtp = true,
		.unix_path = q->deliver_path };
}

static void smarthost(const struct conf_smarthost *s, struct queue_route *r)
{
	*r = (struct queue_route){ .host = s->host, .port = s->port,
		.smarthost = s };
}

static void configured(const struct conf_route *c, struct queue_route *r)
{
	*r = (struct queue_route){ .lmtp = c->lmtp, .mx = c->mx,
		.unix_path = c->is_unix ? c->host : NULL,
		.host = c->is_unix ? NULL : c->host, .port = c->port };
}

static const struct conf_route *find_route(const struct conf *conf,
		struct span domain)
{
	const struct conf_route *c;

	for (c = conf->routes; c; c = c->next)
		if (strcmp(c->domain, "*") == 0 || span_is(domain, c->domain))
			return c;
	return NULL;
}

/* Does an interface of this machine have the address of the literal? */
static bool is_own_literal(struct span literal)
{
	struct span text = span_sub(literal, 1, literal.n - 2);
	char want[INET6_ADDRSTRLEN], have[INET6_ADDRSTRLEN];
	struct ifaddrs *all, *i;
	bool own = false;

	if (span_starts(text, "IPv6:"))
		text = span_sub(text, 5, text.n);
	if (str_copy(want, sizeof(want), text) < 0 || getifaddrs(&all) < 0)
		return false;
	for (i = all; i && !own; i = i->ifa_next) {
		const void *a = NULL;

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			a = &((struct sockaddr_in *)(void *)
					i->ifa_addr)->sin_addr;
		else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
			a = &((struct sockaddr_in6 *)(void *)
					i->ifa_addr)->sin6_addr;
		own = a && inet_ntop(i->ifa_addr->sa_family, a, have,
				sizeof(have)) && span_is(span_of(have), want);
	}
	freeifaddrs(all);
	return own;
}

static bool is_local(const struct queue *q, struct span domain)
{
	if (!domain.n || conf_is_local(q->daemon.conf, domain))
		return true;
	return domain.p[0] == '[' && domain.n > 2 && is_own_literal(domain);
}

void route_find(struct queue *q, struct span domain, struct queue_route *r,
		char *key, size_t size)
{
	const struct conf *conf = q->daemon.conf;
	const struct conf_route *c;

	*r = (struct queue_route){ .mx = true, .port = SMTP_PORT };
	if (is_local(q, domain))
		local(q, r);
	else if ((c = find_route(conf, domain)))
		configured(c, r);
	else if (conf->smarthost.host)
		smarthost(&conf->smarthost, r);
	if (r->unix_path)
		snprintf(key, size, "%s", r->unix_path);
	else if (r->host)
		snprintf(key, size, "%s%s %s:%u", r->lmtp ? "lmtp" : "smtp",
				r->mx ? "" : "=", r->host, r->port);
	else
		snprintf(key, size, "mx %.*s", SPAN_ARG(domain));
}
