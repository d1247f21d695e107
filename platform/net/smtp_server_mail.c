/* smtp_server_mail - MAIL and RCPT with their parameters (RFC 5321 4.1.1.2, 4.1.1.3) */
#include <string.h>

#include "base/utf8.h"
#include "config.h"
#include "mime/dsn.h"
#include "net/smtp_server_private.h"

#define SPOOL_ID_MOST 23

static bool is_quoted(struct span local)
{
	return local.n && local.p[0] == '"';
}

/* The form that all later work with the address uses; NULL: no memory. */
static char *normal(struct arena *a, const struct addr *in)
{
	struct str plain;
	char *text = NULL, *c;

	str_init(&plain, ADDR_MAX);
	if (is_quoted(in->local))
		addr_local_plain(&plain, in->local);
	if (!plain.bad)
		text = arena_printf(a, "%.*s%s%.*s",
			SPAN_ARG(is_quoted(in->local) ? str_span(&plain) :
				in->local),
			in->domain.n ? "@" : "", SPAN_ARG(in->domain));
	str_free(&plain);
	for (c = text ? text + strlen(text) - in->domain.n : NULL; c && *c; c++)
		*c = ascii_lower(*c);
	return text;
}

/*
 * "FROM:<a@b>" off *args. Blanks behind the colon are wrong (RFC 5321 3.3)
 * and so common that they are forgiven.
 */
static bool take_path(const struct smtp_session *s, struct span *args,
		const char *word, struct addr *a)
{
	struct span in = *args;

	if (!span_starts(in, word))
		return false;
	in = span_trim(span_rest(in, strlen(word)));
	if (!addr_path(&in, a, s->policy->utf8) || (in.n && in.p[0] != ' ' &&
			in.p[0] != '\t'))
		return false;
	*args = in;
	return true;
}

/* Does the path, which ends where rest begins, need what MAIL did not say? */
static bool is_foreign(const struct smtp_session *s, struct span args,
		struct span rest)
{
	return CFG_SMTPUTF8 && !s->utf8 &&
		!utf8_ascii(span_make(args.p, (size_t)(rest.p - args.p)));
}

/* -- parameters -- */

struct param {
	const char *name;
	/* NULL: it is kept as it is, if it is good */
	enum smtp_reply (*set)(struct smtp_session *s, struct span value);
	bool (*known)(const struct smtp_session *s);	/* NULL: always */
	bool (*good)(struct span value);
};

static enum smtp_reply set_size(struct smtp_session *s, struct span value)
{
	unsigned long long size;

	/* RFC 1870 5: up to 20 digits; what does not fit is too big for sure */
	if (!span_number64(value, ~0ULL, &size)) {
		for (size_t i = 0; i < value.n; i++)
			if (!ascii_isdigit(value.p[i]))
				return SMTP_BAD_PARAMETER;
		return value.n == 20 ? SMTP_TOO_BIG : SMTP_BAD_PARAMETER;
	}
	if (s->conf->max_message_size && size > s->conf->max_message_size)
		return SMTP_TOO_BIG;
	s->declared_size = size;
	return SMTP_NO_REPLY;
}

static enum smtp_reply set_body(struct smtp_session *s, struct span value)
{
	s->eight_bit = span_is(value, "8BITMIME");
	return s->eight_bit || span_is(value, "7BIT") ? SMTP_NO_REPLY :
		SMTP_BAD_PARAMETER;
}

/* RFC 6531 3.4: it has no value */
static enum smtp_reply set_utf8(struct smtp_session *s, struct span value)
{
	s->utf8 = !value.p;
	return s->utf8 ? SMTP_NO_REPLY : SMTP_BAD_PARAMETER;
}

static bool knows_utf8(const struct smtp_session *s)
{
	return s->policy->utf8;
}

/* RFC 4954 5: who first submitted it; nobody here trusts it. */
static enum smtp_reply set_auth(struct smtp_session *s, struct span value)
{
	(void)s;
	return value.n ? SMTP_NO_REPLY : SMTP_BAD_PARAMETER;
}

static bool knows_auth(const struct smtp_session *s)
{
	return s->policy->auth;
}

/* Our own, from queue to deliver: XSPOOL=ID or XSPOOL=ID,again */
static enum smtp_reply set_spool(struct smtp_session *s, struct span value)
{
	struct span id = span_cut(&value, ',');

	if (!id.n || id.n > SPOOL_ID_MOST || !span_isalnum(id, "") ||
			(value.n && !span_is(value, "again")))
		return SMTP_BAD_PARAMETER;
	s->spool_id = arena_dup(s->arena, id);
	s->spool_again = value.n > 0;
	return s->spool_id ? SMTP_NO_REPLY : SMTP_NO_MEMORY;
}

static bool knows_spool(const struct smtp_session *s)
{
	return s->policy->spool_param;
}

static bool knows_dsn(const struct smtp_session *s)
{
	return s->policy->dsn;
}

static const struct param mail_params[] = {
	{ "SIZE", set_size, NULL, NULL },
	{ "BODY", set_body, NULL, NULL },
	{ "AUTH", set_auth, knows_auth, NULL },
	{ "XSPOOL", set_spool, knows_spool, NULL },
	{ "SMTPUTF8", set_utf8, knows_utf8, NULL },
	{ "RET", NULL, knows_dsn, dsn_is_ret },
	{ "ENVID", NULL, knows_dsn, dsn_is_envid },
	{ NULL, NULL, NULL, NULL }
};

static const struct param rcpt_params[] = {
	{ "NOTIFY", NULL, knows_dsn, dsn_is_notify },
	{ "ORCPT", NULL, knows_dsn, dsn_is_orcpt },
	{ NULL, NULL, NULL, NULL }
};

/* What others read is passed on as it came (RFC 3461 5.2.1). */
static enum smtp_reply keep(struct smtp_session *s, const struct param *p,
		struct span value)
{
	const char **dsn = &s->priv->dsn;

	/* RFC 6533 3: ORCPT may hold an address in UTF-8 */
	if (!p->good(value) || (!s->utf8 && !utf8_ascii(value)))
		return SMTP_BAD_PARAMETER;
	*dsn = arena_printf(s->arena, "%s%s%s=%.*s", *dsn ? *dsn : "",
			*dsn ? " " : "", p->name, SPAN_ARG(value));
	return *dsn ? SMTP_NO_REPLY : SMTP_NO_MEMORY;
}

/* seen: a bit for each row, as none may come twice (RFC 5321 4.1.1.11). */
static enum smtp_reply set_param(struct smtp_session *s,
		const struct param *table, struct span word, unsigned *seen)
{
	bool bare = !span_has(word, '=');
	struct span name = span_cut(&word, '=');

	for (const struct param *p = table; p->name; p++) {
		unsigned bit = 1U << (p - table);

		if (!span_is(name, p->name) || (p->known && !p->known(s)))
			continue;
		if (*seen & bit)
			return SMTP_BAD_PARAMETER;
		*seen |= bit;
		/* no value is not the same as an empty one */
		if (bare)
			word.p = NULL;
		return p->set ? p->set(s, word) : keep(s, p, word);
	}
	return SMTP_UNKNOWN_PARAMETER;
}

static enum smtp_reply set_params(struct smtp_session *s,
		const struct param *table, struct span args)
{
	enum smtp_reply why = SMTP_NO_REPLY;
	struct span word = span_word(&args);
	unsigned seen = 0;

	s->priv->dsn = NULL;
	if (word.n && !s->esmtp)
		return SMTP_UNKNOWN_PARAMETER;
	for (; word.n && !why; word = span_word(&args))
		why = set_param(s, table, word, &seen);
	return why;
}

/* -- MAIL -- */

static enum smtp_reply set_sender(struct smtp_session *s, struct span args)
{
	struct span path = args;
	enum smtp_reply why;
	struct addr a;

	if (s->policy->auth_required && !s->auth_user)
		return smtp_offers_tls(s) && !s->policy->auth_plain_ok ?
			SMTP_TLS_FIRST : SMTP_AUTH_FIRST;
	/* only RCPT knows "<postmaster>" without a domain */
	if (!take_path(s, &args, "FROM:", &a) || (a.local.n && !a.domain.n))
		return SMTP_BAD_SENDER;
	s->sender = normal(s->arena, &a);
	if (!s->sender)
		return SMTP_NO_MEMORY;
	s->sender_addr = addr_split(span_of(s->sender));
	why = set_params(s, mail_params, args);
	return !why && is_foreign(s, path, args) ? SMTP_ASCII_SENDER : why;
}

void smtp_run_mail(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	enum smtp_reply why;

	(void)d;
	why = set_sender(s, args);
	if (why) {
		smtp_say(s, why);
		smtp_transaction_end(s);
	} else {
		s->dsn = s->priv->dsn;
		s->priv->mail_told = true;
		smtp_ask(s, SMTP_ASK_MAIL, s->policy->mail);
	}
}

/* -- RCPT -- */

static bool is_taken(const struct smtp_session *s, const char *address)
{
	for (const struct smtp_rcpt *r = s->rcpts; r; r = r->next)
		if (addr_same(span_of(r->address), span_of(address)))
			return true;
	return false;
}

static enum smtp_reply new_rcpt(struct smtp_session *s, struct span args)
{
	struct smtp_rcpt_slot *slot;
	struct span path = args;
	enum smtp_reply why;
	struct addr a;

	if (!take_path(s, &args, "TO:", &a) || !a.local.n)
		return SMTP_BAD_RCPT;
	if (is_foreign(s, path, args))
		return SMTP_ASCII_RCPT;
	why = set_params(s, rcpt_params, args);
	if (why)
		return why;
	if (s->nrcpt >= s->conf->max_recipients)
		return SMTP_TOO_MANY_RCPT;
	slot = arena_alloc(s->arena, sizeof(*slot));
	if (slot)
		slot->rcpt.address = normal(s->arena, &a);
	/* RFC 5321 4.5.3.1.10: the others come in another transaction */
	if (!slot || !slot->rcpt.address)
		return SMTP_TOO_MANY_RCPT;
	slot->rcpt.dsn = s->priv->dsn;
	s->priv->rcpt = &slot->rcpt;
	return SMTP_NO_REPLY;
}

static void ask_rcpt(struct smtp_session *s)
{
	s->policy->rcpt(s, s->priv->rcpt);
}

void smtp_rcpt_taken(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	*p->rcpt_end = p->rcpt;
	p->rcpt_end = &p->rcpt->next;
	p->rcpt = NULL;
	s->nrcpt++;
}

void smtp_run_rcpt(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	enum smtp_reply why;

	(void)d;
	why = new_rcpt(s, args);
	if (why)
		smtp_say(s, why);
	/* once is enough; but LMTP owes a reply for each (RFC 2033 4.2) */
	else if (!s->policy->lmtp && is_taken(s, s->priv->rcpt->address))
		smtp_say(s, SMTP_RCPT_OK);
	else
		smtp_ask(s, SMTP_ASK_RCPT, ask_rcpt);
}

/* -- VRFY -- */

enum smtp_reply smtp_vrfy_reply(const struct smtp_session *s,
		struct span args)
{
	struct span last = span_rest(args, span_rfind(args, ' ') + 1);
	bool said = span_is(last, "SMTPUTF8");

	if (!CFG_SMTPUTF8 || !s->policy->utf8 || utf8_ascii(args))
		return SMTP_CANNOT_VERIFY;
	if (!utf8_clean(args))
		return SMTP_BAD_PARAMETER;
	return said && s->esmtp ? SMTP_CANNOT_VERIFY : SMTP_ASCII_RCPT;
}
