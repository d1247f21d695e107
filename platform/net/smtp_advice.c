#include "net/smtp_advice.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "os/clock.h"

/* All that a row names must be so; the first row that fits is it. */
struct cause {
	int code;		/* 0: any; -1: no reply, the text is ours */
	unsigned about;		/* SMTP_ABOUT_ bits */
	const char *enhanced;	/* NULL: any */
	const char *text;	/* somewhere in it, ASCII case ignored; NULL: any */
	const char *advice;
};

#define APP_PASSWORD "this provider wants an app password: make one in the " \
	"account's security settings and put it where the password is"
#define OWN_SENDER "this account may send only as its own address: have " \
	"the sender rewritten to it"
#define SMARTHOST "send through the smarthost of your provider"

static const struct cause causes[] = {
	/* Google: 2-step verification is on */
	{ 534, 0, "5.7.9", NULL, APP_PASSWORD },
	{ 0, 0, NULL, "application-specific password", APP_PASSWORD },
	/* Yahoo, AOL, iCloud */
	{ 535, 0, NULL, "app password", APP_PASSWORD },
	{ 535, 0, NULL, "app-specific password", APP_PASSWORD },
	/* Google: an unusual log-in */
	{ 534, 0, "5.7.14", NULL, "log in to the account once in a web "
		"browser and confirm that this was you, or use an app "
		"password" },
	/* Microsoft: SMTP AUTH is off for the tenant or the mailbox */
	{ 535, 0, "5.7.139", "SmtpClientAuthentication is disabled",
		"the administrator of this account has to allow "
		"\"Authenticated SMTP\" for the mailbox" },
	{ 535, 0, "5.7.139", NULL, "Microsoft takes no passwords here: log "
		"in with OAuth (smtp --authorize)" },
	{ 535, 0, NULL, "basic authentication", "this provider takes no "
		"passwords: log in with OAuth (smtp --authorize)" },
	{ 535, SMTP_ABOUT_TOKEN, NULL, NULL, "the access token was refused: "
		"authorize this device once more (smtp --authorize)" },
	/* Google: also said of a good password that is none for programs */
	{ 535, SMTP_ABOUT_LOGIN, "5.7.8", "gsmtp", "Google takes an app "
		"password only, not that of the account" },
	{ 535, SMTP_ABOUT_LOGIN, NULL, NULL, "check user name and password; "
		"many providers want an app password" },
	{ 530, 0, NULL, "STARTTLS", "say starttls in the smarthost's line" },
	{ 530, SMTP_ABOUT_ANONYMOUS, "5.7.0", NULL, "this server wants a "
		"login: give a user and a password in the smarthost's line" },
	{ 0, SMTP_ABOUT_ANONYMOUS, NULL, "authentication required", "this "
		"server wants a login: give a user and a password in the "
		"smarthost's line" },
	{ -1, 0, NULL, "no TLS, so the password", "this port has no TLS: try "
		"port 465 with tls, or 587 with starttls" },
	{ -1, 0, NULL, "STARTTLS is required", "this port has no STARTTLS: "
		"try port 465 with tls" },
	{ -1, SMTP_ABOUT_LOGIN, NULL, " is not offered", "this port may be "
		"for other servers: providers take their users' mail on 465 "
		"or 587" },

	/* what the sender is */
	{ 0, 0, "5.2.252", NULL, OWN_SENDER },
	{ 0, 0, "5.7.60", NULL, OWN_SENDER },
	{ 553, 0, NULL, "not owned by user", OWN_SENDER },
	{ 0, 0, NULL, "SendAsDenied", OWN_SENDER },

	/* mail straight to the other side's host */
	{ -1, SMTP_ABOUT_PORT25 | SMTP_ABOUT_CONNECT | SMTP_ABOUT_SILENT, NULL,
		"timed out", "no host answers on port 25, which many "
		"providers block: " SMARTHOST },
	{ 0, SMTP_ABOUT_PORT25, NULL, "spamhaus", "the address of this line "
		"is on a block list, as those of households are: " SMARTHOST },
	{ 550, SMTP_ABOUT_PORT25, "5.7.25", NULL, "the address of this line "
		"has no name in reverse DNS: " SMARTHOST },
	{ 550, SMTP_ABOUT_PORT25, "5.7.26", NULL, "the domain of the sender "
		"has neither SPF nor DKIM for this host: " SMARTHOST }
};

static bool has_text(const char *all, const char *part)
{
	struct span rest = span_of(all);

	for (; rest.n; rest = span_rest(rest, 1))
		if (span_starts(rest, part))
			return true;
	return false;
}

static bool fits(const struct cause *c, const struct smtp_result *r)
{
	return (!c->code || c->code == (r->code ? r->code : -1)) &&
		(!c->enhanced || !strcmp(c->enhanced, r->enhanced)) &&
		(c->about & r->about) == c->about &&
		(!c->text || has_text(r->text, c->text));
}

/* RFC 5280 4.1.2.5, seen from 1970. */
static bool is_of_the_clock(const struct smtp_result *r)
{
	return !r->code && has_text(r->text, "certificate") &&
		(has_text(r->text, "not yet valid") ||
		 has_text(r->text, "not valid yet") ||
		 has_text(r->text, "not in force") ||
		 has_text(r->text, "expired"));
}

const char *smtp_advice(const struct smtp_result *r, bool clock_good)
{
	if (!CFG_SMTP_ADVICE || r->kind == ERR_NONE)
		return NULL;
	if (!clock_good && is_of_the_clock(r))
		return "the clock of this device is wrong, so the certificate "
			"only looks so: set it (ntpd)";
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (fits(&causes[i], r))
			return causes[i].advice;
	return NULL;
}

void smtp_advice_add(char *text, size_t size, const struct smtp_result *r)
{
	const char *advice = smtp_advice(r, clock_plausible());
	size_t n = strlen(text);

	if (advice)
		snprintf(text + n, size - n, "; what helps: %s", advice);
}
