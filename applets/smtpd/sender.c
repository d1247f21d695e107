#include <string.h>

#include "smtpd/smtpd.h"

static bool may_be_anybody(const struct smtp_session *s)
{
	for (const struct conf_word *w = s->conf->sender_any; w; w = w->next)
		if (strcmp(w->text, "*") == 0 ||
				span_is(span_of(s->auth_user), w->text))
			return true;
	return false;
}

/* Whom only saslauthd knows cannot be looked up: the name is his address. */
static bool is_own_name(const struct smtp_session *s)
{
	return CFG_AUTHD_SASLAUTHD && s->conf->saslauthd &&
		span_is(span_of(s->sender), s->auth_user);
}

static void on_owner(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct smtpd_session *x = arg;
	struct smtp_session *s = x->smtp;

	x->request = NULL;
	if (status == AUTH_TEMP)
		smtp_server_refuse(s, 451, "4.3.0",
				"Users cannot be looked up now");
	else if (status == AUTH_OK && strcmp(user->name, s->auth_user) == 0)
		smtpd_ok(x, MILTER_MAIL);
	else
		smtp_server_refuse(s, 553, "5.7.1",
				"This sender's address is not yours");
}

/* RFC 6409 6.1. Reports have no sender, whoever makes them (RFC 5321 4.5.5). */
void smtpd_sender(struct smtpd_session *x)
{
	struct smtp_session *s = x->smtp;

	if (CFG_SMTPD_DEVICE && x->service->device) {
		smtpd_device_sender(x);
		return;
	}
	if (!s->auth_user || !*s->sender || may_be_anybody(s) ||
			is_own_name(s)) {
		smtpd_ok(x, MILTER_MAIL);
		return;
	}
	x->request = auth_lookup(x->service->smtpd->auth, span_of(s->sender),
			on_owner, x);
	if (!x->request)
		smtp_server_refuse(s, 452, "4.3.1", "Out of memory");
}
