#include "smtp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idna.h"
#include "config.h"
#include "net/dial.h"
#include "net/proof.h"
#include "net/secret.h"
#include "net/tls.h"

#define SMTP_PORT 25
#define RCPT_MOST 100		/* at once (RFC 5321 4.5.3.1.8) */
#define NAME_SIZE 256

/*
 * One place after another: its recipients are those without a result that go
 * to the same domain (or all, to a relay).
 */
struct sender {
	struct smtp_job *job;
	struct loop *loop;
	struct dns *dns;
	struct tls_ctx *tls;
	struct secret *secret;		/* of the smarthost, or NULL */
	struct smtp_client *client;

	struct span domain;		/* where we are now; relay: empty */
	unsigned *index;		/* its recipients, not sent yet from `at` on */
	const char **rcpt;
	unsigned n, at, sent;		/* sent: of the message under way */
	bool *done;			/* of each recipient of the job */
	struct smtp_message message;

	struct mx_target targets[MX_TARGETS];
	unsigned ntargets, target;	/* the one at hand */
	uint32_t tried;			/* of these, a bit each */
	struct dial *dial;
	const struct conf_tls_policy *policy;	/* of the domain, or NULL */
	char hop[IDNA_SIZE];		/* the domain as DNS has it */
	struct sts_env sts_env;
	char sts_path[1024];
	struct sts_cache *sts;		/* NULL: no MTA-STS */
	struct proofs *proofs;		/* what DNS says of the targets; or NULL */
	struct proof proof;		/* of this connection */
	bool wish;			/* TLS is only a wish here, */
	bool plain;			/* and broke */
	bool up;
	struct smtp_result why;		/* the best reason so far why not */
};

/* -- results -- */

static void keep(struct sender *s, unsigned rcpt, const struct smtp_result *r,
		const char *host)
{
	s->done[rcpt] = true;
	s->job->results[rcpt] = *r;
	str_copys(s->job->hosts[rcpt], sizeof(s->job->hosts[rcpt]),
			host);
}

static const char *host_of(const struct sender *s)
{
	return s->target < s->ntargets ? s->targets[s->target].name : "";
}

/* All that have not been sent yet. */
static void keep_rest(struct sender *s, const struct smtp_result *r)
{
	for (; s->at < s->n; s->at++)
		keep(s, s->index[s->at], r, host_of(s));
}

static void finish(struct sender *s, const struct smtp_result *r)
{
	keep_rest(s, r);
	loop_stop(s->loop, 0);
}

/* No connection and no reply: for want of memory, or of a domain. */
static void cannot(struct sender *s, enum err_kind kind, const char *enhanced,
		const char *text)
{
	s->why = (struct smtp_result){ .kind = kind,
		.code = kind == ERR_PERM ? 553 : 0 };
	str_copys(s->why.enhanced, sizeof(s->why.enhanced), enhanced);
	str_copys(s->why.text, sizeof(s->why.text), text);
	keep_rest(s, &s->why);
}

static void no_memory(struct sender *s)
{
	cannot(s, ERR_NOMEM, "", "out of memory");
	loop_stop(s->loop, 0);
}

/* -- one connection -- */

static const struct smtp_client_events events;
static void dial(struct sender *s, bool again);

static void say(const struct sender *s, const char *what, const char *detail)
{
	if (s->job->verbose)
		fprintf(stderr, "smtp: %s: %s%s\n", host_of(s), what, detail);
}

/* False: this host must not be trusted with the mail; why tells. */
static bool is_sure(struct sender *s, const struct mx_target *to,
		struct smtp_target *t, struct smtp_result *why)
{
	struct err err;

	proof_drop(&s->proof);
	if (!proof_choose(s->proofs, s->policy, true, to, t, &s->proof, why))
		return false;
	if (!t->verify || t->expect || !s->tls ||
			tls_add_bundle(s->tls, s->job->conf->tls_ca, &err) == 0)
		return true;
	*why = (struct smtp_result){ .kind = ERR_TEMP, .enhanced = "4.7.5" };
	str_copys(why->text, sizeof(why->text), err.text);
	return false;
}

/* False: there is no memory; all was told. */
static bool talk(struct sender *s, struct conn *conn)
{
	const struct smtp_relay *relay = &s->job->relay;
	const struct mx_target *to = &s->targets[s->target];
	struct smtp_target t = {
		.addr = to->addr, .addr_len = to->addr_len, .conn = conn,
		.name = relay->host ? relay->host : to->name,
		.tls = relay->host ? relay->tls : CONF_TLS_MAY,
		.verify = relay->host && relay->verify,
		.hello = s->job->hello,
		.connect_timeout = s->job->conf->connect_timeout
	};

	if (relay->host) {
		t.user = relay->user;
		t.password = s->secret ? secret_text(s->secret) :
			relay->password;
		t.expect = relay->expect;
	} else if (CFG_TLS_POLICY && !is_sure(s, to, &t, &s->why)) {
		finish(s, &s->why);
		return false;
	}
	/* the password is never risked: with one, TLS is no mere wish */
	s->wish = t.tls == CONF_TLS_MAY && !t.user;
	if (s->secret)
		t.bearer = secret_is_token(relay->smarthost);
	if (relay->smarthost)
		t.mechanism = relay->smarthost->mechanism;
	if (s->plain)
		t.tls = CONF_TLS_NONE;
	s->client = smtp_client_new(s->loop, &t, s->tls, &events, s);
	if (!s->client)
		no_memory(s);
	return s->client;
}

static void on_ready(void *arg)
{
	struct sender *s = arg;
	unsigned n = s->n - s->at;

	if (!s->up && s->job->verbose)
		say(s, smtp_client_peer(s->client), smtp_client_tls(s->client));
	s->up = true;
	if (!n) {
		smtp_client_quit(s->client);
		return;
	}
	s->sent = n < RCPT_MOST ? n : RCPT_MOST;
	s->message.rcpt = s->rcpt + s->at;
	s->message.nrcpt = s->sent;
	s->at += s->sent;
	smtp_client_send(s->client, &s->message);
}

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct sender *s = arg;

	keep(s, s->index[s->at - s->sent + rcpt], r, host_of(s));
}

/*
 * What a server has said tells more than what broke on the way to it, and that
 * more than that another address is away, which it often is for want of IPv6.
 */
static int worth(const struct smtp_result *r)
{
	return r->kind == ERR_NONE ? 0 : r->code ? 3 : r->tls_failed ? 2 : 1;
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct sender *s = arg;

	s->client = NULL;
	if (r->kind != ERR_NONE)
		say(s, r->text, "");
	if (s->up) {
		finish(s, r);
		return;
	}
	if (worth(r) > worth(&s->why))
		s->why = *r;
	s->plain = r->tls_failed && s->wish && !s->plain;
	if (r->kind == ERR_AUTH)
		finish(s, &s->why);
	else
		dial(s, s->plain);
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone, NULL
};

static void unreachable(struct sender *s, const char *text)
{
	struct smtp_result r = { .kind = ERR_TEMP, .enhanced = "4.4.1",
		.about = SMTP_ABOUT_CONNECT };

	if (!s->job->relay.host || s->job->relay.port == SMTP_PORT)
		r.about |= SMTP_ABOUT_PORT25;
	str_copys(r.text, sizeof(r.text), text);
	say(s, r.text, "");
	if (worth(&r) > worth(&s->why))
		s->why = r;
}

static void dialled(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why)
{
	struct sender *s = arg;
	unsigned target = t ? (unsigned)(t - s->targets) : 0;

	if (t) {
		s->tried |= (uint32_t)1 << target;
		s->plain &= target == s->target;
		s->target = target;
	}
	if (!t || conn)
		s->dial = NULL;
	if (!t)
		finish(s, &s->why);
	else if (!conn)
		unreachable(s, why->text);
	else if (!talk(s, conn))
		conn_abort(conn);
}

/*
 * What is left of the addresses, both families side by side; or once more the
 * one at hand.
 */
static void dial(struct sender *s, bool again)
{
	uint32_t skip = again ? ~((uint32_t)1 << s->target) : s->tried;

	if (!again && s->tried == ((uint64_t)1 << s->ntargets) - 1) {
		finish(s, &s->why);
		return;
	}
	s->dial = dial_start(s->loop, s->targets, s->ntargets, skip,
			s->job->conf->connect_timeout, dialled, s);
	if (!s->dial)
		no_memory(s);
}

/* -- one place -- */

/* Hosts that must not have the mail are not even tried, others may be. */
static void skip_unsure(struct sender *s)
{
	for (unsigned i = 0; i < s->ntargets; i++) {
		const struct mx_target *to = &s->targets[i];
		struct smtp_target t = { .name = to->name };
		struct smtp_result why;

		if (is_sure(s, to, &t, &why))
			continue;
		s->tried |= (uint32_t)1 << i;
		if (s->job->verbose)
			fprintf(stderr, "smtp: %s\n", why.text);
		if (worth(&why) > worth(&s->why))
			s->why = why;
	}
}

static void on_proofs(void *arg)
{
	struct sender *s = arg;

	skip_unsure(s);
	dial(s, false);
}

/* What DNS and the domain say of its hosts; true: it comes later. */
static bool ask_proofs(struct sender *s)
{
	const struct conf *conf = s->job->conf;
	struct proof_ask ask = {
		.targets = s->targets, .n = s->ntargets, .port = SMTP_PORT,
		.hop = s->hop, .dns = s->dns,
		.dane = CFG_DANE && conf->dns_trust && (!s->policy ||
				s->policy->mode == CONF_POLICY_DANE),
		.sts = s->policy ? NULL : s->sts, .done = on_proofs, .arg = s
	};

	if (s->domain.p[0] == '[' || (!ask.dane && !ask.sts))
		return false;
	s->proofs = proofs_start(&ask);
	if (!s->proofs)
		no_memory(s);
	return !s->proofs || proofs_pending(s->proofs);
}

static void on_targets(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct sender *s = arg;

	s->ntargets = n;
	s->target = 0;
	s->tried = 0;
	if (n)
		memcpy(s->targets, targets, n * sizeof(*targets));
	if (!n)
		finish(s, why);
	else if (!(CFG_DANE || CFG_MTA_STS) || s->job->relay.host)
		dial(s, false);
	else if (!ask_proofs(s))
		on_proofs(s);
}

static struct span domain_of(const char *address)
{
	return span_behind(span_of(address), '@');
}

/* The recipients that have no result and go where the first of them goes. */
static void gather(struct sender *s, unsigned first)
{
	const struct smtp_message *m = &s->job->message;
	bool relay = s->job->relay.host;

	s->domain = domain_of(m->rcpt[first]);
	s->n = s->at = 0;
	s->up = s->plain = false;
	s->why = (struct smtp_result){ .kind = ERR_NONE };
	for (unsigned i = first; i < m->nrcpt; i++) {
		if (s->done[i] || (!relay && !span_caseeq(s->domain,
						domain_of(m->rcpt[i]))))
			continue;
		s->rcpt[s->n] = m->rcpt[i];
		s->index[s->n++] = i;
	}
}

/* Which line of tls-policy; of the place before nothing is left. */
static void find_policy(struct sender *s)
{
	proofs_free(s->proofs);
	s->proofs = NULL;
	if (!idna_ascii(s->hop, s->domain))
		str_copy(s->hop, sizeof(s->hop), s->domain);
	s->policy = conf_tls_policy(s->job->conf, span_of(s->hop));
}

static void visit(struct sender *s)
{
	const struct smtp_relay *relay = &s->job->relay;
	char name[NAME_SIZE] = "";
	struct mx_question q = {
		.name = relay->host ? relay->host : name,
		.port = relay->host ? relay->port : SMTP_PORT,
		.exchangers = !relay->host, .self = s->job->conf->hostname,
		.loopback = s->job->conf->mx_loopback
	};

	s->ntargets = s->target = 0;
	if (!relay->host && (!s->domain.n ||
				str_copy(name, sizeof(name), s->domain))) {
		cannot(s, ERR_PERM, "5.1.3", "no domain");
		return;
	}
	if (CFG_TLS_POLICY && !relay->host)
		find_policy(s);
	if (mx_find(s->loop, s->dns, &q, on_targets, s))
		loop_run(s->loop);
	else
		cannot(s, ERR_NOMEM, "", "out of memory");
}

static int get_secret(struct sender *s, const struct conf_smarthost *h,
		struct err *err)
{
	struct secret_env env = { s->loop, s->dns, s->tls };

	return secret_fetch(&s->secret, &env, h, err);
}

static void sts_failed(void *arg, const char *domain, enum sts_failure what,
		const char *why)
{
	const struct sender *s = arg;

	(void)what;
	if (s->job->verbose)
		fprintf(stderr, "smtp: MTA-STS policy of %s: %s\n", domain,
				why);
}

/* What queue has kept is believed where we may read it, and left alone. */
static void open_sts(struct sender *s)
{
	const struct conf *conf = s->job->conf;

	snprintf(s->sts_path, sizeof(s->sts_path), STS_FILE, conf->state_dir);
	s->sts_env = (struct sts_env){ .loop = s->loop, .dns = s->dns,
		.tls = s->tls, .ca = conf->tls_ca, .path = s->sts_path,
		.failed = sts_failed, .arg = s };
	s->sts = sts_open(&s->sts_env);
}

static int prepare(struct sender *s, struct err *err)
{
	const struct smtp_job *job = s->job;
	const struct smtp_relay *relay = &job->relay;
	const struct conf_smarthost *h = relay->smarthost;
	bool secure = relay->host && ((relay->verify && !relay->expect &&
		relay->tls != CONF_TLS_MAY) || (h && h->token_file));

	s->message = job->message;
	s->done = calloc(job->message.nrcpt, sizeof(*s->done));
	s->index = calloc(job->message.nrcpt, sizeof(*s->index));
	s->rcpt = calloc(job->message.nrcpt, sizeof(*s->rcpt));
	s->loop = loop_new(err);
	s->dns = s->loop ? dns_new(s->loop, job->conf) : NULL;
	if (!s->done || !s->index || !s->rcpt || !s->dns)
		return err_nomem(err);
	if (tls_built() && !(relay->host && relay->tls == CONF_TLS_NONE)) {
		s->tls = tls_client(secure ? job->conf->tls_ca : NULL, err);
		if (!s->tls)
			return -1;
	}
	if (CFG_DANE && job->conf->dns_trust)
		dns_want_proof(s->dns);
	if (CFG_MTA_STS && job->conf->mta_sts && !relay->host && s->tls)
		open_sts(s);
	return h && !h->password_file ? get_secret(s, h, err) : 0;
}

static void clean_up(struct sender *s)
{
	secret_free(s->secret);
	if (CFG_TLS_POLICY) {
		proofs_free(s->proofs);
		proof_drop(&s->proof);
	}
	if (CFG_MTA_STS)
		sts_close(s->sts);
	dns_free(s->dns);
	loop_free(s->loop);
	tls_ctx_free(s->tls);
	free(s->done);
	free(s->index);
	free(s->rcpt);
	free(s);
}

int smtp_send_all(struct smtp_job *job, struct err *err)
{
	struct sender *s = calloc(1, sizeof(*s));
	int rc = -1;

	if (!s)
		return err_nomem(err);
	s->job = job;
	rc = prepare(s, err);
	for (unsigned i = 0; !rc && i < job->message.nrcpt; i++) {
		if (s->done[i])
			continue;
		gather(s, i);
		visit(s);
	}
	clean_up(s);
	return rc;
}
