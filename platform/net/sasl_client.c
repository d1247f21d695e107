#include "net/sasl_client_private.h"

#include <string.h>
#include "base/base64.h"
#include "config.h"

#define CHALLENGE_MOST 1024	/* octets of what a server says at once */
#define MESSAGE_MOST (4 * SASL_NAME_MOST + SASL_TOKEN_MOST + 80)	/* ours */

/* The best first; bearer and those with passwords are never mixed. */
struct sasl_client_row {
	const char *name;
	bool bearer;
	bool waits;		/* the server speaks first */
	unsigned steps;		/* of our messages, when all goes well */
	bool plus;		/* it is bound to the connection */
	sasl_say_fn *say;
};

int sasl_asks_too_much(struct err *err)
{
	return err_set(err, ERR_PROTO, "AUTH asks for too much");
}

void sasl_put_name(struct str *out, const char *name)
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

/* -- passwords in plain -- */

/* RFC 4616 2; nobody to act for but the user himself */
static int say_plain(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	if (s->step)
		return sasl_asks_too_much(err);
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
		return sasl_asks_too_much(err);
	str_adds(out, s->step ? s->login->password : s->login->user);
	return 0;
}

/* -- the choice -- */

static const struct sasl_client_row rows[] = {
	USE_SASL_PLUS_CLIENT({ "SCRAM-SHA-256-PLUS", false, false, 3, true,
		sasl_say_scram },)
	USE_SASL_SCRAM_CLIENT({ "SCRAM-SHA-256", false, false, 3, false,
		sasl_say_scram },)
	{ "PLAIN", false, false, 1, false, say_plain },
	{ "LOGIN", false, true, 2, false, say_login },
	USE_SASL_BEARER({ "OAUTHBEARER", true, false, 1, false,
		sasl_say_oauthbearer },)
	USE_SASL_BEARER({ "XOAUTH2", true, false, 1, false,
		sasl_say_xoauth2 },)
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

unsigned sasl_client_bit(struct span name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (span_is(name, rows[i].name))
			return 1u << i;
	return 0;
}

static bool will_do(const struct sasl_client_row *row,
		const struct sasl_login *login)
{
	if (row->bearer != login->bearer || (row->plus && !login->nbound))
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

/*
 * RFC 5802 6: who could bind, and is not offered it, says so: if it was
 * offered, and somebody between took that out, the server then knows.
 */
static char flag_of(const struct sasl_client *s, unsigned offered)
{
	bool offers = offered & sasl_client_bit(SPAN("SCRAM-SHA-256-PLUS"));

	return s->row->plus ? 'p' : s->login->nbound && !offers ? 'y' : 'n';
}

int sasl_client_start(struct sasl_client *s, const struct sasl_login *login,
		unsigned offered, struct err *err)
{
	*s = (struct sasl_client){ .login = login };
	if (strlen(login->user) > SASL_NAME_MOST || strlen(login->password) >
			(login->bearer ? SASL_TOKEN_MOST : SASL_NAME_MOST))
		return err_set(err, ERR_AUTH, "user or password is too long");
	if (login->bearer && (span_has_control(span_of(login->user)) ||
			span_has_control(span_of(login->password))))
		return err_set(err, ERR_AUTH, "user or token cannot be sent");
	for (unsigned i = 0; i < ROWS && !s->row; i++)
		if (offered & 1u << i && will_do(&rows[i], login))
			s->row = &rows[i];
	if (!s->row)
		return no_mechanism(login, err);
	if (CFG_SASL_PLUS_CLIENT)
		s->flag = flag_of(s, offered);
	return 0;
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

/* What is asked before our first message is asked for nothing: not looked at. */
int sasl_client_step(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	char text[CHALLENGE_MOST];
	ssize_t n = base64_get(text, sizeof(text), challenge);
	struct str message;
	int rc;

	str_init(out, BASE64_SIZE(MESSAGE_MOST));
	/* ... and what LOGIN's prompts say matters to nobody */
	if (n < 0 && s->step && s->row->say != say_login)
		return err_set(err, ERR_PROTO, "what AUTH asks is not base64");
	str_init_secret(&message, MESSAGE_MOST);
	rc = s->row->say(s, span_make(text, n > 0 ? (size_t)n : 0), &message,
			err);
	if (!rc) {
		s->step++;
		str_init_secret(out, BASE64_SIZE(message.n));
		base64_put(out, str_span(&message));
		if (message.bad || out->bad)
			rc = err_nomem(err);
	}
	str_wipe(&message);
	return rc;
}

bool sasl_client_done(const struct sasl_client *s)
{
	return s->step == s->row->steps;
}

void sasl_client_wipe(struct sasl_client *s)
{
	if (CFG_SASL_SCRAM_CLIENT)
		sasl_scram_free(s);
	explicit_bzero(s, sizeof(*s));
}
