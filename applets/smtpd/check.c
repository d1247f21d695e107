/* check-hello and check-reverse: does DNS know who the client says it is? */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "smtpd/ask.h"

#define NAMES_MOST 4		/* of one address, that are followed */

static void on_hello(struct smtpd_question *q, const struct dns_answer *answer)
{
	struct smtpd_finding *f = q->about;

	f->good |= answer->status == DNS_OK;
	f->failed |= answer->status == DNS_FAIL;
}

static void ask_hello(struct smtpd_ask *a)
{
	const struct smtp_session *s = a->x->smtp;
	struct span name = span_of(s->hello);

	if (smtpd_is_own_literal(s, name) || conf_is_local(s->conf, name) ||
			span_is(name, "localhost")) {
		a->own = s->hello;
		return;
	}
	if (name.p[0] == '[')
		return;
	if (name.p[name.n - 1] == '.')
		name.n--;
	a->hello.asked = true;
	smtpd_question(a, name, DNS_A, on_hello, &a->hello);
	smtpd_question(a, name, DNS_AAAA, on_hello, &a->hello);
}

static bool leads_back(const struct dns_answer *answer,
		const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;
	bool is_v4 = peer->sa_family == AF_INET;

	for (int i = 0; i < answer->count; i++)
		if (is_v4 ? !memcmp(&answer->records[i].ip.a, &v4->sin_addr, 4)
			: !memcmp(&answer->records[i].ip.aaaa, &v6->sin6_addr,
				16))
			return true;
	return false;
}

static void on_forward(struct smtpd_question *q,
		const struct dns_answer *answer)
{
	struct smtpd_ask *a = q->ask;

	a->reverse.failed |= answer->status == DNS_FAIL;
	a->reverse.good |= leads_back(answer,
			conn_peer_addr(a->x->smtp->conn));
}

static void on_name(struct smtpd_question *q, const struct dns_answer *answer)
{
	struct smtpd_ask *a = q->ask;
	int family = conn_peer_addr(a->x->smtp->conn)->sa_family;

	a->reverse.failed |= answer->status == DNS_FAIL;
	for (int i = 0; i < answer->count && i < NAMES_MOST; i++)
		smtpd_question(a, span_of(answer->records[i].text),
				family == AF_INET ? DNS_A : DNS_AAAA,
				on_forward, NULL);
}

static void ask_reverse(struct smtpd_ask *a)
{
	const struct sockaddr *peer = conn_peer_addr(a->x->smtp->conn);
	char name[DNS_REVERSE_SIZE];

	a->reverse.asked = true;
	dns_reverse(name, peer, "in-addr.arpa", "ip6.arpa");
	smtpd_question(a, span_of(name), DNS_PTR, on_name, NULL);
}

void smtpd_check_ask(struct smtpd_ask *a)
{
	const struct conf *c = a->x->smtp->conf;

	if (c->check_hello)
		ask_hello(a);
	if (c->check_reverse)
		ask_reverse(a);
}

/* A temporary failure is told as one: the client comes again. */
static void judge(struct smtpd_ask *a, const struct smtpd_finding *f,
		unsigned char how, const char *const enhanced[2],
		const char *what)
{
	if (f->asked && !f->good)
		smtpd_ask_refuse(a, how == CONF_CHECK_NOTE,
				f->failed ? 450 : 550, enhanced[f->failed],
				"%s%s", what, f->failed ?
				": DNS does not answer now" : "");
}

void smtpd_check_judge(struct smtpd_ask *a)
{
	static const char *const hello[2] = { "5.7.1", "4.7.1" };
	static const char *const reverse[2] = { "5.7.25", "4.7.25" };
	const struct conf *c = a->x->smtp->conf;

	if (a->own)
		smtpd_ask_refuse(a, c->check_hello == CONF_CHECK_NOTE, 550,
				"5.7.1", "HELO %s: that is my name", a->own);
	judge(a, &a->hello, c->check_hello, hello,
			"The name in HELO has no address");
	judge(a, &a->reverse, c->check_reverse, reverse,
			"Your address has no name (PTR) that leads back to it");
}
