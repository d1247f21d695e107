#include "net/sasl.h"

#include <string.h>
#include "base/base64.h"
#include "config.h"

/* By how many stand behind it in the list. */
enum { SASL_LOGIN, SASL_PLAIN, SASL_SCRAM, SASL_PLUS, SASL_EXTERNAL };
enum { SASL_WAIT_FIRST, SASL_WAIT_NEXT, SASL_WAIT_EMPTY };

/* authzid NUL authcid NUL passwd (RFC 4616 2) */
#define SASL_MESSAGE (3 * SASL_TEXT + 2)

bool sasl_can_bind(sasl_bind_fn *bind, const struct conn *c)
{
	unsigned char data[TLS_BINDING_MOST];

	return bind && bind(c, NULL, data) > 0;
}

/* The strongest first. */
const char *sasl_mechanisms(sasl_bind_fn *bind, const struct conn *c)
{
	static const char plus[] = "SCRAM-SHA-256-PLUS "
		"SCRAM-SHA-256 PLAIN LOGIN";

	if (!CFG_SASL_SCRAM)
		return "PLAIN LOGIN";
	return sasl_can_bind(bind, c) ? plus : strchr(plus, ' ') + 1;
}

const char *sasl_mechanism(const struct sasl *s)
{
	static const char *const names[] = {
		[SASL_LOGIN] = "LOGIN", [SASL_PLAIN] = "PLAIN",
		[SASL_SCRAM] = "SCRAM-SHA-256",
		[SASL_PLUS] = "SCRAM-SHA-256-PLUS"
	};

	return names[s->mechanism];
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
	if (s->step == SASL_WAIT_FIRST) {
		if (!text.n || keep(s->user, text))
			return SASL_BAD;
		s->step = SASL_WAIT_NEXT;
		*challenge = "UGFzc3dvcmQ6";		/* "Password:" */
		return SASL_CHALLENGE;
	}
	return keep(s->password, text) ? SASL_BAD : SASL_CHECK;
}

/*
 * RFC 4954 4, 5034 4: success carries no data, so the server's last message
 * is a challenge, and the client's answer to it is empty.
 */
static enum sasl_next scram(struct sasl *s, struct span text)
{
	if (s->step == SASL_WAIT_FIRST)
		return sasl_scram_first(s, text, s->mechanism == SASL_PLUS);
	if (s->step == SASL_WAIT_NEXT)
		return sasl_scram_final(s, text);
	return text.n ? SASL_BAD : SASL_DONE;
}

/* RFC 4422 A.2: the authorization identity, and nothing else; may be empty. */
static enum sasl_next external(struct sasl *s, struct span text)
{
	s->question = SASL_ASK_EXTERNAL;
	return keep(s->user, text) ? SASL_BAD : SASL_CHECK;
}

enum sasl_next sasl_step(struct sasl *s, struct span line,
		const char **challenge)
{
	char message[CFG_SASL_SCRAM ? AUTH_MESSAGE_MOST : SASL_MESSAGE];
	enum sasl_next next = SASL_BAD;
	struct span text;
	ssize_t n;

	if (span_eq(line, SPAN("*")))
		return SASL_CANCEL;
	n = base64_get(message, sizeof(message), line);
	text = span_make(message, n > 0 ? n : 0);
	if (CFG_TLS_CLIENT_CERTS && n >= 0 && s->mechanism == SASL_EXTERNAL)
		next = external(s, text);
	else if (CFG_SASL_SCRAM && n >= 0 && s->mechanism >= SASL_SCRAM)
		next = scram(s, text);
	else if (n >= 0 && s->mechanism == SASL_PLAIN)
		next = plain(s, text);
	else if (n >= 0)
		next = login(s, text, challenge);
	explicit_bzero(message, sizeof(message));
	return next;
}

/*
 * What stands behind the mechanism's name. RFC 4954 4: "=" is an initial
 * response that is empty.
 */
static enum sasl_next first(struct sasl *s, struct span args,
		const char **challenge)
{
	struct span initial = span_word(&args);

	if (span_trim(args).n)
		return SASL_BAD;
	if (!initial.n) {
		*challenge = s->mechanism != SASL_LOGIN ? "" :
			"VXNlcm5hbWU6";			/* "Username:" */
		return SASL_CHALLENGE;
	}
	if (span_eq(initial, SPAN("=")))
		initial = span_make(NULL, 0);
	return sasl_step(s, initial, challenge);
}

enum sasl_next sasl_start(struct sasl *s, struct span args,
		sasl_bind_fn *bind, const struct conn *c,
		const char **challenge)
{
	struct span offered = span_of(sasl_mechanisms(bind, c)), word;
	struct span mechanism = span_word(&args);

	*s = (struct sasl){ .bind = bind, .conn = c };
	do
		word = span_word(&offered);
	while (word.n && !span_caseeq(word, mechanism));
	if (!word.n)
		return SASL_UNKNOWN;
	while (span_word(&offered).n)
		s->mechanism++;
	return first(s, args, challenge);
}

enum sasl_next sasl_start_external(struct sasl *s, struct span args,
		const char **challenge)
{
	*s = (struct sasl){ .mechanism = SASL_EXTERNAL };
	if (!span_caseeq(span_word(&args), SPAN("EXTERNAL")))
		return SASL_UNKNOWN;
	return first(s, args, challenge);
}

enum sasl_next sasl_answer(struct sasl *s, const struct auth_user *user,
		const char **challenge)
{
	s->who = *user;
	if (!CFG_SASL_SCRAM || s->mechanism < SASL_SCRAM ||
			s->mechanism == SASL_EXTERNAL)
		return SASL_DONE;
	s->step++;
	return sasl_scram_answer(s, user, challenge);
}

void sasl_wipe(struct sasl *s)
{
	if (CFG_SASL_SCRAM) {
		str_free(&s->message);
		str_free(&s->expected);
		str_free(&s->challenge);
	}
	explicit_bzero(s, sizeof(*s));
}
