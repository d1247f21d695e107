#include "net/sasl_client.h"

#include <string.h>
#include "base/base64.h"
#include "config.h"

#define NAME_MOST 255		/* octets of a user name, of a host name */
#define CHALLENGE_MOST 1024	/* octets of what a server says at once */

/* Our next message, not yet in base64; -1 with err. */
typedef int say_fn(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err);

/* The best first; bearer and those with passwords are never mixed. */
struct sasl_client_row {
	const char *name;
	bool on, bearer;
	bool waits;		/* the server speaks first */
	unsigned steps;		/* of our messages, when all goes well */
	say_fn *say;
};

static int too_much(struct err *err)
{
	return err_set(err, ERR_PROTO, "AUTH asks for too much");
}

/* -- passwords in plain -- */

/* RFC 4616 2; nobody to act for but the user himself */
static int say_plain(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	if (s->step)
		return too_much(err);
	(void)challenge;
	str_addc(out, '\0');
	str_adds(out, s->login->user);
	str_addc(out, '\0');
	str_adds(out, s->login->password);
	return 0;
}

/* The prompts differ from server to server: the user, then the password. */
static int say_login(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	(void)challenge;
	if (s->step > 1)
		return too_much(err);
	str_adds(out, s->step ? s->login->password : s->login->user);
	return 0;
}

/* -- access tokens: a refusal is a challenge with the reason as JSON -- */

static int keep_reason(struct sasl_client *s, struct span json,
		struct err *err)
{
	size_t n = 0;

	if (s->step > 1)
		return too_much(err);
	for (; json.n && n < sizeof(s->why) - 1; json = span_rest(json, 1))
		if (json.p[0] >= ' ' && json.p[0] < 127)
			s->why[n++] = json.p[0];
	s->why[n] = '\0';
	return 0;
}

/*
 * As Google and Microsoft have published it: user=NAME ^A auth=Bearer TOKEN ^A
 * ^A. A reason is answered with an empty message, then the refusal comes.
 */
static int say_xoauth2(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	if (s->step)
		return keep_reason(s, challenge, err);
	str_addf(out, "user=%s\1auth=Bearer %s\1\1", s->login->user,
			s->login->password);
	return 0;
}

/* RFC 5801 4, 5802 5.1: a name between commas */
static void put_saslname(struct str *out, const char *name)
{
	for (; *name; name++) {
		if (*name == ',')
			str_adds(out, "=2C");
		else if (*name == '=')
			str_adds(out, "=3D");
		else
			str_addc(out, *name);
	}
}

/* RFC 7628 3.1; 3.2.3: a reason is answered with a lone ^A */
static int say_oauthbearer(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	const struct sasl_login *login = s->login;

	if (s->step) {
		str_addc(out, '\1');
		return keep_reason(s, challenge, err);
	}
	str_adds(out, "n,a=");
	put_saslname(out, login->user);
	str_addc(out, ',');
	if (login->host)
		str_addf(out, "\1host=%s", login->host);
	if (login->port)
		str_addf(out, "\1port=%u", login->port);
	str_addf(out, "\1auth=Bearer %s\1\1", login->password);
	return 0;
}

/* -- the choice -- */

static const struct sasl_client_row rows[] = {
	{ "PLAIN", true, false, false, 1, say_plain },
	{ "LOGIN", true, false, true, 2, say_login },
	{ "OAUTHBEARER", CFG_SASL_BEARER, true, false, 1, say_oauthbearer },
	{ "XOAUTH2", CFG_SASL_BEARER, true, false, 1, say_xoauth2 }
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

unsigned sasl_client_bit(struct span name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].on && span_is(name, rows[i].name))
			return 1u << i;
	return 0;
}

static bool will_do(const struct sasl_client_row *row,
		const struct sasl_login *login)
{
	if (!row->on || row->bearer != login->bearer)
		return false;
	return !login->mechanism || span_is(span_of(row->name),
			login->mechanism);
}

/* "neither X nor Y is offered", as far as the names go. */
static int no_mechanism(const struct sasl_login *login, struct err *err)
{
	struct str names;

	str_init(&names, 120);
	for (unsigned i = 0; i < ROWS; i++)
		if (will_do(&rows[i], login))
			str_addf(&names, "%s%s", names.n ? ", " : "",
					rows[i].name);
	if (names.n)
		err_set(err, ERR_AUTH, "AUTH %s is not offered",
				str_c(&names));
	else if (login->mechanism)
		err_set(err, ERR_AUTH, "AUTH %s is none that we know",
				login->mechanism);
	else
		err_set(err, ERR_AUTH, "logging in with a token was not "
				"built in");
	str_free(&names);
	return -1;
}

int sasl_client_start(struct sasl_client *s, const struct sasl_login *login,
		unsigned offered, struct err *err)
{
	*s = (struct sasl_client){ .login = login };
	if (strlen(login->user) > NAME_MOST || strlen(login->password) >
			(login->bearer ? SASL_TOKEN_MOST : NAME_MOST))
		return err_set(err, ERR_AUTH, "user or password is too long");
	for (unsigned i = 0; i < ROWS && !s->row; i++)
		if (offered & 1u << i && will_do(&rows[i], login))
			s->row = &rows[i];
	return s->row ? 0 : no_mechanism(login, err);
}

const char *sasl_client_mechanism(const struct sasl_client *s)
{
	return s->row->name;
}

bool sasl_client_waits(const struct sasl_client *s)
{
	return s->row->waits;
}

/* -- messages -- */

int sasl_client_step(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	char text[CHALLENGE_MOST];
	ssize_t n = base64_get(text, sizeof(text), challenge);
	struct str message;
	int rc;

	/* what LOGIN's prompts say matters to nobody, nor the first asking */
	if (n < 0 && s->step && s->row->say != say_login)
		return err_set(err, ERR_PROTO, "what AUTH asks is not base64");
	str_init_secret(&message, 3 * NAME_MOST + SASL_TOKEN_MOST + 80);
	rc = s->row->say(s, span_make(text, n > 0 ? (size_t)n : 0), &message,
			err);
	s->step++;
	str_init_secret(out, BASE64_SIZE(message.n));
	if (!rc)
		base64_put(out, str_span(&message));
	if (!rc && (message.bad || out->bad))
		rc = err_nomem(err);
	str_wipe(&message);
	return rc;
}

bool sasl_client_done(const struct sasl_client *s)
{
	return s->step == s->row->steps;
}

void sasl_client_wipe(struct sasl_client *s)
{
	explicit_bzero(s, sizeof(*s));
}
