/* smtp_server_auth - AUTH (RFC 4954), and whether it and STARTTLS are offered */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "net/smtp_server_private.h"
#include "os/log.h"

bool smtp_offers_tls(const struct smtp_session *s)
{
	return s->policy->tls && s->tls && tls_built() &&
		!conn_is_tls(s->conn);
}

bool smtp_needs_tls(const struct smtp_session *s)
{
	return s->policy->tls_required && smtp_offers_tls(s);
}

static bool may_auth(const struct smtp_session *s)
{
	return conn_is_tls(s->conn) || s->policy->auth_plain_ok;
}

bool smtp_offers_auth(const struct smtp_session *s)
{
	return s->policy->auth && may_auth(s) && !s->auth_user;
}

/* RFC 4422 3.3, A: only where there is something outside to go by. */
bool smtp_offers_external(const struct smtp_session *s)
{
	return CFG_TLS_CLIENT_CERTS && s->policy->auth_external &&
		smtp_offers_auth(s) && s->policy->auth_external(s);
}

/* So that its owner can copy the fingerprint into the configuration. */
void smtp_log_peer(const struct smtp_session *s)
{
	const struct tls_peer *p = conn_tls_peer(s->conn);
	char hex[2 * sizeof(p->hash) + 1];

	if (!p)
		return;
	for (size_t i = 0; i < sizeof(p->hash); i++)
		snprintf(hex + 2 * i, 3, "%02x", p->hash[i]);
	log_info("%s: client certificate sha256=%s %s%s", conn_peer(s->conn),
			hex, p->verified ? "verified" : "",
			p->verified ? "" : tls_peer_fault(p));
}

sasl_bind_fn *smtp_auth_binding(const struct smtp_session *s)
{
	return s->conf->auth_binding ? conn_binding : NULL;
}

void smtp_auth_over(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	p->dialog.line = NULL;
	if (!p->sasl)
		return;
	sasl_wipe(p->sasl);
	free(p->sasl);
	p->sasl = NULL;
}

/* authd's name for the user is the better one. */
void smtp_auth_taken(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;
	const struct sasl *sasl = p->sasl;

	free(p->auth_user);
	p->auth_user = strdup(sasl->who.name[0] ? sasl->who.name : sasl->user);
	s->auth_user = p->auth_user;
	smtp_auth_over(s);
}

static void ask(struct smtp_session *s)
{
	s->policy->auth_check(s, s->priv->sasl);
}

static void done(struct smtp_session *s)
{
	smtp_server_ok(s, NULL);
}

static void auth_line(struct dialog *d, void *session, struct span line,
		enum conn_line how);

void smtp_auth_more(struct smtp_session *s)
{
	s->priv->dialog.line = auth_line;
}

void smtp_server_auth_ok(struct smtp_session *s, const struct auth_user *user)
{
	struct smtp_server_private *p = s->priv;
	const char *challenge = NULL;
	enum sasl_next next;

	if (p->asked != SMTP_ASK_AUTH)
		return;
	next = sasl_answer(p->sasl, user, &challenge);
	if (next == SASL_CHALLENGE)
		p->asked = SMTP_ASK_AUTH_MORE;
	if (next == SASL_BAD)
		smtp_server_refuse(s, 454, "4.7.0", "Out of memory");
	else
		smtp_server_ok(s, challenge);
}

static void go_on(struct smtp_session *s, enum sasl_next next,
		const char *challenge)
{
	static const enum smtp_reply why[] = {
		[SASL_CANCEL] = SMTP_AUTH_CANCELLED,
		[SASL_BAD] = SMTP_AUTH_NOT_BASE64,
		[SASL_UNKNOWN] = SMTP_AUTH_MECHANISM,
	};
	struct smtp_server_private *p = s->priv;

	p->dialog.line = next == SASL_CHALLENGE ? auth_line : NULL;
	if (next == SASL_CHALLENGE) {
		smtp_reply_write(s->conn, 334, NULL, challenge);
	} else if (next == SASL_CHECK) {
		smtp_ask(s, SMTP_ASK_AUTH, ask);
	} else if (next == SASL_DONE) {
		smtp_ask(s, SMTP_ASK_AUTH, done);
	} else {
		smtp_say(s, why[next]);
		smtp_auth_over(s);
	}
}

static void auth_line(struct dialog *d, void *session, struct span line,
		enum conn_line how)
{
	struct smtp_session *s = session;
	const char *challenge = "";
	enum sasl_next next;

	(void)d;
	if (how == CONN_LINE_OK) {
		next = sasl_step(s->priv->sasl, line, &challenge);
		go_on(s, next, challenge);
	} else {
		smtp_say(s, how == CONN_LINE_LONG ? SMTP_AUTH_TOO_LONG :
				SMTP_BARE_LINE_END);
		smtp_auth_over(s);
	}
}

static enum smtp_reply not_now(const struct smtp_session *s)
{
	if (s->auth_user)
		return SMTP_AUTH_ALREADY;
	if (!s->policy->auth || (!may_auth(s) && !smtp_offers_tls(s)))
		return SMTP_NO_AUTH;
	return may_auth(s) ? SMTP_NO_REPLY : SMTP_TLS_FIRST;
}

void smtp_run_auth(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	struct smtp_server_private *p = s->priv;
	enum smtp_reply why = not_now(s);
	const char *challenge = "";
	enum sasl_next next;

	(void)d;
	if (!why) {
		p->sasl = calloc(1, sizeof(*p->sasl));
		why = p->sasl ? SMTP_NO_REPLY : SMTP_NO_MEMORY;
	}
	if (why) {
		smtp_say(s, why);
	} else {
		next = smtp_offers_external(s) ? sasl_start_external(p->sasl,
				args, &challenge) : SASL_UNKNOWN;
		if (next == SASL_UNKNOWN)
			next = sasl_start(p->sasl, args, smtp_auth_binding(s),
					s->conn, &challenge);
		go_on(s, next, challenge);
	}
}
