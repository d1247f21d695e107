/* Each answer by itself; what others say of it comes later. */
#include "mailconf/setup.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/idna.h"
#include "config.h"
#include "mime/addr.h"
#include "os/text.h"

static const char *check_kind(struct setup *s)
{
	static const struct {
		const char *digit, *word;
		unsigned kind;
	} kinds[] = {
		{ "1", "provider", SETUP_PROVIDER },
		{ "2", "server", SETUP_DIRECT },
		{ "3", "server-provider", SETUP_BOTH }
	};
	struct span value = span_of(s->value[SETUP_KIND]);

	s->kind = 0;
	for (size_t i = 0; i < 3; i++)
		if (span_is(value, kinds[i].digit) ||
				span_is(value, kinds[i].word))
			s->kind = kinds[i].kind;
	if (!s->kind)
		return T("Please type 1, 2 or 3.");
	if (s->kind != SETUP_PROVIDER && !(CFG_SMTPD && CFG_DELIVER &&
				CFG_MAILUSER))
		return T("This build has no servers: it can only send.");
	return NULL;
}

/* In A-labels and lower case, as DNS has it. */
static bool take_name(char out[SETUP_VALUE], const char *value)
{
	char ascii[IDNA_SIZE];
	unsigned char raw[16];

	return idna_ascii(ascii, span_of(value)) &&
		addr_domain(span_of(ascii)) &&
		inet_pton(AF_INET, value, raw) != 1 &&
		str_copys(out, SETUP_VALUE, ascii) == 0;
}

static const char *check_host(struct setup *s)
{
	char *value = s->value[SETUP_HOST];
	struct span name;

	if (!take_name(value, value))
		return T("That is no host name: letters, digits, hyphens and "
				"dots, as mail.example.org.");
	name = span_of(value);
	if (span_is(name, "localhost") || span_starts(name, "localhost."))
		return T("Every machine is localhost. Its name for others is "
				"wanted, as mail.example.org.");
	return NULL;
}

/* Only what needs no quotes anywhere; the local part may be all there is. */
static bool is_address(struct span s, bool domain)
{
	size_t at = span_rfind(s, '@');
	struct span local = span_sub(s, 0, at);
	struct addr a;

	return local.n && local.n <= 64 && local.p[0] != '-' &&
		span_isalnum(local, "._+-=~'&") &&
		(at < s.n ? addr_parse(s, &a, false) && addr_domain(a.domain) :
		 !domain);
}

/* Those without a domain get that of the host. */
static const char *check_users(struct setup *s)
{
	struct span rest = span_of(s->value[SETUP_USERS]), word;
	struct span domain = span_of(s->value[SETUP_HOST]);
	struct span parent = span_rest(domain, span_find(domain, '.') + 1);
	const char *wrong = NULL;
	struct str out;

	if (span_has(parent, '.'))
		domain = parent;
	if (span_is(rest, "-") || !rest.n) {
		s->value[SETUP_USERS][0] = '\0';
		return NULL;
	}
	str_init(&out, SETUP_VALUE - 1);
	while (!wrong && (word = span_word(&rest)).n) {
		if (word.p[word.n - 1] == ',')
			word.n--;
		if (!is_address(word, false))
			wrong = T("That is no list of users: alice bob, or "
					"alice@example.org.");
		str_addf(&out, out.n ? " %.*s" : "%.*s", SPAN_ARG(word));
		if (!span_has(word, '@'))
			str_addf(&out, "@%.*s", SPAN_ARG(domain));
	}
	if (!wrong && out.bad)
		wrong = T("These are too many at once: mailuser add takes "
				"more later.");
	if (!wrong)
		str_copys(s->value[SETUP_USERS], SETUP_VALUE, str_c(&out));
	str_free(&out);
	return wrong;
}

static const char *check_account(struct setup *s)
{
	struct span value = span_of(s->value[SETUP_ACCOUNT]);

	if (!value.n)
		return T("The name for the login is needed, mostly your "
				"address; - when there is no login.");
	if (span_has(value, '"') || span_has(value, ' '))
		return T("A login with a blank or a quote in it is not for "
				"setup: see smarthost in the manual.");
	return NULL;
}

/* A ! before it is setup.c's affair. */
static const char *check_server(struct setup *s)
{
	struct span value = span_of(s->value[SETUP_SERVER]), host;
	char name[SETUP_VALUE], text[SETUP_VALUE];
	unsigned char raw[16];
	unsigned port = 0;
	bool brackets;

	if (value.n && value.p[0] == '!')
		value = span_trim(span_rest(value, 1));
	if (!conf_split_port(value, &host, &port, &brackets) ||
			str_copy(text, sizeof(text), host) < 0 ||
			!(take_name(name, text) ||
				inet_pton(AF_INET, text, raw) == 1 ||
				inet_pton(AF_INET6, text, raw) == 1))
		return T("That is no server: HOST or HOST:PORT, as "
				"smtp.example.org:465.");
	return NULL;
}

static const char *check_password(struct setup *s)
{
	struct span value = span_of(s->value[SETUP_PASSWORD]);

	return span_has_control(value) || value.n > 255 ?
		T("A password has no control characters, and 255 octets at "
				"most.") : NULL;
}

/* Several, and whatever else an alias may have, only when it is there already. */
static const char *check_alerts(struct setup *s)
{
	struct span value = span_of(s->value[SETUP_ALERTS]);

	if (!value.n || span_is(value, "-")) {
		s->value[SETUP_ALERTS][0] = '\0';
		return NULL;
	}
	if (is_address(value, s->kind == SETUP_PROVIDER))
		return NULL;
	return T("That is no address, as you@example.org; - for none.");
}

const char *setup_check(struct setup *s, enum setup_field f)
{
	static const char *(*const checks[SETUP_FIELDS])(struct setup *s) = {
		check_kind, check_host, check_users, check_account,
		check_server, check_password, check_alerts
	};

	return checks[f](s);
}
