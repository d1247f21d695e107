/* smtp_client_hello - from the connection to the first message: greeting,
 * EHLO, STARTTLS (RFC 3207) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "net/smtp_client_private.h"

void smtp_client_say_ehlo(struct smtp_client *c)
{
	c->offers = c->mechanisms = 0;
	c->size_limit = 0;
	conn_printf(c->conn, "%s %s\r\n", c->target.lmtp ? "LHLO" : "EHLO",
			c->target.hello);
	smtp_client_step(c, SMTP_STEP_EHLO);
}

void smtp_client_greeting(struct smtp_client *c, const struct smtp_result *r)
{
	c->greeted = true;
	if (r->kind != ERR_NONE)
		smtp_client_over(c, r);
	else if (r->code != 220)
		smtp_client_fail(c, ERR_PROTO, "the greeting is not 220");
	else
		smtp_client_say_ehlo(c);
}

/* -- what is offered -- */

static void offer_auth(struct smtp_client *c, struct span mechanisms)
{
	struct span word;

	while ((word = span_word(&mechanisms)).n)
		c->mechanisms |= sasl_client_bit(word);
}

/* RFC 1870 3: no number, or 0, is no fixed limit. */
static void offer_size(struct smtp_client *c, struct span value)
{
	unsigned long long limit;

	c->offers |= SMTP_SIZE;
	if (span_number64(span_trim(value), ~0ULL, &limit))
		c->size_limit = limit;
}

void smtp_client_offer(struct smtp_client *c, struct span line)
{
	static const struct {
		const char *name;
		unsigned offer;
		void (*take)(struct smtp_client *c, struct span value);
	} rows[] = {
		{ "STARTTLS", SMTP_STARTTLS, NULL },
		{ "8BITMIME", SMTP_8BITMIME, NULL },
		{ "PIPELINING", SMTP_PIPELINING, NULL },
		{ "XSPOOL", SMTP_XSPOOL, NULL },
		{ "DSN", SMTP_DSN, NULL },
		{ "SMTPUTF8", CFG_SMTPUTF8 ? SMTP_UTF8 : 0, NULL },
		{ "CHUNKING", SMTP_CHUNKING, NULL },
		{ "SIZE", 0, offer_size },
		{ "AUTH", 0, offer_auth }
	};
	struct span word = span_word(&line);

	/* "AUTH=LOGIN" is how some wrote it before RFC 2554 */
	if (span_starts(word, "AUTH=")) {
		offer_auth(c, span_rest(word, 5));
		word.n = 4;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_is(word, rows[i].name))
			continue;
		c->offers |= rows[i].offer;
		if (rows[i].take)
			rows[i].take(c, line);
	}
}

/* -- STARTTLS -- */

void smtp_client_handshake(struct smtp_client *c)
{
	struct smtp_result r;
	struct err err;

	if (!c->tls) {
		smtp_client_fail(c, ERR_TEMP, "TLS is wanted, and there is none");
		return;
	}
	smtp_client_step(c, SMTP_STEP_TLS);
	if (!conn_starttls(c->conn, c->tls, c->target.name, c->target.verify &&
				c->target.tls != CONF_TLS_MAY, &err))
		return;
	smtp_result_set(&r, ERR_TEMP, "4.7.5", err.text);
	r.tls_failed = true;
	smtp_client_over(c, &r);
}

/* True when the session goes on behind a STARTTLS, or has ended for lack of it. */
static bool wants_tls(struct smtp_client *c)
{
	bool can = c->offers & SMTP_STARTTLS && c->tls;

	if (conn_is_tls(c->conn) || c->target.tls == CONF_TLS_NONE)
		return false;
	if (c->target.tls == CONF_TLS_MAY && !can)
		return false;
	if (can) {
		conn_puts(c->conn, "STARTTLS\r\n");
		smtp_client_step(c, SMTP_STEP_STARTTLS);
	} else {
		smtp_client_fail(c, ERR_TEMP, c->tls ?
				"STARTTLS is required and not offered" :
				"TLS is wanted, and there is none");
	}
	return true;
}

void smtp_client_starttls(struct smtp_client *c, const struct smtp_result *r)
{
	struct smtp_result no = *r;

	if (r->kind == ERR_NONE && r->code == 220) {
		smtp_client_handshake(c);
	} else if (c->target.tls == CONF_TLS_MAY) {
		smtp_client_authenticate(c);
	} else {
		/* 5xx here says nothing of the mail */
		no.kind = ERR_TEMP;
		smtp_client_over(c, &no);
	}
}

/* -- EHLO -- */

void smtp_client_ehlo(struct smtp_client *c, const struct smtp_result *r)
{
	if (r->kind == ERR_PERM && !c->target.lmtp) {
		/* RFC 5321 3.2: a server of the old kind */
		conn_printf(c->conn, "HELO %s\r\n", c->target.hello);
		smtp_client_step(c, SMTP_STEP_HELO);
	} else if (r->kind != ERR_NONE) {
		smtp_client_over(c, r);
	} else if (r->code != 250) {
		smtp_client_fail(c, ERR_PROTO, "the reply to EHLO is not 250");
	} else if (!wants_tls(c)) {
		smtp_client_authenticate(c);
	}
}

void smtp_client_helo(struct smtp_client *c, const struct smtp_result *r)
{
	c->offers = c->mechanisms = 0;
	if (r->kind != ERR_NONE)
		smtp_client_over(c, r);
	else if (!wants_tls(c))
		smtp_client_authenticate(c);
}
