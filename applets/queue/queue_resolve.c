#include "applet.h"
#include "queue.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/addr.h"
#include "os/clock.h"

/*
 * RFC 5321 section 5: MX, else the domain's own addresses. Hosts are asked for
 * their A and AAAA one after another, best preference first.
 */
struct queue_resolve {
	struct queue_site *site;
	struct dns_query *query;
	char hosts[QUEUE_EXCHANGERS][256];
	unsigned nhosts, at;
	bool implicit;		/* the domain stands for its own MX */
	bool trouble;		/* one name could not be asked now */
	bool missing;		/* the domain itself does not exist */
};

static void refuse(struct smtp_result *r, enum err_kind kind, int code,
		const char *enhanced, const char *what, const char *host)
{
	*r = (struct smtp_result){ .kind = kind, .code = code };
	snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced);
	snprintf(r->text, sizeof(r->text), "%.200s: %s", host, what);
}

/* The resolve is gone after it. */
static void finish(struct queue_resolve *v, const struct smtp_result *why)
{
	struct queue_site *s = v->site;

	s->resolve = NULL;
	free(v);
	s->resolved = clock_ms();
	site_resolved(s, why);
}

static const char *name_of(const struct queue_site *s)
{
	return s->route.host ? s->route.host : s->key + sizeof("mx ") - 1;
}

static void finish_with(struct queue_resolve *v, enum err_kind kind, int code,
		const char *enhanced, const char *what)
{
	struct smtp_result why;

	refuse(&why, kind, code, enhanced, what, name_of(v->site));
	finish(v, &why);
}

static struct queue_target *new_target(struct queue_site *s, const char *name)
{
	struct queue_target *t;

	if (s->ntargets == QUEUE_TARGETS)
		return NULL;
	t = realloc(s->targets, (s->ntargets + 1) * sizeof(*t));
	if (!t)
		return NULL;
	s->targets = t;
	t += s->ntargets++;
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

static void add4(struct queue_site *s, const char *name,
		const struct in_addr *a)
{
	struct queue_target *t = new_target(s, name);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = *a,
		.sin_port = htons((uint16_t)s->route.port) };

	if (!t)
		return;
	memcpy(&t->addr, &in, sizeof(in));
	t->addr_len = sizeof(in);
}

static void add6(struct queue_site *s, const char *name,
		const struct in6_addr *a)
{
	struct queue_target *t = new_target(s, name);
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_addr = *a,
		.sin6_port = htons((uint16_t)s->route.port) };

	if (!t)
		return;
	memcpy(&t->addr, &in, sizeof(in));
	t->addr_len = sizeof(in);
}

static void next_host(struct queue_resolve *v);

static void got_address(void *arg, const struct dns_answer *a)
{
	struct queue_resolve *v = arg;
	const char *name = v->hosts[v->at / 2];

	v->query = NULL;
	v->trouble |= a->status == DNS_FAIL;
	v->missing = v->implicit && a->status == DNS_NXDOMAIN;
	for (int i = 0; i < a->count; i++) {
		if (a->records[i].type == DNS_A)
			add4(v->site, name, &a->records[i].ip.a);
		else if (a->records[i].type == DNS_AAAA)
			add6(v->site, name, &a->records[i].ip.aaaa);
	}
	v->at++;
	next_host(v);
}

static void no_addresses(struct queue_resolve *v)
{
	if (v->trouble)
		finish_with(v, ERR_TEMP, 451, "4.4.3",
				"name servers do not answer");
	else if (v->missing)
		finish_with(v, ERR_PERM, 550, "5.1.2", "no such domain");
	else
		finish_with(v, ERR_PERM, 550, "5.4.4",
				"no host takes mail for this domain");
}

/* Twice for each host: A, then AAAA. */
static void next_host(struct queue_resolve *v)
{
	struct queue *q = v->site->queue;
	const char *host = v->hosts[v->at / 2];

	if (v->at / 2 < v->nhosts && v->site->ntargets < QUEUE_TARGETS) {
		v->query = dns_ask(q->dns, span_of(host),
				v->at % 2 ? DNS_AAAA : DNS_A, got_address, v);
		if (!v->query)
			finish_with(v, ERR_NOMEM, 0, "4.3.0", "no memory");
	} else if (v->site->ntargets) {
		finish(v, NULL);
	} else {
		no_addresses(v);
	}
}

static void add_host(struct queue_resolve *v, const char *name)
{
	if (v->nhosts < QUEUE_EXCHANGERS && str_copy(v->hosts[v->nhosts],
			sizeof(v->hosts[0]), span_of(name)) == 0)
		v->nhosts++;
}

/* RFC 5321 5.1: where we are an MX ourselves only better ones are tried. */
static int better_than_us(const struct queue *q, const struct dns_answer *a)
{
	int n = a->count;

	for (int i = 0; i < a->count; i++)
		if (a->records[i].type == DNS_MX && span_is(span_of(
				a->records[i].text), q->daemon.conf->hostname))
			for (n = 0; a->records[n].preference
					< a->records[i].preference; n++)
				;
	return n;
}

static void take_exchangers(struct queue_resolve *v,
		const struct dns_answer *a)
{
	int n = better_than_us(v->site->queue, a);

	for (int i = 0; i < n; i++)
		if (a->records[i].type == DNS_MX && *a->records[i].text)
			add_host(v, a->records[i].text);
	if (v->nhosts)
		next_host(v);
	else if (!n)
		finish_with(v, ERR_PERM, 554, "5.4.6",
				"mail for this domain loops back to us");
	else
		finish_with(v, ERR_PERM, 556, "5.1.10",
				"this domain takes no mail (null MX)");
}

static void got_mx(void *arg, const struct dns_answer *a)
{
	struct queue_resolve *v = arg;

	v->query = NULL;
	switch (a->status) {
	case DNS_OK:
		take_exchangers(v, a);
		break;
	case DNS_NODATA:
		v->implicit = true;
		add_host(v, name_of(v->site));
		next_host(v);
		break;
	case DNS_FAIL:
		finish_with(v, ERR_TEMP, 451, "4.4.3",
				"name servers do not answer");
		break;
	default:
		finish_with(v, ERR_PERM, 550, "5.1.2", "no such domain");
	}
}

/* A route or domain that is an address: "[192.0.2.1]", "192.0.2.1". */
static bool take_literal(struct queue_site *s, const char *name)
{
	struct span text = span_of(name);
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (text.n > 2 && text.p[0] == '[')
		text = span_sub(text, 1, text.n - 2);
	if (span_starts(text, "IPv6:"))
		text = span_sub(text, 5, text.n);
	if (str_copy(plain, sizeof(plain), text) < 0)
		return false;
	if (inet_pton(AF_INET, plain, &four) == 1)
		add4(s, name, &four);
	else if (inet_pton(AF_INET6, plain, &six) == 1)
		add6(s, name, &six);
	else
		return false;
	return true;
}

static void take_unix(struct queue_site *s)
{
	struct queue_target *t = new_target(s, s->route.unix_path);

	if (t)
		t->addr.ss_family = AF_UNSPEC;
}

static const struct smtp_result no_memory = {
	.kind = ERR_NOMEM, .enhanced = "4.3.0", .text = "no memory"
};

void resolve_start(struct queue_site *s)
{
	struct queue_resolve *v = calloc(1, sizeof(*v));
	const char *name;

	free(s->targets);
	s->targets = NULL;
	s->ntargets = 0;
	if (!v) {
		site_resolved(s, &no_memory);
		return;
	}
	s->resolve = v;
	v->site = s;
	if (s->route.unix_path) {
		take_unix(s);
		finish(v, NULL);
		return;
	}
	name = name_of(s);
	if (take_literal(s, name)) {
		finish(v, NULL);
	} else if (s->route.mx) {
		v->query = dns_ask(s->queue->dns, span_of(name), DNS_MX,
				got_mx, v);
		if (!v->query)
			finish_with(v, ERR_NOMEM, 0, "4.3.0", "no memory");
	} else {
		v->implicit = true;
		add_host(v, name);
		next_host(v);
	}
}

void resolve_stop(struct queue_site *s)
{
	if (!s->resolve)
		return;
	if (s->resolve->query)
		dns_cancel(s->resolve->query);
	free(s->resolve);
	s->resolve = NULL;
}
