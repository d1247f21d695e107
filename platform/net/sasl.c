#include "net/sasl.h"

#include <string.h>
#include "base/base64.h"

enum { SASL_PLAIN, SASL_LOGIN };
enum { SASL_WAIT_USER, SASL_WAIT_PASSWORD, SASL_WAIT_MESSAGE };

/* authzid NUL authcid NUL passwd (RFC 4616 2) */
#define SASL_MESSAGE (3 * SASL_TEXT + 2)

const char *sasl_mechanisms(void)
{
	return "PLAIN LOGIN";
}

/* 0, or -1: too long, or a NUL, which would hide what comes after it. */
static int keep(char to[SASL_TEXT + 1], struct span s)
{
	if (s.n > SASL_TEXT || span_has(s, '\0'))
		return -1;
	return str_copy(to, SASL_TEXT + 1, s);
}

/*
 * Somebody who may act for others is not known here, so the identity to act
 * for (authzid) is none or the user's own.
 */
static enum sasl_next plain(struct sasl *s, struct span message)
{
	struct span act_for, user, password;

	if (!span_has(message, '\0'))
		return SASL_BAD;
	act_for = span_cut(&message, '\0');
	if (!span_has(message, '\0'))
		return SASL_BAD;
	user = span_cut(&message, '\0');
	password = message;
	if (!user.n || (act_for.n && !span_eq(act_for, user)))
		return SASL_BAD;
	if (keep(s->user, user) || keep(s->password, password))
		return SASL_BAD;
	return SASL_CHECK;
}

static enum sasl_next login(struct sasl *s, struct span text,
		const char **challenge)
{
	if (s->step == SASL_WAIT_USER) {
		if (!text.n || keep(s->user, text))
			return SASL_BAD;
		s->step = SASL_WAIT_PASSWORD;
		*challenge = "UGFzc3dvcmQ6";		/* "Password:" */
		return SASL_CHALLENGE;
	}
	return keep(s->password, text) ? SASL_BAD : SASL_CHECK;
}

enum sasl_next sasl_step(struct sasl *s, struct span line,
		const char **challenge)
{
	char message[SASL_MESSAGE];
	enum sasl_next next = SASL_BAD;
	struct span text;
	ssize_t n;

	if (span_eq(line, SPAN("*")))
		return SASL_CANCEL;
	n = base64_get(message, sizeof(message), line);
	text = span_make(message, n > 0 ? n : 0);
	if (n >= 0 && s->mechanism == SASL_PLAIN)
		next = plain(s, text);
	else if (n >= 0)
		next = login(s, text, challenge);
	explicit_bzero(message, sizeof(message));
	return next;
}

/* RFC 4954 4: "=" stands for an initial response that is empty. */
enum sasl_next sasl_start(struct sasl *s, struct span args,
		const char **challenge)
{
	struct span mechanism = span_word(&args);
	struct span initial = span_word(&args);

	sasl_wipe(s);
	if (span_is(mechanism, "PLAIN"))
		s->mechanism = SASL_PLAIN;
	else if (span_is(mechanism, "LOGIN"))
		s->mechanism = SASL_LOGIN;
	else
		return SASL_UNKNOWN;
	s->step = s->mechanism == SASL_PLAIN ? SASL_WAIT_MESSAGE :
		SASL_WAIT_USER;
	if (span_trim(args).n)
		return SASL_BAD;
	if (!initial.n) {
		*challenge = s->mechanism == SASL_PLAIN ? "" :
			"VXNlcm5hbWU6";			/* "Username:" */
		return SASL_CHALLENGE;
	}
	if (span_eq(initial, SPAN("=")))
		initial = span_make(NULL, 0);
	return sasl_step(s, initial, challenge);
}

void sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof(*s));
}

void sasl_plain(struct str *out, struct span user, struct span password)
{
	char message[SASL_MESSAGE];

	if (user.n > SASL_TEXT || password.n > SASL_TEXT) {
		out->bad = true;
		return;
	}
	message[0] = message[1 + user.n] = '\0';
	memcpy(message + 1, user.p ? user.p : "", user.n);
	memcpy(message + 2 + user.n, password.p ? password.p : "", password.n);
	base64_put(out, span_make(message, 2 + user.n + password.n));
	explicit_bzero(message, sizeof(message));
}
