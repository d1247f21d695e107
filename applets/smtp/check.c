/* smtp --check: which ports, in which order, and what it all means */
#include "check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config.h"
#include "os/clock.h"
#include "os/text.h"

#define SECRET_FILE "/etc/pillarbox.secret"

bool check_offer(const struct check_offers *o, const char *name,
		struct span *value)
{
	for (unsigned i = 0; i < o->n; i++) {
		struct span line = span_of(o->line[i]);
		struct span word = span_word(&line);

		/* "AUTH=LOGIN" is how some wrote it before RFC 2554 */
		if (!span_is(word, name))
			continue;
		*value = span_trim(line);
		return true;
	}
	return false;
}

const struct check_offers *check_best(const struct check_port *p)
{
	return p->secure.n || p->tls_text[0] ? &p->secure : &p->plain;
}

bool check_good(const struct check_port *p)
{
	return p->stage == CHECK_DONE && (!p->login_tried || p->login);
}

static bool is_verified(const struct check_port *p)
{
	return p->has_cert && !p->cert.fault;
}

const struct check_port *check_choice(const struct check *c)
{
	const struct check_port *best = NULL;

	for (unsigned i = 0; i < c->nports; i++) {
		const struct check_port *p = &c->port[i];

		if (check_good(p) && (!best || (is_verified(p) &&
						!is_verified(best))))
			best = p;
	}
	return best;
}

/* -- causes -- */

static bool says(const struct smtp_result *r, const char *part)
{
	return strstr(r->text, part);
}

static const char *cause_of_connect(const struct check_port *p)
{
	bool silent = says(&p->why, "no answer") || says(&p->why, "imed out");

	if (silent && p->port == 25)
		return N_("providers often block port 25 for their customers: "
			"use 465 or 587");
	if (silent)
		return N_("a firewall on the way drops it, or the host is off");
	if (says(&p->why, "efused"))
		return N_("the host is there, and nothing listens on this port");
	if (says(&p->why, "nreachable"))
		return N_("there is no way to it: is the link up, has it a "
			"default route?");
	return NULL;
}

static const char *cause_of_tls(const struct check_port *p)
{
	if (p->tls == CONF_TLS_TLS && says(&p->why, "does not speak TLS"))
		return N_("this port begins in plain: try starttls in "
			"place of tls");
	if (says(&p->why, "no version") || says(&p->why, "no cipher"))
		return N_("the server is too old: it has no TLS 1.2 as we "
			"take it");
	return NULL;
}

static const char *cause_of_login(const struct check_port *p)
{
	if (p->has_cert && p->cert.fault)
		return N_("the password is not sent to a server that cannot "
			"show who it is");
	if (p->why.kind != ERR_AUTH)
		return NULL;
	return p->why.code ? N_("user or password is wrong; some providers "
		"want an app password here, or OAuth") : NULL;
}

const char *check_cause(const struct check *c, const struct check_port *p)
{
	const struct smtp_result *why = p ? &p->why : &c->why;

	if (why->kind == ERR_NONE)
		return NULL;
	if (!p)
		return why->kind == ERR_PERM ? N_("is the name right? A "
			"domain's servers have names of their own") :
			N_("is the link up, are the name servers right "
			"(/etc/resolv.conf)?");
	if (why->kind == ERR_PROTO && p->stage != CHECK_TLS)
		return N_("something else listens there, or a firewall "
			"answers in its place");
	switch (p->stage) {
	case CHECK_CONNECT:
		return cause_of_connect(p);
	case CHECK_STARTTLS:
		return p->starttls ? NULL : N_("it has no TLS: none in place "
			"of starttls, if others may read it");
	case CHECK_GREETING:
		return why->code ? N_("it refuses this address: is it on a "
			"block list, or dynamic?") : N_("this port may want "
			"TLS from the start: try tls in place of starttls");
	case CHECK_TLS:
		return cause_of_tls(p);
	case CHECK_LOGIN:
		return cause_of_login(p);
	default:
		return NULL;
	}
}

/* -- what to write -- */

static enum conf_tls mode_of(const struct check_port *p)
{
	if (p->tls == CONF_TLS_TLS)
		return CONF_TLS_TLS;
	return p->tls_text[0] ? CONF_TLS_STARTTLS : CONF_TLS_NONE;
}

void check_line(const struct check *c, struct str *out)
{
	const struct check_port *p = check_choice(c);
	const char *user = c->o->user ? c->o->user : "YOU";
	bool brackets = strchr(c->host, ':');
	struct span none;

	if (!p)
		return;
	str_addf(out, brackets ? "smarthost [%s]:%u %s" : "smarthost %s:%u %s",
			c->host, p->port, smtp_mode_word(mode_of(p)));
	if (check_offer(check_best(p), "AUTH", &none))
		str_addf(out, strchr(user, ' ') ? " \"user=%s\" password-file=%s"
				: " user=%s password-file=%s", user,
				c->o->password_file ? c->o->password_file :
				SECRET_FILE);
	if (!p->has_cert || !p->cert.fault)
		return;
	if (CFG_TLS_POLICY) {
		str_adds(out, " fingerprint=");
		for (int i = 0; i < 32; i++)
			str_addf(out, "%02x", p->cert.hash[i]);
	} else {
		str_adds(out, " noverify");
	}
}

/* -- the run -- */

static void on_targets(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct check *c = arg;

	c->ntargets = n;
	if (n)
		memcpy(c->targets, targets, n * sizeof(*targets));
	else
		c->why = *why;
	loop_stop(c->loop, 0);
}

static void name_addresses(struct check *c)
{
	for (unsigned i = 0; i < c->ntargets && i < CHECK_ADDRESSES; i++) {
		const struct sockaddr_storage *a = &c->targets[i].addr;
		const void *raw = a->ss_family == AF_INET6 ?
			(const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
			: &((const struct sockaddr_in *)a)->sin_addr;

		inet_ntop(a->ss_family, raw, c->address[i], CHECK_ADDRESS);
	}
}

static void find(struct check *c, struct dns *dns)
{
	struct mx_question q = { .name = c->host, .port = 25 };

	if (!mx_find(c->loop, dns, &q, on_targets, c))
		smtp_stop(EX_TEMPFAIL, "out of memory");
	loop_run(c->loop);
	name_addresses(c);
}

static void choose_ports(struct check *c, unsigned port, enum conf_tls tls)
{
	static const unsigned usual[CHECK_PORTS] = { 465, 587, 25 };

	c->nports = port ? 1 : CHECK_PORTS;
	for (unsigned i = 0; i < c->nports; i++) {
		struct check_port *p = &c->port[i];

		p->port = port ? port : usual[i];
		p->tls = c->o->tls ? tls : p->port == 465 ? CONF_TLS_TLS :
			CONF_TLS_STARTTLS;
	}
}

static void open_tls(struct check *c)
{
	struct err err;

	if (!tls_built())
		return;
	c->tls = tls_client(c->job->conf->tls_ca, &err);
	c->no_bundle = !c->tls;
	if (!c->tls)
		c->tls = tls_client(NULL, &err);
	if (!c->tls)
		smtp_stop(err_exit(err.kind), err.text);
}

/* 0 when one port at least is good. */
static int status_of(const struct check *c)
{
	const struct check_port *p = &c->port[0];

	if (check_choice(c))
		return EX_OK;
	if (!c->ntargets)
		return c->why.kind == ERR_PERM ? EX_NOHOST : EX_TEMPFAIL;
	for (unsigned i = 0; i < c->nports; i++)
		if (c->port[i].stage > p->stage)
			p = &c->port[i];
	return err_exit(p->why.kind);
}

static void run(struct check *c, struct dns *dns)
{
	for (unsigned i = 0; c->ntargets && i < c->nports; i++) {
		struct check_port *p = &c->port[i];
		struct span none;

		if (CFG_SMTP_CHECK_PROOF && CFG_DANE)
			check_dane(c, p, dns);
		check_probe(c, p);
		if (c->o->user && p->stage == CHECK_DONE &&
				check_offer(check_best(p), "AUTH", &none))
			check_login(c, p);
	}
}

static void take_words(struct check *c, const char *where,
		struct smtp_room *room)
{
	struct smtp_relay *relay = &c->job->relay;
	unsigned port = 0;

	if (c->o->tls && !smtp_mode(c->o->tls, &relay->tls, &port))
		smtp_stop(EX_USAGE, "--tls: none, may, starttls or tls");
	c->starttls = c->o->tls && relay->tls == CONF_TLS_STARTTLS;
	/* HOST alone is fine: there are the usual ports */
	relay->port = port ? port : 1;
	if (!smtp_split_host(span_of(where), room->host, &relay->port))
		smtp_stop(EX_USAGE, "not a HOST or HOST:PORT");
	if (relay->port == 1)
		relay->port = 0;
	relay->host = c->host = room->host;
	relay->verify = !c->o->no_verify;
	relay->user = c->o->user;
	if (relay->user) {
		smtp_get_password(c->o->password_file, relay->user,
				relay->host, room);
		relay->password = room->password;
	}
}

int smtp_check(struct smtp_job *job, const struct smtp_options *o,
		const char *where, struct smtp_room *room)
{
	struct check *c = calloc(1, sizeof(*c));
	struct dns *dns;
	struct err err;
	int status;

	if (!c)
		smtp_stop(EX_TEMPFAIL, "out of memory");
	c->job = job;
	c->o = o;
	take_words(c, where, room);
	choose_ports(c, job->relay.port, job->relay.tls);
	open_tls(c);
	c->loop = loop_new(&err);
	dns = c->loop ? dns_new(c->loop, job->conf) : NULL;
	if (!dns)
		smtp_stop(EX_TEMPFAIL, "out of memory");
	if (CFG_DANE && job->conf->dns_trust)
		dns_want_proof(dns);
	find(c, dns);
	if (CFG_SMTP_CHECK_PROOF)
		check_domain(c, dns);
	run(c, dns);
	(o->serverinfo ? check_json : check_print)(c);
	status = status_of(c);
	if (CFG_SMTP_CHECK_PROOF)
		check_forget(c);
	dns_free(dns);
	tls_ctx_free(c->tls);
	/* a conn that was closed may still be on its way out */
	loop_turn(c->loop, 0);
	loop_free(c->loop);
	free(c);
	return status;
}
