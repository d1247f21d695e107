/* smtp_server_xclient - XCLIENT: a front end says who its client is
 *
 * Postfix's XCLIENT_README. Only who is in xclient-from is offered and may
 * use it; what it says is believed.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mime/dsn.h"
#include "net/smtp_server_private.h"
#include "os/log.h"

#define VALUE_MOST 255

/* What the attributes of one command say. */
struct xclient {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	in_port_t port;
	bool has_login, has_proto, esmtp;
	struct str login, hello;
};

bool smtp_offers_xclient(const struct smtp_session *s)
{
	return s->policy->moved && s->priv->front_end;
}

static bool set_ignored(struct xclient *x, struct span value)
{
	(void)x, (void)value;
	return true;
}

/* An address that is not known must not be the front end's, which is trusted. */
static bool set_addr(struct xclient *x, struct span value)
{
	bool v6 = span_starts(value, "IPV6:");
	char text[INET6_ADDRSTRLEN];

	memset(&x->addr, 0, sizeof(x->addr));
	x->addr.any.sa_family = v6 ? AF_INET6 : AF_INET;
	if (!value.n)
		return true;
	return str_copy(text, sizeof(text), span_rest(value, v6 ? 5 : 0)) == 0
		&& inet_pton(x->addr.any.sa_family, text, v6 ?
				(void *)&x->addr.v6.sin6_addr :
				(void *)&x->addr.v4.sin_addr) == 1;
}

static bool set_port(struct xclient *x, struct span value)
{
	unsigned long port = 0;

	if (value.n && !span_number(value, 65535, &port))
		return false;
	x->port = htons((uint16_t)port);
	return true;
}

static bool set_proto(struct xclient *x, struct span value)
{
	x->has_proto = true;
	x->esmtp = span_is(value, "ESMTP");
	return x->esmtp || span_is(value, "SMTP") || !value.n;
}

static bool set_hello(struct xclient *x, struct span value)
{
	str_clear(&x->hello);
	str_add(&x->hello, value);
	return !value.n || smtp_is_hello(value);
}

static bool set_login(struct xclient *x, struct span value)
{
	x->has_login = true;
	str_clear(&x->login);
	str_add(&x->login, value);
	return true;
}

/* A name is for logs that we do not keep: the address says it all. */
static const struct {
	const char *name;
	bool (*set)(struct xclient *x, struct span value);
} attributes[] = {
	{ "NAME", set_ignored }, { "ADDR", set_addr }, { "PORT", set_port },
	{ "PROTO", set_proto }, { "HELO", set_hello }, { "LOGIN", set_login }
};

/* Empty for what is not there; false: no xtext. */
static bool decode(struct str *out, struct span value)
{
	if (span_is(value, "[UNAVAILABLE]") || span_is(value, "[TEMPUNAVAIL]"))
		return true;
	return value.n && dsn_decode(out, value) && !out->bad;
}

static bool set_attribute(struct xclient *x, struct span word)
{
	struct span value = word, name = span_cut(&value, '=');
	struct str text;
	bool good = false;

	str_init(&text, VALUE_MOST);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (span_is(name, attributes[i].name))
			good = name.n < word.n && decode(&text, value) &&
				attributes[i].set(x, str_span(&text));
	str_free(&text);
	return good;
}

static bool parse(struct xclient *x, struct span args)
{
	struct span word;

	while ((word = span_word(&args)).n)
		if (!set_attribute(x, word))
			return false;
	return true;
}

/* As if the client had just come, but for TLS. */
static bool begin_again(struct smtp_session *s, const struct xclient *x)
{
	struct smtp_server_private *p = s->priv;
	char *login = NULL, *hello = NULL;

	if ((x->login.n && !(login = strdup(str_c(&x->login)))) ||
			(x->hello.n && !(hello = strdup(str_c(&x->hello))))) {
		free(login);
		return false;
	}
	/* who logged in before was somebody else */
	if (x->has_login || x->addr.any.sa_family) {
		free(p->auth_user);
		p->auth_user = login;
		s->auth_user = login;
	}
	free(p->hello);
	p->hello = hello;
	s->hello = hello;
	s->esmtp = x->has_proto && x->esmtp;
	s->moved = true;
	smtp_transaction_end(s);
	smtp_set_state(s, hello ? SMTP_READY : SMTP_START);
	return true;
}

static void take(struct smtp_session *s, struct xclient *x)
{
	const char *why;

	/* both families keep the port at the same place */
	x->addr.v4.sin_port = x->port;
	why = x->addr.any.sa_family ? s->policy->moved(s, &x->addr.any) : NULL;
	if (why) {
		smtp_reply_write(s->conn, 421, "4.7.0", why);
		smtp_end(s);
	} else if (!begin_again(s, x)) {
		smtp_say(s, SMTP_NO_MEMORY);
	} else {
		smtp_greet(s);
	}
}

void smtp_run_xclient(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	struct xclient x = { .port = 0 };

	(void)d;
	if (!smtp_offers_xclient(s)) {
		smtp_say(s, SMTP_XCLIENT_DENIED);
		return;
	}
	str_init(&x.login, VALUE_MOST);
	str_init(&x.hello, VALUE_MOST);
	if (!parse(&x, args))
		smtp_say(s, SMTP_BAD_PARAMETER);
	else if (x.login.bad || x.hello.bad)
		smtp_say(s, SMTP_NO_MEMORY);
	else
		take(s, &x);
	str_free(&x.login);
	str_free(&x.hello);
}
