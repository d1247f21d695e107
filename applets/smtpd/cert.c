/* What a client's TLS certificate is good for: relaying and AUTH EXTERNAL. */
#include <stdlib.h>
#include <string.h>

#include "os/log.h"
#include "smtpd/smtpd.h"

/* The client's certificate; not that of a front end that speaks for it. */
static const struct tls_peer *peer_of(const struct smtp_session *s)
{
	return s->moved ? NULL : conn_tls_peer(s->conn);
}

/* The next rfc822Name; p: the one before, NULL: the first. */
static const char *next_email(const struct tls_peer *peer, const char *p)
{
	p = p ? p + strlen(p) + 1 : peer->emails;
	return *p ? p : NULL;
}

static bool is_ours(const struct smtp_session *s, struct span address)
{
	return conf_is_local(s->conf, span_behind(address, '@'));
}

/*
 * RFC 4422 A.1: whom the client acts for, or nobody's name, which leaves it
 * to the certificate. An authorization identity has to be one that the
 * certificate has, too (RFC 4422 3.4.1: else authentication fails).
 */
static const char *user_of(const struct smtp_session *s, struct span act_for)
{
	const struct tls_peer *peer = peer_of(s);
	const char *user = peer ? conf_cert_user(s->conf, peer->hash) : NULL;

	if (user && (!act_for.n || span_caseeq(act_for, span_of(user))))
		return user;
	if (!peer || !peer->verified)
		return NULL;
	user = NULL;
	while ((user = next_email(peer, user)) != NULL)
		if (is_ours(s, span_of(user)) && (!act_for.n ||
				span_caseeq(act_for, span_of(user))))
			return user;
	return NULL;
}

bool smtpd_cert_logs_in(const struct smtp_session *s)
{
	return user_of(s, span_make(NULL, 0)) != NULL;
}

bool smtpd_cert_relays(const struct smtp_session *s)
{
	const struct tls_peer *peer = peer_of(s);

	return peer && conf_cert_relays(s->conf, peer->hash);
}

/*
 * Not everybody whose mail this address leads to: an alias or the name
 * before a + is not the user's own address.
 */
static bool is_user(const char *name, const struct auth_user *user)
{
	struct span address = span_of(name);

	if (user->kind == AUTH_SYSTEM)
		address = span_before(address, '@');
	return span_caseeq(address, span_of(user->name));
}

static void on_user(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct smtpd_session *x = arg;

	x->request = NULL;
	if (status == AUTH_OK && !is_user(x->login, user))
		status = AUTH_NO;
	if (status == AUTH_OK)
		log_info("login user=<%s> service=%s peer=%s certificate",
				user->name, x->service->name,
				conn_peer(x->smtp->conn));
	smtpd_auth_answer(x, status, user);
}

void smtpd_cert_check(struct smtpd_session *x, const struct sasl *sasl)
{
	const struct smtp_session *s = x->smtp;
	const char *user = user_of(s, span_of(sasl->user));
	const char *domain = s->conf->domains ? s->conf->domains->text :
		s->conf->hostname;

	x->login = sasl->user;
	if (!user) {
		smtpd_auth_answer(x, AUTH_NO, NULL);
		return;
	}
	/* accounts of this machine get mail in each of our domains */
	x->login = strchr(user, '@') ? user : arena_printf(s->arena, "%s@%s",
			user, domain);
	x->request = x->login ? auth_lookup(x->service->smtpd->auth,
			span_of(x->login), on_user, x) : NULL;
	if (!x->request)
		smtpd_auth_answer(x, AUTH_TEMP, NULL);
}
