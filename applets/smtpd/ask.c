/*
 * DNS is asked about a stranger at his first MAIL; his first RCPT waits for
 * the answers, for dnsbl-timeout at most.
 */
#include "smtpd/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

#define TEXT_SIZE 400
#define OPEN_MOST 256		/* questions of all sessions: a socket each */

static const struct dns_answer no_answer = { .status = DNS_FAIL };

static void finish(struct smtpd_ask *a);

static void closed(struct smtpd_question *q)
{
	q->query = NULL;
	q->ask->x->service->smtpd->questions--;
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
	struct smtpd_question *q = arg;
	struct smtpd_ask *a = q->ask;

	closed(q);
	q->answered(q, answer);
	if (--a->open)
		return;
	if (!CFG_SMTPD_DNSBL || !smtpd_dnsbl_more(a))
		finish(a);
}

void smtpd_question(struct smtpd_ask *a, struct span name, enum dns_type type,
		void (*answered)(struct smtpd_question *q,
			const struct dns_answer *answer), void *about)
{
	struct smtpd *m = a->x->service->smtpd;
	struct smtpd_question *q = &a->questions[a->n];

	if (a->n == SMTPD_QUESTIONS)
		return;
	q->ask = a;
	q->answered = answered;
	q->about = about;
	q->query = m->questions < OPEN_MOST ? dns_ask(m->dns, name, type,
			on_answer, q) : NULL;
	if (!q->query) {
		answered(q, &no_answer);
		return;
	}
	m->questions++;
	a->n++;
	a->open++;
}

static void stop(struct smtpd_ask *a)
{
	loop_timer_stop(a->x->service->smtpd->daemon.loop, &a->deadline);
	for (unsigned i = 0; i < a->n; i++)
		if (a->questions[i].query) {
			dns_cancel(a->questions[i].query);
			closed(&a->questions[i]);
		}
	a->x->ask = NULL;
	free(a->text);
	free(a);
}

static void finish(struct smtpd_ask *a)
{
	struct smtpd_session *x = a->x;
	struct smtp_rcpt *held = x->held;

	if (CFG_SMTPD_CHECKS)
		smtpd_check_judge(a);
	if (CFG_SMTPD_DNSBL)
		smtpd_dnsbl_judge(a);
	stop(a);
	x->held = NULL;
	if (held)
		smtpd_rcpt(x->smtp, held);	/* may free x */
}

static void on_deadline(struct loop_timer *t)
{
	struct smtpd_ask *a = container_of(t, struct smtpd_ask, deadline);

	for (unsigned i = 0; i < a->n; i++) {
		struct smtpd_question *q = &a->questions[i];

		if (!q->query)
			continue;
		dns_cancel(q->query);
		closed(q);
		q->answered(q, &no_answer);
	}
	finish(a);
}

void smtpd_ask_start(struct smtpd_session *x)
{
	struct smtpd *m = x->service->smtpd;
	struct smtpd_ask *a;

	if (x->asked || !m->dns || x->smtp->auth_user ||
			!x->service->checks ||
			(CFG_TLS_CLIENT_CERTS && smtpd_cert_relays(x->smtp)) ||
			!smtpd_is_stranger(m, conn_peer_addr(x->smtp->conn)))
		return;
	x->asked = true;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->x = x;
	x->ask = a;
	a->deadline.fire = on_deadline;
	loop_timer_set(m->daemon.loop, &a->deadline,
			m->daemon.conf->dnsbl_timeout * INT64_C(1000));
	if (CFG_SMTPD_CHECKS)
		smtpd_check_ask(a);
	if (CFG_SMTPD_DNSBL)
		smtpd_dnsbl_ask(a);
	if (!a->open && (!CFG_SMTPD_DNSBL || !smtpd_dnsbl_more(a)))
		finish(a);
}

void smtpd_ask_end(struct smtpd_session *x)
{
	if (x->ask)
		stop(x->ask);
	free(x->refusal);
}

void smtpd_ask_refuse(struct smtpd_ask *a, bool note_only, int code,
		const char *enhanced, const char *format, ...)
{
	struct smtpd_session *x = a->x;
	char text[TEXT_SIZE];
	va_list ap;

	if (x->refusal)
		return;
	va_start(ap, format);
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	/* what a DNS server says comes in here */
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	log_info("%s: from=<%s> %s: %s", conn_peer(x->smtp->conn),
			x->smtp->sender ? x->smtp->sender : "",
			note_only ? "noted" : "refused", text);
	if (note_only)
		return;
	x->refusal = strdup(text);
	x->refusal_code = code;
	x->refusal_enhanced = enhanced;
}

bool smtpd_ask_stops(struct smtpd_session *x, struct smtp_rcpt *r)
{
	struct smtp_session *s = x->smtp;

	if (s->auth_user || smtpd_is_postmaster(s, r->address))
		return false;
	if (x->ask) {
		x->held = r;
		return true;
	}
	if (!x->refusal)
		return false;
	smtp_server_refuse(s, x->refusal_code, x->refusal_enhanced,
			x->refusal);
	return true;
}

int smtpd_ask_open(struct smtpd *m, struct err *err)
{
	const struct conf *c = m->daemon.conf;

	if (!c->dnsbl && !c->check_hello && !c->check_reverse)
		return 0;
	m->dns = dns_new(m->daemon.loop, c);
	if (!m->dns || (CFG_SMTPD_DNSBL && smtpd_dnsbl_start(m) < 0))
		return err_nomem(err);
	return 0;
}

void smtpd_ask_close(struct smtpd *m)
{
	dns_free(m->dns);
	if (CFG_SMTPD_DNSBL)
		smtpd_dnsbl_stop(m);
}
