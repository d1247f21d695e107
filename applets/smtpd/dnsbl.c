/* DNS block and allow lists (RFC 5782), their self-tests and a cache. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"
#include "smtpd/ask.h"

#define TEST_MS (4 * 3600 * INT64_C(1000))	/* the next self-test */
#define RETEST_MS (10 * 60 * INT64_C(1000))	/* ... of a broken list */
#define REASK_MS (60 * INT64_C(1000))	/* ... of one that did not answer */
#define TTL_LEAST 60		/* seconds in the cache */
#define TTL_MOST 3600
#define TTL_CLEAN 300		/* dns.h does not tell how long a no is good */
#define ERRORS 0x7fffff00	/* 127.255.255.0/24: codes for errors */
#define CACHE_FIRST 16

static const struct {
	const char *name;
	bool listed;
} tests[2] = { { "1.0.0.127", false }, { "2.0.0.127", true } };

struct smtpd_dnsbl {
	struct smtpd *m;
	const struct conf_dnsbl *conf;
	bool on, told;			/* asked; the log says why it is not */
	struct loop_timer timer;	/* of the next self-test */
	int64_t tested;
	struct dns_query *query[2];	/* of tests[] */
	const char *fault;		/* of the test that runs */
};

struct smtpd_sum {
	unsigned char key[16];
	uint32_t until;			/* loop_now() in seconds */
	short sum;
	unsigned char worst;		/* list */
};

/* -- answers -- */

static uint32_t code_of(const struct dns_record *r)
{
	return ntohl(r->ip.a.s_addr);
}

static bool has_error(const struct dns_answer *answer)
{
	for (int i = 0; i < answer->count; i++)
		if ((code_of(&answer->records[i]) & ~255U) == ERRORS)
			return true;
	return false;
}

static bool counts(const struct conf_dnsbl *d, uint32_t code)
{
	unsigned i = 0;

	/* 127.0.0.1 is what a resolver that lies says (RFC 5782 2.1) */
	if (code >> 24 != 127 || code == 0x7f000001)
		return false;
	while (i < d->ncodes && (code < d->codes[i].low ||
				code > d->codes[i].high))
		i++;
	return !d->ncodes || i < d->ncodes;
}

/* -- self-tests (RFC 5782 5) -- */

/* why NULL: it is all right. One line a change, whatever the reason is. */
static void set_state(struct smtpd_dnsbl *l, const char *why)
{
	if (why && (l->on || !l->told)) {
		log_warn("dnsbl %s is not asked: it %s", l->conf->name, why);
		l->told = true;
	} else if (!why && !l->on) {
		log_info("dnsbl %s is asked", l->conf->name);
		l->told = false;
	}
	l->on = !why;
}

static void test_later(struct smtpd_dnsbl *l, int64_t ms)
{
	loop_timer_set(l->m->daemon.loop, &l->timer, ms);
}

static const char no_answer[] = "does not answer";
static const char error_code[] = "answers with an error, 127.255.255.x";

static void on_tested(struct smtpd_dnsbl *l, int i,
		const struct dns_answer *answer)
{
	const char *fault = NULL;

	l->query[i] = NULL;
	if (answer->status == DNS_FAIL)
		fault = no_answer;
	else if (has_error(answer))
		fault = error_code;
	else if ((answer->status == DNS_OK) != tests[i].listed)
		fault = i ? "does not list 127.0.0.2" : "lists 127.0.0.1";
	if (fault)
		l->fault = fault;
	if (l->query[!i])
		return;
	set_state(l, l->fault);
	test_later(l, !l->fault ? TEST_MS : l->fault == no_answer ?
			REASK_MS : RETEST_MS);
}

static void on_first(void *arg, const struct dns_answer *answer)
{
	on_tested(arg, 0, answer);
}

static void on_second(void *arg, const struct dns_answer *answer)
{
	on_tested(arg, 1, answer);
}

static void on_test(struct loop_timer *t)
{
	struct smtpd_dnsbl *l = container_of(t, struct smtpd_dnsbl, timer);
	char name[DNS_REVERSE_SIZE + 256];

	l->fault = NULL;
	l->tested = loop_now(l->m->daemon.loop);
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s.%s", tests[i].name,
				l->conf->name);
		l->query[i] = dns_ask(l->m->dns, span_of(name), DNS_A,
				i ? on_second : on_first, l);
	}
	if (!l->query[0] || !l->query[1]) {
		dns_cancel(l->query[0]);
		dns_cancel(l->query[1]);
		l->query[0] = l->query[1] = NULL;
		test_later(l, REASK_MS);
	}
}

/* It did not answer a question: is it still there? */
static void doubt(struct smtpd_dnsbl *l)
{
	if (!l->query[0] && !l->query[1] &&
			loop_now(l->m->daemon.loop) - l->tested > REASK_MS)
		test_later(l, 0);
}

int smtpd_dnsbl_start(struct smtpd *m)
{
	const struct conf_dnsbl *d;
	size_t n = 0;

	for (d = m->daemon.conf->dnsbl; d; d = d->next)
		n++;
	if (!n)
		return 0;
	m->dnsbl = calloc(n, sizeof(*m->dnsbl));
	if (!m->dnsbl)
		return -1;
	for (d = m->daemon.conf->dnsbl; d; d = d->next) {
		struct smtpd_dnsbl *l = &m->dnsbl[m->ndnsbl++];

		l->m = m;
		l->conf = d;
		l->timer.fire = on_test;
		test_later(l, 0);
	}
	return 0;
}

void smtpd_dnsbl_stop(struct smtpd *m)
{
	for (unsigned i = 0; i < m->ndnsbl; i++)
		loop_timer_stop(m->daemon.loop, &m->dnsbl[i].timer);
	free(m->dnsbl);
	free(m->sums);
}

/* -- the cache -- */

static uint32_t seconds(const struct smtpd *m)
{
	return (uint32_t)(loop_now(m->daemon.loop) / 1000);
}

/* IPv4 as ::ffff:a.b.c.d; IPv6 whole, as lists name hosts, too. */
static void key_of(unsigned char key[16], const struct sockaddr *peer)
{
	const struct sockaddr_in6 *v6 = (const void *)peer;

	listen_key(key, peer);
	if (peer->sa_family == AF_INET6)
		memcpy(key, &v6->sin6_addr, 16);
}

static struct smtpd_sum *cached(struct smtpd *m, const unsigned char key[16])
{
	for (unsigned i = 0; i < m->nsums; i++)
		if (!memcmp(m->sums[i].key, key, 16))
			return m->sums[i].until > seconds(m) ? &m->sums[i] :
				NULL;
	return NULL;
}

/* The same address again, a new place, or that of who goes first; NULL. */
static struct smtpd_sum *place(struct smtpd *m, const unsigned char key[16])
{
	unsigned most = m->daemon.conf->dnsbl_cache, best = 0, size;
	struct smtpd_sum *more;

	for (unsigned i = 0; i < m->nsums; i++) {
		if (!memcmp(m->sums[i].key, key, 16))
			return &m->sums[i];
		if (m->sums[i].until < m->sums[best].until)
			best = i;
	}
	if (m->nsums && (m->nsums == most ||
				m->sums[best].until <= seconds(m)))
		return &m->sums[best];
	if (m->nsums == m->sums_size) {
		size = m->sums_size ? m->sums_size * 2 : CACHE_FIRST;
		if (size > most)
			size = most;
		more = size ? realloc(m->sums, size * sizeof(*more)) : NULL;
		if (!more)
			return NULL;
		m->sums = more;
		m->sums_size = size;
	}
	return &m->sums[m->nsums++];
}

static void keep(struct smtpd_ask *a)
{
	struct smtpd *m = a->x->service->smtpd;
	unsigned char key[16];
	struct smtpd_sum *c;

	key_of(key, conn_peer_addr(a->x->smtp->conn));
	c = place(m, key);
	if (!c)
		return;
	memcpy(c->key, key, sizeof(key));
	c->until = seconds(m) + (a->doubtful || a->ttl < TTL_LEAST ?
			TTL_LEAST : a->ttl);
	c->sum = (short)a->sum;
	c->worst = 0;
	for (unsigned i = 0; i < m->ndnsbl; i++)
		if (m->dnsbl[i].conf == a->worst)
			c->worst = (unsigned char)i;
}

/* -- asking -- */

static void ask_list(struct smtpd_ask *a, const struct conf_dnsbl *d,
		enum dns_type type, void (*answered)(struct smtpd_question *q,
			const struct dns_answer *answer), void *about)
{
	char address[DNS_REVERSE_SIZE], name[DNS_REVERSE_SIZE + 256];

	dns_reverse(address, conn_peer_addr(a->x->smtp->conn), "", "");
	snprintf(name, sizeof(name), "%s%s", address, d->name);
	smtpd_question(a, span_of(name), type, answered, about);
}

static void add(struct smtpd_ask *a, const struct conf_dnsbl *d)
{
	a->sum += d->weight;
	if (!a->worst || d->weight > a->worst->weight)
		a->worst = d;
}

static void on_listed(struct smtpd_question *q, const struct dns_answer *answer)
{
	struct smtpd_dnsbl *l = q->about;
	struct smtpd_ask *a = q->ask;
	uint32_t ttl = TTL_CLEAN;

	if (answer->status == DNS_FAIL) {
		a->doubtful = true;
		doubt(l);
	} else if (has_error(answer)) {
		a->doubtful = true;
		set_state(l, error_code);
		test_later(l, RETEST_MS);
		return;
	}
	for (int i = 0; i < answer->count; i++)
		if (counts(l->conf, code_of(&answer->records[i]))) {
			add(a, l->conf);
			ttl = answer->records[i].ttl;
			break;
		}
	if (ttl < a->ttl)
		a->ttl = ttl;
}

void smtpd_dnsbl_ask(struct smtpd_ask *a)
{
	const struct sockaddr *peer = conn_peer_addr(a->x->smtp->conn);
	struct smtpd *m = a->x->service->smtpd;
	unsigned char key[16];
	const struct smtpd_sum *c;

	key_of(key, peer);
	c = cached(m, key);
	a->ttl = TTL_MOST;
	a->cached = c != NULL;
	if (c) {
		a->sum = c->sum;
		a->worst = m->dnsbl[c->worst].conf;
		return;
	}
	for (unsigned i = 0; i < m->ndnsbl; i++)
		if (m->dnsbl[i].on)
			ask_list(a, m->dnsbl[i].conf, DNS_A, on_listed,
					&m->dnsbl[i]);
		else
			a->doubtful = true;
}

/* -- the list's own words (RFC 5782 2.1) -- */

static void on_text(struct smtpd_question *q, const struct dns_answer *answer)
{
	if (answer->count)
		q->ask->text = strndup(answer->records->text,
				answer->records->text_len);
}

static bool is_refused(const struct smtpd_ask *a)
{
	return a->worst && a->sum >= (int)a->x->smtp->conf->dnsbl_refuse;
}

bool smtpd_dnsbl_more(struct smtpd_ask *a)
{
	if (a->text_asked || !is_refused(a))
		return false;
	a->text_asked = true;
	ask_list(a, a->worst, DNS_TXT, on_text, NULL);
	return a->open;
}

void smtpd_dnsbl_judge(struct smtpd_ask *a)
{
	struct smtpd *m = a->x->service->smtpd;

	if (m->ndnsbl && !a->cached)
		keep(a);
	a->x->allowed = a->sum < 0;
	if (is_refused(a))
		smtpd_ask_refuse(a, false, 550, "5.7.1",
				"Client %s is listed by %s%s%s",
				conn_peer(a->x->smtp->conn), a->worst->name,
				a->text ? ": " : "", a->text ? a->text : "");
}
