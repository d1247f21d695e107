#include "net/smtp_server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "net/smtp_server_private.h"
#include "os/log.h"

#define LINE_MOST 1536		/* 512 and what SIZE, BODY, AUTH, DSN, ... add */
#define HELLO_MOST 255		/* RFC 5321 4.5.3.1.2 */

/* One allocation for both halves. */
struct session {
	struct smtp_session pub;
	struct smtp_server_private priv;
};

/* -- life -- */

void smtp_enter(void *session)
{
	struct smtp_session *s = session;

	s->priv->depth++;
}

static void destroy(struct smtp_session *s)
{
	arena_free(s->arena);
	free(s->priv->hello);
	free(s->priv->auth_user);
	free(container_of(s, struct session, pub));
}

static void count_errors(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;
	unsigned errors = p->errors + p->refused;
	bool last = p->errors > s->conf->max_errors ||
		p->refused > s->conf->max_recipients;

	if (errors > p->told && s->policy->wrong &&
			s->policy->wrong(s, errors, last) && !p->asked)
		dialog_hold(&p->dialog);
	p->told = errors;
	if (last) {
		log_info("%s: too many errors", conn_peer(s->conn));
		smtp_say(s, SMTP_TOO_MANY_ERRORS);
		smtp_end(s);
	}
}

void smtp_server_go(struct smtp_session *s)
{
	smtp_enter(s);
	if (!s->priv->asked)
		dialog_go(&s->priv->dialog);
	smtp_leave(s);
}

void smtp_leave(void *session)
{
	struct smtp_session *s = session;
	struct smtp_server_private *p = s->priv;

	if (p->depth == 1 && !p->ended)
		count_errors(s);
	if (--p->depth == 0 && p->ended)
		destroy(s);
}

void smtp_end(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	if (p->ended)
		return;
	p->ended = true;
	p->asked = SMTP_ASK_NONE;
	smtp_auth_over(s);
	smtp_transaction_end(s);
	s->policy->closed(s);
	dialog_end(&p->dialog);
}

void smtp_transaction_end(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	if (p->mail_told)
		s->policy->reset(s);
	p->mail_told = false;
	s->sender = NULL;
	s->sender_addr = (struct addr){ { NULL, 0 }, { NULL, 0 } };
	s->rcpts = p->rcpt = p->unsent = NULL;
	p->rcpt_end = &s->rcpts;
	s->nrcpt = 0;
	s->eight_bit = s->utf8 = s->spool_again = false;
	s->declared_size = s->size = 0;
	s->spool_id = s->dsn = NULL;
	p->code = 0;
	if (s->arena)
		arena_reset(s->arena);
	if (s->hello)
		smtp_set_state(s, SMTP_READY);
}

/* -- talking -- */

void smtp_say(struct smtp_session *s, enum smtp_reply why)
{
	const char *line = smtp_reply_line_of(why);

	if (line[0] == '5')
		s->priv->errors++;
	conn_printf(s->conn, "%s\r\n", line);
}

void smtp_set_state(struct smtp_session *s, unsigned state)
{
	if (smtp_needs_tls(s))
		state = SMTP_BARE;
	s->priv->dialog.state = s->policy->lmtp ? state << SMTP_LMTP_SHIFT :
		state;
}

/* -- questions to the policy -- */

void smtp_ask(struct smtp_session *s, enum smtp_ask what,
		void (*fn)(struct smtp_session *s))
{
	struct smtp_server_private *p = s->priv;

	p->asked = what;
	p->asking = true;
	fn(s);
	p->asking = false;
	if (!p->ended && p->asked)
		dialog_hold(&p->dialog);
}

static void mail_taken(struct smtp_session *s)
{
	smtp_set_state(s, SMTP_MAIL);
}

static void message_taken(struct smtp_session *s)
{
	/* max-errors is about peers that get nothing done */
	s->priv->errors = s->priv->refused = 0;
	smtp_transaction_end(s);
}

static void rcpt_refused(struct smtp_session *s)
{
	s->priv->rcpt = NULL;
}

static void nothing(struct smtp_session *s)
{
	(void)s;
}

static const struct {
	enum smtp_reply ok;
	void (*taken)(struct smtp_session *s);
	void (*refused)(struct smtp_session *s);
} asks[SMTP_ASK_COUNT] = {
	[SMTP_ASK_AUTH] = { SMTP_AUTH_OK, smtp_auth_taken, smtp_auth_over },
	[SMTP_ASK_AUTH_MORE] = { SMTP_AUTH_MORE, smtp_auth_more,
		smtp_auth_over },
	[SMTP_ASK_MAIL] = { SMTP_SENDER_OK, mail_taken, smtp_transaction_end },
	[SMTP_ASK_RCPT] = { SMTP_RCPT_OK, smtp_rcpt_taken, rcpt_refused },
	[SMTP_ASK_DATA] = { SMTP_SEND_DATA, smtp_data_begin,
		smtp_transaction_end },
	[SMTP_ASK_CHUNK] = { SMTP_NO_REPLY, smtp_chunk_begin,
		smtp_chunk_refused },
	[SMTP_ASK_MESSAGE] = { SMTP_MESSAGE_OK, message_taken,
		smtp_transaction_end },
	[SMTP_ASK_ETRN] = { SMTP_NO_REPLY, nothing, nothing },
};

/* The dialogue goes on, unless the answer came inside the question. */
static void answered(struct smtp_session *s,
		void (*then)(struct smtp_session *s))
{
	struct smtp_server_private *p = s->priv;

	p->asked = SMTP_ASK_NONE;
	then(s);
	if (!p->ended && !p->asking && !p->asked)
		dialog_go(&p->dialog);
}

static void answer_all(struct smtp_session *s, int code, const char *enhanced,
		const char *text)
{
	struct smtp_rcpt *r, *next;

	for (r = s->priv->unsent; r; r = next) {
		next = r->next;
		smtp_server_answer_rcpt(s, r, code, enhanced, text);
	}
}

void smtp_server_reply(struct smtp_session *s, int code, const char *enhanced,
		const char *text)
{
	enum smtp_ask asked = s->priv->asked;

	if (!asked)
		return;
	smtp_enter(s);
	if (asked == SMTP_ASK_MESSAGE && s->policy->lmtp) {
		answer_all(s, code, enhanced, text);
	} else {
		/* BDAT is answered when its octets are there */
		if (asked != SMTP_ASK_CHUNK)
			smtp_reply_write(s->conn, code, enhanced, text);
		answered(s, asks[asked].taken);
	}
	smtp_leave(s);
}

void smtp_server_ok(struct smtp_session *s, const char *text)
{
	struct smtp_reply_row row = smtp_reply_row(asks[s->priv->asked].ok);

	smtp_server_reply(s, row.code, row.enhanced, text ? text : row.text);
}

void smtp_server_refuse(struct smtp_session *s, int code, const char *enhanced,
		const char *text)
{
	struct smtp_server_private *p = s->priv;
	enum smtp_ask asked = p->asked;

	if (!asked)
		return;
	smtp_enter(s);
	if (asked == SMTP_ASK_MESSAGE && s->policy->lmtp) {
		answer_all(s, code, enhanced, text);
	} else {
		smtp_reply_write(s->conn, code, enhanced, text);
		/* no wrong command, but many are somebody guessing names;
		 * 4xx says nothing against him (greylisting, RFC 6647) */
		if (asked == SMTP_ASK_RCPT)
			p->refused += code >= 500;
		else if (code >= 500)
			p->errors++;
		answered(s, asks[asked].refused);
		/* RFC 5321 3.8: after 421 the channel closes */
		if (code == 421)
			smtp_end(s);
	}
	smtp_leave(s);
}

/* RFC 2033 4.2: a reply for each recipient, in the order of RCPT. */
static void send_slots(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	while (p->unsent) {
		struct smtp_rcpt_slot *slot = container_of(p->unsent,
				struct smtp_rcpt_slot, rcpt);

		if (!slot->code)
			return;
		smtp_reply_write(s->conn, slot->code, slot->enhanced,
			slot->text ? slot->text :
			slot->code < 400 ? "OK" : "Refused");
		p->unsent = slot->rcpt.next;
	}
	answered(s, message_taken);
}

void smtp_server_answer_rcpt(struct smtp_session *s, struct smtp_rcpt *r,
		int code, const char *enhanced, const char *text)
{
	struct smtp_rcpt_slot *slot = container_of(r, struct smtp_rcpt_slot,
			rcpt);

	if (s->priv->asked != SMTP_ASK_MESSAGE || slot->code)
		return;
	slot->code = code;
	slot->enhanced = enhanced ? arena_dup(s->arena, span_of(enhanced)) :
		NULL;
	slot->text = text ? arena_dup(s->arena, span_of(text)) : NULL;
	/* what is final, or says where else it goes, is not said by halves */
	if (text && !slot->text && code >= 500)
		slot->code = 452;
	smtp_enter(s);
	send_slots(s);
	smtp_leave(s);
}

void smtp_server_end(struct smtp_session *s, const char *why)
{
	if (s->priv->ended)
		return;
	smtp_enter(s);
	smtp_reply_write(s->conn, 421, "4.3.2", why);
	conn_flush(s->conn);
	smtp_end(s);
	smtp_leave(s);
}

/* -- commands -- */

/*
 * RFC 5321 4.1.1.1 wants a domain or a literal. Host names with an underscore
 * are too common to be refused; what could break a Received: field is not.
 */
bool smtp_is_hello(struct span name)
{
	return name.n && name.n <= HELLO_MOST && span_isalnum(name, ".-_:[]");
}

static bool hello(struct smtp_session *s, struct span args, bool esmtp)
{
	struct smtp_server_private *p = s->priv;
	char *name;

	/* "HELO Scanner in room 7": what it is called is nobody's business */
	if (!smtp_is_hello(args) && s->policy->any_hello)
		args = SPAN("device");
	if (!smtp_is_hello(args)) {
		smtp_say(s, SMTP_BAD_HELLO);
		return false;
	}
	name = strndup(args.p, args.n);
	if (!name) {
		smtp_say(s, SMTP_NO_MEMORY);
		return false;
	}
	free(p->hello);
	p->hello = name;
	s->hello = name;
	s->esmtp = esmtp;
	smtp_transaction_end(s);	/* RFC 5321 4.1.4 */
	return true;
}

static void run_helo(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d;
	if (hello(s, args, false))
		conn_printf(s->conn, "250 %s\r\n", s->conf->hostname);
}

static void run_ehlo(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d;
	if (hello(s, args, true))
		conn_printf(s->conn, "250-%s\r\n"
			"250-PIPELINING\r\n"
			"250-SIZE %" PRIu64 "\r\n"
			"%s%s%s%s%s%s"
			"250-8BITMIME\r\n"
			"250-CHUNKING\r\n"
			"%s%s%s%s"
			"250-LIMITS RCPTMAX=%u\r\n"
			"250 ENHANCEDSTATUSCODES\r\n",
			s->conf->hostname, s->conf->max_message_size,
			smtp_offers_tls(s) ? "250-STARTTLS\r\n" : "",
			smtp_offers_auth(s) ? "250-AUTH " : "",
			smtp_offers_external(s) ? "EXTERNAL " : "",
			smtp_offers_auth(s) ? sasl_mechanisms(
				smtp_auth_binding(s), s->conn) : "",
			smtp_offers_auth(s) ? "\r\n" : "",
			s->policy->spool_param ? "250-XSPOOL\r\n" : "",
			s->policy->dsn ? "250-DSN\r\n" : "",
			CFG_FRONT_ENDS && smtp_offers_xclient(s) ?
				"250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN"
				"\r\n" : "",
			s->policy->utf8 ? "250-SMTPUTF8\r\n" : "",
			s->policy->etrn ? "250-ETRN\r\n" : "",
			s->conf->max_recipients);
}

static void run_rset(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d, (void)args;
	smtp_transaction_end(s);
	smtp_say(s, SMTP_FLUSHED);
}

static void run_noop(struct dialog *d, void *session, struct span args)
{
	(void)d, (void)args;
	smtp_say(session, SMTP_NOTHING_DONE);
}

/* RFC 5321 7.3: 252 tells nothing about who lives here. */
static void run_vrfy(struct dialog *d, void *session, struct span args)
{
	(void)d;
	smtp_say(session, smtp_vrfy_reply(session, args));
}

static void run_expn(struct dialog *d, void *session, struct span args)
{
	(void)d, (void)args;
	smtp_say(session, SMTP_NOT_IMPLEMENTED);
}

static void ask_etrn(struct smtp_session *s)
{
	s->policy->etrn(s, s->priv->node);
}

static void run_etrn(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d;
	if (!s->policy->etrn) {
		smtp_say(s, SMTP_NOT_IMPLEMENTED);
		return;
	}
	s->priv->node = args;
	smtp_ask(s, SMTP_ASK_ETRN, ask_etrn);
}

static void run_help(struct dialog *d, void *session, struct span args)
{
	(void)d, (void)args;
	smtp_say(session, SMTP_HELP);
}

static void run_quit(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d, (void)args;
	smtp_say(s, SMTP_BYE);
	smtp_end(s);
}

static void run_starttls(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	struct err err;

	(void)d, (void)args;
	if (conn_is_tls(s->conn)) {
		smtp_say(s, SMTP_TLS_ALREADY);
	} else if (!s->hello) {
		smtp_say(s, SMTP_HELLO_FIRST);
	} else if (!smtp_offers_tls(s)) {
		smtp_say(s, SMTP_NO_TLS);
	} else {
		smtp_say(s, SMTP_START_TLS);
		if (conn_starttls(s->conn, s->tls, NULL,
				s->policy->tls_client, &err) < 0) {
			log_warn("%s: %s", conn_peer(s->conn), err.text);
			smtp_end(s);
		}
	}
}

#define SMTP_ANY (SMTP_STATES & ~SMTP_BARE)
#define BOTH(states) ((states) | (states) << SMTP_LMTP_SHIFT)

static const struct dialog_row rows[] = {
	{ "MAIL", smtp_run_mail, BOTH(SMTP_READY), DIALOG_NEED_ARG },
	{ "RCPT", smtp_run_rcpt, BOTH(SMTP_MAIL), DIALOG_NEED_ARG },
	{ "DATA", smtp_run_data, BOTH(SMTP_MAIL), DIALOG_NO_ARG },
	{ "BDAT", smtp_run_bdat, BOTH(SMTP_STATES), 0 },
	{ "EHLO", run_ehlo, SMTP_STATES, DIALOG_NEED_ARG },
	{ "HELO", run_helo, SMTP_ANY, DIALOG_NEED_ARG },
	{ "LHLO", run_ehlo, SMTP_ANY << SMTP_LMTP_SHIFT, DIALOG_NEED_ARG },
	{ "RSET", run_rset, BOTH(SMTP_ANY), DIALOG_NO_ARG },
	{ "NOOP", run_noop, BOTH(SMTP_STATES), 0 },
	{ "QUIT", run_quit, BOTH(SMTP_STATES), DIALOG_NO_ARG },
	{ "STARTTLS", run_starttls, BOTH(SMTP_READY | SMTP_BARE),
		DIALOG_NO_ARG | DIALOG_LAST },
	{ "AUTH", smtp_run_auth, BOTH(SMTP_READY), DIALOG_NEED_ARG },
	USE_FRONT_ENDS({ "XCLIENT", smtp_run_xclient, SMTP_START | SMTP_READY,
		DIALOG_NEED_ARG },)
	{ "VRFY", run_vrfy, BOTH(SMTP_ANY), DIALOG_NEED_ARG },
	{ "ETRN", run_etrn, SMTP_READY, DIALOG_NEED_ARG },
	{ "EXPN", run_expn, BOTH(SMTP_ANY), 0 },
	{ "HELP", run_help, BOTH(SMTP_ANY), 0 },
	{ 0 }
};

/* -- what no command sees -- */

static enum smtp_reply order_fault(const struct smtp_session *s,
		const struct dialog_row *row)
{
	unsigned mine = SMTP_STATES;

	if (s->policy->lmtp)
		mine <<= SMTP_LMTP_SHIFT;
	/* RFC 2033 4.1: an LMTP server knows no HELO and EHLO */
	if (!(row->states & mine))
		return SMTP_UNKNOWN_COMMAND;
	if (smtp_needs_tls(s))
		return SMTP_TLS_FIRST;
	if (!s->hello)
		return SMTP_HELLO_FIRST;
	if (s->sender)
		return row->run == smtp_run_mail ? SMTP_SENDER_GIVEN :
			SMTP_IN_TRANSACTION;
	return SMTP_MAIL_FIRST;
}

static void on_fault(struct dialog *d, void *session, enum dialog_fault fault,
		const struct dialog_row *row)
{
	static const enum smtp_reply why[] = {
		[DIALOG_UNKNOWN] = SMTP_UNKNOWN_COMMAND,
		[DIALOG_LONG] = SMTP_LINE_TOO_LONG,
		[DIALOG_BARE] = SMTP_BARE_LINE_END,
		[DIALOG_BYTES] = SMTP_BAD_BYTES,
	};
	struct smtp_session *s = session;

	(void)d;
	if (fault == DIALOG_STATE)
		smtp_say(s, order_fault(s, row));
	else if (fault == DIALOG_ARG)
		smtp_say(s, row->flags & DIALOG_NO_ARG ?
				SMTP_NO_ARGUMENT_TAKEN : SMTP_ARGUMENT_MISSING);
	else
		smtp_say(s, why[fault]);
}

void smtp_greet(struct smtp_session *s)
{
	conn_printf(s->conn, "220 %s %s\r\n", s->conf->hostname,
			s->policy->banner);
}

/* RFC 3207 4.2: nothing that was said in plain counts any more. */
static void on_tls(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;
	bool greeted = s->hello;

	if (conn_had_injection(s->conn))
		log_warn("%s: input behind STARTTLS was dropped",
				conn_peer(s->conn));
	if (CFG_TLS_CLIENT_CERTS)
		smtp_log_peer(s);
	s->hello = NULL;
	s->esmtp = false;
	s->auth_user = NULL;
	smtp_transaction_end(s);
	smtp_set_state(s, SMTP_START);
	if (!greeted)
		smtp_greet(s);	/* implicit TLS: STARTTLS comes after EHLO */
	free(p->hello);
	p->hello = NULL;
}

static void on_timeout(struct smtp_session *s)
{
	/* what we wait for ourselves has a time-out of its own */
	if (s->priv->asked) {
		conn_timeout(s->conn, s->conf->command_timeout * INT64_C(1000));
		return;
	}
	log_info("%s: timed out", conn_peer(s->conn));
	smtp_say(s, SMTP_TIMED_OUT);
	smtp_end(s);
}

static void on_event(void *session, enum conn_event event)
{
	struct smtp_session *s = session;

	if (event == CONN_TLS)
		on_tls(s);
	else if (event == CONN_TIMEOUT)
		on_timeout(s);
	else if (event == CONN_ERROR)
		log_info("%s: %s", conn_peer(s->conn),
				conn_error(s->conn)->text);
	else if (event == CONN_EOF)
		log_debug("%s: closed without QUIT", conn_peer(s->conn));
	if (event == CONN_ERROR || event == CONN_EOF)
		smtp_end(s);
}

static const struct dialog_spec spec = {
	rows, LINE_MOST, on_fault, on_event, smtp_enter, smtp_leave
};

struct smtp_session *smtp_server_new(struct conn *c, const struct conf *conf,
		struct tls_ctx *tls, bool implicit_tls,
		const struct smtp_policy *policy, void *owner)
{
	struct session *made = calloc(1, sizeof(*made));
	struct smtp_session *s = made ? &made->pub : NULL;
	struct err err;

	err_nomem(&err);
	if (s)
		/* mailboxes and answers of 100 long addresses */
		s->arena = arena_new((size_t)conf->session_memory <<
				2 * policy->lmtp);
	/* before TLS: a handshake may take no longer */
	conn_timeout(c, conf->command_timeout * INT64_C(1000));
	if (!s || !s->arena || (implicit_tls &&
			conn_starttls(c, tls, NULL, policy->tls_client,
				&err) < 0)) {
		log_warn("%s: %s", conn_peer(c), err.text);
		if (s)
			arena_free(s->arena);
		free(made);
		conn_close(c);
		return NULL;
	}
	s->priv = &made->priv;
	s->conn = c;
	s->policy = policy;
	s->conf = conf;
	s->tls = tls;
	s->owner = owner;
	s->priv->rcpt_end = &s->rcpts;
	dialog_init(&s->priv->dialog, c, &spec, s, 0);
	s->priv->dialog.bare_ok = policy->repair;
	smtp_set_state(s, SMTP_START);
	s->priv->front_end = conf->xclient_from &&
		conf_net_has(conf->xclient_from, conn_peer_addr(c));
	if (!implicit_tls)
		smtp_greet(s);
	return s;
}
