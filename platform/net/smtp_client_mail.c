/* smtp_client_mail - one message: MAIL, RCPT and DATA in one flight where the
 * other side offers it (RFC 2920), the text, the replies at the end */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config.h"
#include "mime/addr.h"
#include "mime/dsn.h"
#include "net/smtp_client_private.h"

#define ADDRESS_MOST 320	/* 64 "@" 255 (RFC 5321 4.5.3.1) */
#define DATA_MS 120000		/* RFC 5321 4.5.3.2.4 */

/* -- addresses -- */

/*
 * What never goes on the wire: control characters (a line end would be a
 * command of its own), 8-bit octets that are not UTF-8, and in the domain
 * whatever could end the path.
 */
static bool is_sendable(const char *address)
{
	struct span s = span_of(address), domain;
	size_t at = span_rfind(s, '@');

	if (!s.n || s.n > ADDRESS_MOST || !at)
		return false;
	if (!utf8_clean(s) || (!CFG_SMTPUTF8 && !utf8_ascii(s)))
		return false;
	domain = span_rest(s, at);
	for (size_t i = 0; i < domain.n; i++)
		if (strchr(" <>\"\\(),;", domain.p[i]))
			return false;
	return at + 1 != s.n;
}

/* RFC 6531 3.2: a domain can be sent in another form, a local part cannot. */
static bool is_ascii_path(const char *address)
{
	struct addr a = addr_split(span_of(address));
	struct str text;
	bool good;

	str_init(&text, 2 * ADDRESS_MOST + 2);
	addr_put_ascii(&text, &a);
	good = !text.bad && utf8_ascii(str_span(&text));
	str_free(&text);
	return good;
}

/* The local part is quoted where it must be. */
static void put_path(const struct smtp_client *c, struct str *out,
		const char *address)
{
	struct addr a = addr_split(span_of(address));

	str_init(out, 2 * ADDRESS_MOST + 2);
	(c->utf8 ? addr_put : addr_put_ascii)(out, &a);
}

/* -- commands: 0 is MAIL, then RCPT for each recipient, then DATA -- */

static unsigned data_at(const struct smtp_client *c)
{
	return c->nrcpt + 1;
}

static bool is_skipped(const struct smtp_client *c, unsigned n)
{
	return n && n <= c->nrcpt && c->fate[n - 1] == SMTP_SKIPPED;
}

static void skip(const struct smtp_client *c, unsigned *n)
{
	while (is_skipped(c, *n))
		++*n;
}

bool smtp_client_dsn(const struct smtp_client *c)
{
	return CFG_DSN && c->offers & SMTP_DSN;
}

/* RFC 6533 3: ORCPT's address may be UTF-8, if the other side knows of it. */
static void say_dsn(struct smtp_client *c, const char *params)
{
	struct str ascii;

	if (!params || !*params || !smtp_client_dsn(c))
		return;
	conn_puts(c->conn, " ");
	if (!CFG_SMTPUTF8 || c->utf8 || utf8_ascii(span_of(params))) {
		conn_puts(c->conn, params);
		return;
	}
	str_init(&ascii, 8 * (DSN_ENVID_MOST + DSN_ORCPT_MOST));
	dsn_put_utf8(&ascii, span_of(params), true);
	conn_puts(c->conn, str_c(&ascii));
	str_free(&ascii);
}

/* RFC 1870 6.1: an estimate will do, and LF lines grow. */
static unsigned long long size_of(const struct smtp_client *c)
{
	return c->m->size + (c->m->head ? strlen(c->m->head) : 0) +
		(c->narrow ? narrow_growth(c->narrow) : 0);
}

static void say_mail(struct smtp_client *c, const char *path)
{
	const struct smtp_message *m = c->m;

	conn_printf(c->conn, "MAIL FROM:<%s>", path);
	if (c->offers & SMTP_SIZE)
		conn_printf(c->conn, " SIZE=%llu", size_of(c));
	if (c->eight_bit && c->offers & SMTP_8BITMIME)
		conn_puts(c->conn, " BODY=8BITMIME");
	if (c->utf8)
		conn_puts(c->conn, " SMTPUTF8");
	if (m->spool_id && c->offers & SMTP_XSPOOL)
		conn_printf(c->conn, " XSPOOL=%s%s", m->spool_id,
				m->again ? ",again" : "");
	say_dsn(c, m->dsn);
	conn_puts(c->conn, "\r\n");
}

static void say_rcpt(struct smtp_client *c, const char *path, unsigned rcpt)
{
	conn_printf(c->conn, "RCPT TO:<%s>", path);
	if (c->m->rcpt_dsn)
		say_dsn(c, c->m->rcpt_dsn[rcpt]);
	conn_puts(c->conn, "\r\n");
}

static void say(struct smtp_client *c, unsigned n)
{
	struct str path;

	if (n == data_at(c)) {
		if (c->chunked)
			smtp_client_begin_body(c);
		else
			conn_puts(c->conn, "DATA\r\n");
		return;
	}
	put_path(c, &path, n ? c->m->rcpt[n - 1] : c->m->sender);
	if (path.bad)
		smtp_client_fail(c, ERR_NOMEM, "out of memory");
	else if (n)
		say_rcpt(c, str_c(&path), n - 1);
	else
		say_mail(c, str_c(&path));
	str_free(&path);
}

/* May the next command go out? One at a time where there is no pipelining. */
static bool may_say(const struct smtp_client *c)
{
	bool flight = c->offers & SMTP_PIPELINING;

	if (c->sent > data_at(c) || (c->got && !c->mail_ok))
		return false;
	if (c->sent == data_at(c) && c->got == c->sent && !c->accepted)
		return false;
	/*
	 * Who has no recipients and takes a chunk for commands (RFC 3030 2
	 * forbids it) would do what a message says: so not before one is taken.
	 */
	if (c->sent == data_at(c) && c->chunked && !c->flight)
		return c->got == c->sent;
	return flight ? conn_out_ready(c->conn) : c->sent == c->got;
}

void smtp_client_more(struct smtp_client *c)
{
	while (!c->dead && may_say(c)) {
		say(c, c->sent++);
		skip(c, &c->sent);
	}
}

/* The other side still holds a MAIL that came to nothing. */
void smtp_client_reset(struct smtp_client *c)
{
	if (!c->mail_ok) {
		smtp_client_ready(c);
		return;
	}
	conn_puts(c->conn, "RSET\r\n");
	smtp_client_step(c, SMTP_STEP_RSET);
}

static void lone_dot(struct smtp_client *c)
{
	/* RFC 2920 3.1: nobody is left, but DATA was taken */
	conn_puts(c->conn, ".\r\n");
	smtp_client_step(c, SMTP_STEP_DOT);
}

static void took_data(struct smtp_client *c, const struct smtp_result *r)
{
	if (c->flight && r->kind == ERR_NONE) {
		smtp_client_fail(c, ERR_PROTO, "BDAT taken for nobody");
	} else if (r->kind != ERR_NONE) {
		smtp_client_tell_all(c, r);
		if (!c->dead)
			smtp_client_reset(c);
	} else if (r->code != 354) {
		smtp_client_fail(c, ERR_PROTO, "the reply to DATA is not 354");
	} else if (c->accepted) {
		smtp_client_begin_body(c);
	} else if (c->target.lmtp) {
		/* RFC 2033 4.2 forbids it, and no reply would follow the dot */
		smtp_client_fail(c, ERR_PROTO, "DATA taken for nobody");
	} else {
		lone_dot(c);
	}
}

static void took_mail(struct smtp_client *c, const struct smtp_result *r)
{
	c->mail_ok = r->kind == ERR_NONE;
	if (!c->mail_ok)
		smtp_client_tell_all(c, r);
}

static void took_rcpt(struct smtp_client *c, unsigned rcpt,
		const struct smtp_result *r)
{
	if (r->kind != ERR_NONE) {
		smtp_client_tell(c, rcpt, r);
	} else if (c->fate[rcpt] == SMTP_OPEN) {
		c->fate[rcpt] = SMTP_ACCEPTED;
		c->accepted++;
	}
}

void smtp_client_command(struct smtp_client *c, const struct smtp_result *r)
{
	unsigned n = c->got;

	if (n >= c->sent || (n < data_at(c) && r->code >= 300 &&
				r->code < 400)) {
		smtp_client_fail(c, ERR_PROTO, "replies do not fit commands");
		return;
	}
	smtp_client_step(c, SMTP_STEP_COMMANDS);
	if (n == data_at(c)) {
		took_data(c, r);
		return;
	}
	c->got++;
	skip(c, &c->got);
	if (n)
		took_rcpt(c, n - 1, r);
	else
		took_mail(c, r);
	if (c->dead)
		return;
	smtp_client_more(c);
	if (c->dead)
		return;
	if (c->got == c->sent)
		smtp_client_reset(c);
	else if (c->got < data_at(c) || c->step != SMTP_STEP_COMMANDS)
		return;
	else if (!c->flight)
		loop_timer_set(c->loop, &c->timer, DATA_MS);
	else if (c->accepted)
		smtp_client_step(c, SMTP_STEP_DOT);
}

/* -- the beginning -- */

/* Said where the other side does not speak of what the message needs. */
static const char no_utf8[] = "this address needs SMTPUTF8, which is not "
	"offered";

static bool must_be_ascii(const struct smtp_client *c)
{
	return CFG_SMTPUTF8 && !(c->offers & SMTP_UTF8);
}

/* Without need SMTPUTF8 is not said: who gets it could not pass it on. */
static bool needs_utf8(const struct smtp_message *m)
{
	bool need = m->utf8_header || !utf8_ascii(span_of(m->sender));

	for (unsigned i = 0; i < m->nrcpt && !need; i++)
		need = !utf8_ascii(span_of(m->rcpt[i]));
	return need;
}

static bool is_unfit(const struct smtp_client *c, unsigned rcpt,
		struct smtp_result *why)
{
	const char *address = c->m->rcpt[rcpt];

	if (!is_sendable(address))
		smtp_result_set(why, ERR_PERM, "5.1.3",
				"this address cannot be sent");
	else if (must_be_ascii(c) && !is_ascii_path(address))
		smtp_result_set(why, ERR_PERM, "5.6.7", no_utf8);
	else if (must_be_ascii(c) && c->m->utf8_header)
		smtp_result_set(why, ERR_PERM, "5.6.9", "the header is in "
				"UTF-8, and SMTPUTF8 is not offered");
	else
		return false;
	return true;
}

static void refuse_addresses(struct smtp_client *c)
{
	struct smtp_result why;

	for (unsigned i = 0; !c->dead && i < c->nrcpt; i++) {
		if (!is_unfit(c, i, &why))
			continue;
		smtp_client_tell(c, i, &why);
		if (!c->dead)
			c->fate[i] = SMTP_SKIPPED;
	}
}

/* Reasons for which nothing is sent at all. */
static bool refused(struct smtp_client *c)
{
	const struct smtp_message *m = c->m;
	struct smtp_result r;
	char text[80];

	if (*m->sender && !is_sendable(m->sender)) {
		smtp_result_set(&r, ERR_PERM, "5.1.7",
				"this sender's address cannot be sent");
	} else if (must_be_ascii(c) && !is_ascii_path(m->sender)) {
		smtp_result_set(&r, ERR_PERM, "5.6.7", no_utf8);
	} else if (c->size_limit && m->size > c->size_limit) {
		/* RFC 1870 6.2: as the other side would say it */
		snprintf(text, sizeof(text), "%llu octets are over its limit "
				"of %llu", (unsigned long long)m->size,
				(unsigned long long)c->size_limit);
		smtp_result_set(&r, ERR_PERM, "5.3.4", text);
		r.code = 552;
	} else {
		return false;
	}
	smtp_client_tell_all(c, &r);
	return true;
}

static bool is_wanted(const struct smtp_client *c)
{
	for (unsigned i = 0; i < c->nrcpt; i++)
		if (c->fate[i] == SMTP_OPEN)
			return true;
	return false;
}

void smtp_client_begin(struct smtp_client *c)
{
	c->fate = calloc(c->nrcpt + (size_t)1, 1);
	if (!c->fate) {
		smtp_client_fail(c, ERR_NOMEM, "out of memory");
		return;
	}
	c->sent = c->got = c->accepted = c->lmtp_at = 0;
	c->mail_ok = c->dot_sent = false;
	c->eight_bit = c->m->eight_bit;
	c->utf8 = CFG_SMTPUTF8 && c->offers & SMTP_UTF8 && needs_utf8(c->m);
	c->body_at = 0;
	if (!refused(c))
		refuse_addresses(c);
	if (c->dead)
		return;
	if (!is_wanted(c)) {
		smtp_client_ready(c);
	} else if (CFG_SMTP_NARROW && smtp_client_must_look(c)) {
		smtp_client_step(c, SMTP_STEP_LOOK);
		smtp_client_look(c);
	} else {
		smtp_client_say_all(c);
	}
}

void smtp_client_say_all(struct smtp_client *c)
{
	smtp_client_choose(c);
	smtp_client_step(c, SMTP_STEP_COMMANDS);
	smtp_client_more(c);
}
