#include "net/mx.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idna.h"
#include "base/str.h"
#include "base/utf8.h"

#define NAME_SIZE 256

struct mx {
	struct loop *loop;
	struct dns *dns;
	struct dns_query *query;	/* under way, or NULL */
	struct loop_timer timer;	/* for what is known without asking */
	mx_fn *fn;
	void *arg;

	char name[NAME_SIZE], self[NAME_SIZE];
	unsigned port;
	bool itself;			/* the name stands for its own MX */
	bool trouble;			/* a name could not be asked now */
	bool missing;			/* the name itself does not exist */
	bool named;			/* of the targets: see struct mx_target */
	char hosts[MX_HOSTS][NAME_SIZE];
	unsigned nhosts, at;		/* at: twice the host, A and then AAAA */
	struct mx_target *targets;	/* room for MX_TARGETS, or NULL */
	unsigned n;
};

/* -- the end -- */

void mx_cancel(struct mx *m)
{
	if (!m)
		return;
	dns_cancel(m->query);
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
		why.code = (int)strtol(reply, NULL, 10);
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

static void nobody(struct mx *m)
{
	if (m->trouble)
		silence(m);
	else if (m->missing)
		finish(m, "550 5.1.2 no such domain");
	else
		finish(m, m->itself ?
				"550 5.4.4 this name has no address" :
				"550 5.4.4 no mail exchanger has an address");
}

/* -- targets -- */

/* ip: a struct in_addr or in6_addr */
static void add(struct mx *m, const char *name, int family, const void *ip)
{
	struct mx_target *t;
	struct sockaddr_in *four;
	struct sockaddr_in6 *six;

	if (!m->targets)
		m->targets = calloc(MX_TARGETS, sizeof(*m->targets));
	if (!m->targets || m->n == MX_TARGETS)
		return;
	t = &m->targets[m->n++];
	t->named = m->named;
	t->addr.ss_family = (sa_family_t)family;
	four = (struct sockaddr_in *)(void *)&t->addr;
	six = (struct sockaddr_in6 *)(void *)&t->addr;
	four->sin_port = htons((uint16_t)m->port);	/* six's, too */
	if (family == AF_INET)
		memcpy(&four->sin_addr, ip, sizeof(four->sin_addr));
	else
		memcpy(&six->sin6_addr, ip, sizeof(six->sin6_addr));
	t->addr_len = family == AF_INET ? sizeof(*four) : sizeof(*six);
	str_copys(t->name, sizeof(t->name), name);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3), also bare. */
static bool take_literal(struct mx *m)
{
	struct span text = span_of(m->name);
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
	add(m, plain, family, &ip);
	return true;
}

/* -- addresses of the hosts, one after another -- */

static void next_address(struct mx *m);

/*
 * RFC 5321 5: an exchanger that cannot be looked up now does not keep the mail
 * from the others.
 */
static void got_address(void *arg, const struct dns_answer *a)
{
	struct mx *m = arg;
	const char *name = m->hosts[m->at / 2];

	m->query = NULL;
	m->trouble |= a->status == DNS_FAIL;
	m->missing = m->itself && (a->status == DNS_NXDOMAIN ||
			a->status == DNS_BAD_NAME);
	for (int i = 0; i < a->count; i++) {
		if (a->records[i].type == DNS_A)
			add(m, name, AF_INET, &a->records[i].ip);
		else if (a->records[i].type == DNS_AAAA)
			add(m, name, AF_INET6, &a->records[i].ip);
	}
	m->at++;
	next_address(m);
}

static void next_address(struct mx *m)
{
	unsigned host = m->at / 2;

	if (host < m->nhosts && m->n < MX_TARGETS) {
		m->query = dns_ask(m->dns, span_of(m->hosts[host]),
				m->at % 2 ? DNS_AAAA : DNS_A, got_address, m);
		if (!m->query)
			no_memory(m);
	} else if (m->n) {
		finish(m, NULL);
	} else {
		nobody(m);
	}
}

static void add_host(struct mx *m, const char *name)
{
	if (m->nhosts < MX_HOSTS && *name && !str_copys(m->hosts[m->nhosts],
				NAME_SIZE, name))
		m->nhosts++;
}

static void ask_itself(struct mx *m)
{
	m->itself = true;
	add_host(m, m->name);
	next_address(m);
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
		add_host(m, a->records[i].text);
	if (m->nhosts)
		next_address(m);
	else if (!n)
		finish(m, "554 5.4.6 its mail would come back to us");
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
	else if (m->missing)
		nobody(m);
	else
		no_memory(m);
}

static void start(struct mx *m, bool exchangers)
{
	if (take_literal(m) || m->missing) {
		loop_timer_set(m->loop, &m->timer, 0);
	} else if (exchangers) {
		m->query = dns_ask(m->dns, span_of(m->name), DNS_MX, got_mx, m);
	} else {
		m->itself = m->named = true;
		add_host(m, m->name);
		m->query = dns_ask(m->dns, span_of(m->name), DNS_A,
				got_address, m);
	}
	if (!m->query)
		loop_timer_set(m->loop, &m->timer, 0);
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
	start(m, q->exchangers);
	return m;
}
