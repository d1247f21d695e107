#include "net/mx.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idna.h"
#include "base/str.h"
#include "base/utf8.h"
#include "net/hosts.h"
#include "net/own.h"

#define NAME_SIZE 256
#define ENOUGH_MS 10000		/* then what was found has to do */

struct host {
	char name[NAME_SIZE];
	unsigned preference;
};

/* The addresses of one host, until both questions are answered. */
struct found {
	struct in_addr v4[MX_FAMILY];
	struct in6_addr v6[MX_FAMILY];
	unsigned n4, n6;
};

struct mx {
	struct loop *loop;
	struct dns *dns;
	struct dns_query *query;	/* MX or A under way, or NULL */
	struct dns_query *query6;	/* AAAA */
	struct loop_timer timer;	/* for what is known without asking */
	mx_fn *fn;
	void *arg;

	char name[NAME_SIZE], self[NAME_SIZE];
	unsigned port;
	bool exchangers, loopback;	/* as asked */
	int64_t begun;
	bool itself;			/* the name stands for its own MX */
	bool trouble;			/* a name could not be asked now */
	bool missing;			/* the name itself does not exist */
	bool named;			/* of the targets: see struct mx_target */
	bool own;			/* an address was ours, */
	bool nowhere;			/* or loopback */
	struct host hosts[MX_HOSTS];
	unsigned nhosts, at;
	struct found found;		/* of the host at hand */
	struct mx_target *targets;	/* room for MX_TARGETS, or NULL */
	unsigned n;
};

/* -- the end -- */

void mx_cancel(struct mx *m)
{
	if (!m)
		return;
	dns_cancel(m->query);
	dns_cancel(m->query6);
	loop_timer_stop(m->loop, &m->timer);
	free(m->targets);
	free(m);
}

/* reply: NULL, or code, status and text as a server would say it. */
static void finish(struct mx *m, const char *reply)
{
	struct smtp_result why = { .kind = ERR_NONE };
	struct span rest;

	if (reply) {
		why.kind = *reply == '4' ? ERR_TEMP : ERR_PERM;
		why.code = (int)strtoll(reply, NULL, 10);
		rest = span_of(reply + 4);
		str_copy(why.enhanced, sizeof(why.enhanced),
				span_word(&rest));
		snprintf(why.text, sizeof(why.text), "%.200s:%s", m->name,
				rest.p);
		m->n = 0;
	}
	m->fn(m->arg, m->targets, m->n, &why);
	mx_cancel(m);
}

static void no_memory(struct mx *m)
{
	finish(m, "451 4.3.0 out of memory");
}

static void silence(struct mx *m)
{
	finish(m, "451 4.4.3 name servers do not answer");
}

static void loops(struct mx *m)
{
	finish(m, "554 5.4.6 its mail would come back to us");
}

static void nobody(struct mx *m)
{
	if (m->trouble)
		silence(m);
	else if (m->own)
		loops(m);
	else if (m->nowhere)
		finish(m, "554 5.4.6 its mail exchanger is a loopback address");
	else if (m->missing)
		finish(m, "550 5.1.2 no such domain");
	else
		finish(m, m->itself ?
				"550 5.4.4 this name has no address" :
				"550 5.4.4 no mail exchanger has an address");
}

/* -- targets -- */

/* ip: a struct in_addr or in6_addr */
static void set_address(struct mx_target *t, int family, const void *ip,
		unsigned port)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	four.sin_port = six.sin6_port = htons((uint16_t)port);
	if (family == AF_INET) {
		memcpy(&four.sin_addr, ip, sizeof(four.sin_addr));
		memcpy(&t->addr, &four, t->addr_len = sizeof(four));
	} else {
		memcpy(&six.sin6_addr, ip, sizeof(six.sin6_addr));
		memcpy(&t->addr, &six, t->addr_len = sizeof(six));
	}
}

/* A domain's owner may name any address: none of this machine is for its mail. */
static bool is_usable(struct mx *m, const struct mx_target *t)
{
	const struct sockaddr *addr = (const void *)&t->addr;

	if (!m->exchangers)
		return true;
	if (own_loopback(addr)) {
		m->nowhere |= !m->loopback;
		return m->loopback;
	}
	m->own |= own_interface(addr);
	return !m->own;
}

static void add(struct mx *m, const struct host *h, int family, const void *ip)
{
	struct mx_target *t;

	if (!m->targets)
		m->targets = calloc(MX_TARGETS, sizeof(*m->targets));
	if (!m->targets || m->n == MX_TARGETS)
		return;
	t = &m->targets[m->n];
	set_address(t, family, ip, m->port);
	t->preference = h->preference;
	t->named = m->named;
	str_copys(t->name, sizeof(t->name), h->name);
	if (is_usable(m, t))
		m->n++;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3), also bare. */
static bool take_literal(struct mx *m)
{
	struct span text = span_of(m->name);
	struct host host = { .preference = 0 };
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	int family = AF_INET;

	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = span_sub(text, 1, text.n - 2);
	if (span_starts(text, "IPv6:"))
		text = span_rest(text, 5);
	if (str_copy(plain, sizeof(plain), text))
		return false;
	if (inet_pton(family, plain, &ip) != 1)
		family = AF_INET6;
	if (family == AF_INET6 && inet_pton(family, plain, &ip) != 1)
		return false;
	str_copys(host.name, sizeof(host.name), plain);
	add(m, &host, family, &ip);
	return true;
}

/* -- addresses of the hosts, one after another -- */

static void next_host(struct mx *m);

/* A family must not hide the other: they take turns. */
static void add_found(struct mx *m)
{
	const struct found *f = &m->found;
	const struct host *h = &m->hosts[m->at];

	for (unsigned i = 0; i < MX_FAMILY; i++) {
		if (i < f->n4)
			add(m, h, AF_INET, &f->v4[i]);
		if (i < f->n6)
			add(m, h, AF_INET6, &f->v6[i]);
	}
	/* RFC 5321 5.1: where we are one only better ones may be tried */
	while (m->own && m->n &&
			m->targets[m->n - 1].preference >= h->preference)
		m->n--;
}

/*
 * RFC 5321 5: an exchanger that cannot be looked up now does not keep the mail
 * from the others.
 */
static void got_address(struct mx *m, const struct dns_answer *a)
{
	struct found *f = &m->found;

	m->trouble |= a->status == DNS_FAIL;
	m->missing |= m->itself && (a->status == DNS_NXDOMAIN ||
			a->status == DNS_BAD_NAME);
	for (int i = 0; i < a->count; i++) {
		const struct dns_record *r = &a->records[i];

		if (r->type == DNS_A && f->n4 < MX_FAMILY)
			f->v4[f->n4++] = r->ip.a;
		else if (r->type == DNS_AAAA && f->n6 < MX_FAMILY)
			f->v6[f->n6++] = r->ip.aaaa;
	}
	if (m->query || m->query6)
		return;
	add_found(m);
	m->at++;
	next_host(m);
}

static void got_v4(void *arg, const struct dns_answer *a)
{
	struct mx *m = arg;

	m->query = NULL;
	got_address(m, a);
}

static void got_v6(void *arg, const struct dns_answer *a)
{
	struct mx *m = arg;

	m->query6 = NULL;
	got_address(m, a);
}

static bool ask_addresses(struct mx *m)
{
	struct span name = span_of(m->hosts[m->at].name);

	m->found = (struct found){ .n4 = 0 };
	m->query = dns_ask(m->dns, name, DNS_A, got_v4, m);
	m->query6 = dns_ask(m->dns, name, DNS_AAAA, got_v6, m);
	return m->query && m->query6;
}

static bool is_enough(const struct mx *m)
{
	return m->at == m->nhosts || m->n == MX_TARGETS || m->own ||
		(m->n && loop_now(m->loop) - m->begun > ENOUGH_MS);
}

static void next_host(struct mx *m)
{
	if (is_enough(m)) {
		if (m->n)
			finish(m, NULL);
		else
			nobody(m);
	} else if (!ask_addresses(m)) {
		no_memory(m);
	}
}

static void add_host(struct mx *m, const char *name, unsigned preference)
{
	struct host *h = &m->hosts[m->nhosts];

	if (m->nhosts == MX_HOSTS || !*name ||
			str_copys(h->name, sizeof(h->name), name))
		return;
	h->preference = preference;
	m->nhosts++;
}

static void ask_itself(struct mx *m)
{
	m->itself = true;
	add_host(m, m->name, 0);
	next_host(m);
}

/* -- MX -- */

/* RFC 5321 5.1: where we are one ourselves only better ones may be tried. */
static int better_than_us(const struct mx *m, const struct dns_answer *a)
{
	int own, n;

	for (own = 0; own < a->count; own++)
		if (*m->self && span_is(span_of(a->records[own].text), m->self))
			break;
	if (own == a->count)
		return own;
	for (n = 0; a->records[n].preference < a->records[own].preference; n++)
		;
	return n;
}

static void take_exchangers(struct mx *m, const struct dns_answer *a)
{
	int n = better_than_us(m, a);

	for (int i = 0; i < n; i++)
		add_host(m, a->records[i].text, a->records[i].preference);
	if (m->nhosts)
		next_host(m);
	else if (!n)
		loops(m);
	else
		/* RFC 7505 5 */
		finish(m, "556 5.1.10 takes no mail (null MX)");
}

static void got_mx(void *arg, const struct dns_answer *a)
{
	struct mx *m = arg;

	m->query = NULL;
	m->named = a->authentic;
	if (a->status == DNS_OK)
		take_exchangers(m, a);
	else if (a->status == DNS_NODATA)
		ask_itself(m);
	else if (a->status == DNS_FAIL)
		silence(m);
	else
		finish(m, "550 5.1.2 no such domain");
}

/* -- the beginning -- */

static void known(struct loop_timer *t)
{
	struct mx *m = container_of(t, struct mx, timer);

	if (m->n)
		finish(m, NULL);
	else if (m->missing || m->own || m->nowhere)
		nobody(m);
	else
		no_memory(m);
}

static void add_known(void *arg, int family, const void *ip)
{
	struct mx *m = arg;
	struct host host = { .preference = 0 };

	str_copys(host.name, sizeof(host.name), m->name);
	add(m, &host, family, ip);
}

/* Nothing is told from within: what went wrong is left to the timer. */
static void start(struct mx *m)
{
	bool literal = take_literal(m);

	if (!literal && !m->exchangers)
		hosts_look(HOSTS_FILE, span_of(m->name), add_known, m);
	if (literal || m->missing || m->n) {
		loop_timer_set(m->loop, &m->timer, 0);
	} else if (m->exchangers) {
		m->query = dns_ask(m->dns, span_of(m->name), DNS_MX, got_mx, m);
		if (!m->query)
			loop_timer_set(m->loop, &m->timer, 0);
	} else {
		m->itself = m->named = true;
		add_host(m, m->name, 0);
		if (ask_addresses(m))
			return;
		dns_cancel(m->query);
		dns_cancel(m->query6);
		m->query = m->query6 = NULL;
		loop_timer_set(m->loop, &m->timer, 0);
	}
}

struct mx *mx_find(struct loop *l, struct dns *d, const struct mx_question *q,
		mx_fn *fn, void *arg)
{
	struct mx *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->loop = l;
	m->dns = d;
	m->fn = fn;
	m->arg = arg;
	m->port = q->port;
	m->timer.fire = known;
	str_copys(m->self, sizeof(m->self), q->self);
	/* what does not fit is no name that could be there */
	if (utf8_ascii(span_of(q->name)))
		m->missing = str_copys(m->name, sizeof(m->name), q->name);
	else
		m->missing = !idna_ascii(m->name, span_of(q->name));
	m->exchangers = q->exchangers;
	m->loopback = q->loopback;
	m->begun = loop_now(l);
	start(m);
	return m;
}
