/* sasl_scram - the server's side of SCRAM-SHA-256 (RFC 5802, 7677)
 *
 * The keys stay with authd: here are the messages, what they bind to and the
 * nonces; there, whether a proof is good.
 */
#include "net/sasl.h"

#include <string.h>
#include "base/base64.h"
#include "base/utf8.h"
#include "os/rand.h"

#define NONCE_SIZE 24		/* ours: 142 bits */
#define NONCE_MOST 200		/* the client's: then our line is short, too */

/* -- attributes: "a=value" between commas (RFC 5802 5) -- */

static bool take(struct span *rest, char name, struct span *value)
{
	struct span s = span_cut(rest, ',');

	if (s.n < 2 || s.p[0] != name || s.p[1] != '=')
		return false;
	*value = span_rest(s, 2);
	return true;
}

/*
 * A saslname: "=2C" and "=3D" are what "," and "=" are written as. Names are
 * taken as they come, not mapped by SASLprep (RFC 4013): but what it would
 * forbid first of all, control characters, is not taken.
 */
static bool take_name(char to[SASL_TEXT + 1], struct span from)
{
	struct span name;
	size_t n = 0;
	char c;

	while (from.n && n < SASL_TEXT) {
		struct span code = span_sub(from, 0, 3);

		c = from.p[0];
		if (c == '=' && span_eq(code, SPAN("=2C")))
			c = ',';
		else if (c == '=' && !span_eq(code, SPAN("=3D")))
			return false;
		from = span_rest(from, from.p[0] == '=' ? 3 : 1);
		to[n++] = c;
	}
	to[n] = '\0';
	name = span_make(to, n);
	return n && !from.n && utf8_valid(name) && !span_has_control(name) &&
		!span_has(name, '\t');
}

/* RFC 5802 7: printable, and no comma. */
static bool is_nonce(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.n <= NONCE_MOST;
}

/* -- the client's first message -- */

/*
 * RFC 5802 6: with -PLUS the client names the kind of its binding, without it
 * none. One that could bind but believes that we cannot ("y") was lied to
 * about what we offer; it will be wrong.
 */
static bool take_flag(struct sasl *s, struct span flag, bool plus,
		struct str *bound)
{
	unsigned char data[TLS_BINDING_MOST];
	char type[32];
	size_t n;

	if (!plus) {
		s->wrong = span_eq(flag, SPAN("y")) &&
			sasl_can_bind(s->bind, s->conn);
		return s->wrong || span_eq(flag, SPAN("n")) ||
			span_eq(flag, SPAN("y"));
	}
	if (flag.n < 2 || flag.p[0] != 'p' || flag.p[1] != '=' ||
			str_copy(type, sizeof(type), span_rest(flag, 2)) < 0)
		return false;
	n = s->bind(s->conn, type, data);
	str_add(bound, span_make((const char *)data, n));
	return n > 0;
}

/* "c=" and "r=", with which the last message has to begin (RFC 5802 5.1). */
static void expect(struct sasl *s, struct span bound, struct span nonce)
{
	char ours[NONCE_SIZE + 1];

	rand_word(ours, NONCE_SIZE);
	str_init(&s->expected, AUTH_MESSAGE_MOST);
	str_adds(&s->expected, "c=");
	base64_put(&s->expected, bound);
	str_adds(&s->expected, ",r=");
	str_add(&s->expected, nonce);
	str_adds(&s->expected, ours);
}

enum sasl_next sasl_scram_first(struct sasl *s, struct span message,
		bool plus)
{
	struct span rest = message, name, nonce, act_for, flag, bare;
	struct str bound;		/* gs2-header, binding's data */
	bool fits;

	flag = span_cut(&rest, ',');
	act_for = span_cut(&rest, ',');
	bare = rest;
	/* "m=" would stand before "n=", and is then an error as it must be */
	if (!take(&rest, 'n', &name) || !take(&rest, 'r', &nonce) ||
			!take_name(s->user, name) || !is_nonce(nonce))
		return SASL_BAD;
	/* as in PLAIN: who somebody acts for is himself; gsasl says "a=" */
	if (act_for.n && (!take(&act_for, 'a', &rest) ||
			(rest.n && !span_eq(rest, name))))
		return SASL_BAD;
	str_init(&bound, AUTH_MESSAGE_MOST);
	str_add(&bound, span_sub(message, 0, bare.p - message.p));
	fits = take_flag(s, flag, plus, &bound) && !bound.bad;
	if (fits)
		expect(s, str_span(&bound), nonce);
	str_free(&bound);
	str_init(&s->message, AUTH_MESSAGE_MOST);
	str_add(&s->message, bare);
	if (!fits || s->expected.bad || s->message.bad)
		return SASL_BAD;
	s->question = SASL_ASK_SALT;
	return SASL_CHECK;
}

/* -- its last one -- */

static bool is_proof(struct sasl *s, struct span text)
{
	struct span proof;

	return take(&text, 'p', &proof) && base64_get(s->proof,
			sizeof(s->proof), proof) == sizeof(s->proof);
}

/* What stands between the nonce and the proof are extensions: not for us. */
enum sasl_next sasl_scram_final(struct sasl *s, struct span message)
{
	struct span expected = str_span(&s->expected);
	size_t end = span_rfind(message, ',');
	struct span rest = span_sub(message, expected.n, end - expected.n);

	if (end == message.n || !is_proof(s, span_rest(message, end + 1)))
		return SASL_BAD;
	if (end < expected.n || (rest.n && rest.p[0] != ',') ||
			!span_eq(span_sub(message, 0, expected.n), expected))
		s->wrong = true;
	str_addc(&s->message, ',');
	str_add(&s->message, span_sub(message, 0, end));
	if (s->message.bad)
		return SASL_BAD;
	s->question = SASL_ASK_PROOF;
	return SASL_CHECK;
}

/* -- our two -- */

/*
 * Of a failure the protocol itself tells; "e=" (RFC 5802 7: optional) would
 * say no more.
 */
enum sasl_next sasl_scram_answer(struct sasl *s, const struct auth_user *user,
		const char **challenge)
{
	struct span nonce = str_span(&s->expected);
	struct str text;

	str_init(&text, AUTH_MESSAGE_MOST);
	if (s->question == SASL_ASK_SALT) {
		span_cut(&nonce, ',');
		str_add(&text, nonce);
		str_addc(&text, ',');
		str_adds(&text, user->scram);
		str_addc(&s->message, ',');
		str_add(&s->message, str_span(&text));
	} else {
		str_adds(&text, "v=");
		str_adds(&text, user->scram);
	}
	str_free(&s->challenge);
	str_init(&s->challenge, BASE64_SIZE(AUTH_MESSAGE_MOST));
	base64_put(&s->challenge, str_span(&text));
	if (text.bad)
		s->challenge.bad = true;
	str_free(&text);
	*challenge = str_c(&s->challenge);
	return s->challenge.bad || s->message.bad ? SASL_BAD : SASL_CHALLENGE;
}
