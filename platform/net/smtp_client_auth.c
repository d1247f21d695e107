/* smtp_client_auth - AUTH (RFC 4954) with the messages of sasl_client */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "net/sasl_client.h"
#include "net/smtp_client_private.h"

#define LINE_MOST 512		/* RFC 5321 4.5.3.1.4, CRLF included */

static void fail(struct smtp_client *c, const struct err *err)
{
	smtp_client_fail(c, err->kind, err->text);
}

/* All copies of what goes out are wiped, conn wipes its own. */
static void say(struct smtp_client *c, struct span challenge)
{
	struct str code;
	struct err err;
	int rc = sasl_client_step(&c->sasl, challenge, &code, &err);

	c->auth_busy = rc > 0;
	if (rc > 0) {
		loop_task_next(c->loop, &c->task);
	} else if (rc < 0) {
		fail(c, &err);
	} else {
		conn_write(c->conn, str_c(&code), code.n);
		conn_puts(c->conn, "\r\n");
	}
	str_wipe(&code);
}

void smtp_client_auth_more(struct smtp_client *c)
{
	say(c, SPAN(""));
}

/*
 * RFC 4954 4: with the command goes what fits into its line, else the server
 * asks first.
 */
static void begin(struct smtp_client *c)
{
	const char *name = sasl_client_mechanism(&c->sasl);
	struct str code;
	struct err err;

	smtp_client_step(c, SMTP_STEP_AUTH);
	conn_printf(c->conn, "AUTH %s", name);
	if (sasl_client_waits(&c->sasl)) {
		conn_puts(c->conn, "\r\n");
		return;
	}
	if (sasl_client_step(&c->sasl, SPAN(""), &code, &err) < 0) {
		fail(c, &err);
	} else if (strlen(name) + code.n > LINE_MOST - 8) {
		conn_puts(c->conn, "\r\n");
		sasl_client_wipe(&c->sasl);
		sasl_client_start(&c->sasl, &c->login, c->mechanisms, &err);
	} else {
		conn_puts(c->conn, " ");
		conn_write(c->conn, str_c(&code), code.n);
		conn_puts(c->conn, "\r\n");
	}
	str_wipe(&code);
}

/* RFC 9266 3: of TLS 1.3 its exporter, of 1.2 the certificate (RFC 5929). */
static void bind_to(struct smtp_client *c)
{
	static const char *const kinds[] = { "tls-exporter",
		"tls-server-end-point" };
	struct sasl_login *login = &c->login;

	for (int i = 0; i < 2 && !login->nbound; i++) {
		login->binding = kinds[i];
		login->nbound = conn_binding(c->conn, kinds[i], login->bound);
	}
}

/* RFC 4954 4: AUTH comes last, and never in plain unless so configured. */
void smtp_client_authenticate(struct smtp_client *c)
{
	const struct smtp_target *t = &c->target;
	struct err err;

	sasl_client_wipe(&c->sasl);
	c->auth_busy = false;
	if (!t->user) {
		smtp_client_ready(c);
		return;
	}
	c->login = (struct sasl_login){ .user = t->user,
		.password = t->password, .bearer = t->bearer,
		.mechanism = t->mechanism, .host = t->name,
		.port = smtp_client_port(c) };
	if (CFG_SASL_PLUS_CLIENT)
		bind_to(c);
	if (!conn_is_tls(c->conn) && t->tls != CONF_TLS_NONE)
		smtp_client_fail(c, ERR_AUTH,
				"no TLS, so the password was not sent");
	else if (sasl_client_start(&c->sasl, &c->login, c->mechanisms, &err))
		fail(c, &err);
	else
		begin(c);
}

/*
 * Servers offer SCRAM to users of whom they have no keys for it, so a refusal
 * may mean that. Where TLS protects it the password is then sent after all; but
 * after -PLUS only to a host that was verified: it may be because of who sits
 * between.
 */
static bool other_mechanism(struct smtp_client *c, const struct smtp_result *r)
{
	const char *name = sasl_client_mechanism(&c->sasl);
	unsigned rest = c->mechanisms & ~sasl_client_bit(span_of(name));
	bool plus = CFG_SASL_PLUS_CLIENT && span_ends(span_of(name), "-PLUS");
	struct sasl_client other;
	struct err err;

	if (plus)
		rest &= ~sasl_client_bit(SPAN("SCRAM-SHA-256"));
	if (!CFG_SASL_SCRAM_CLIENT || r->kind != ERR_PERM ||
			!span_starts(span_of(name), "SCRAM") ||
			!conn_is_tls(c->conn) || (plus && !c->target.verify) ||
			sasl_client_start(&other, &c->login, rest, &err) < 0)
		return false;
	c->mechanisms = rest;
	smtp_client_authenticate(c);
	return true;
}

/* The reason that came with a refused token, behind the reply's own text. */
static void refused(struct smtp_client *c, const struct smtp_result *r)
{
	struct smtp_result no = *r;
	size_t n = strlen(no.text);

	if (*c->sasl.why)
		snprintf(no.text + n, sizeof(no.text) - n, " (%s)",
				c->sasl.why);
	if (no.kind == ERR_PERM)
		no.kind = ERR_AUTH;
	smtp_client_over(c, &no);
}

void smtp_client_auth(struct smtp_client *c, const struct smtp_result *r)
{
	if (r->kind != ERR_NONE) {
		if (!other_mechanism(c, r))
			refused(c, r);
	} else if (r->code == 334 && !c->auth_busy) {
		smtp_client_step(c, SMTP_STEP_AUTH);
		say(c, c->challenge);
	} else if (r->code == 334 || !sasl_client_done(&c->sasl)) {
		smtp_client_fail(c, ERR_PROTO, "AUTH ended too early");
	} else {
		sasl_client_wipe(&c->sasl);
		smtp_client_ready(c);
	}
}
