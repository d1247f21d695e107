/* The kind smarthost: who takes what is not ours; one table of its options. */
#include "os/conf_row.h"
#include "base/utf8.h"
#include "config.h"

#include <string.h>

#include "config.h"

#define PORT_SMTP 25
#define PORT_SUBMISSION 587
#define PORT_SUBMISSIONS 465	/* RFC 8314 3.3 */
#define NULL_SENDER "<>"

static const char *const modes[] = {
	[CONF_TLS_NONE] = "none",
	[CONF_TLS_MAY] = "may",
	[CONF_TLS_STARTTLS] = "starttls",
	[CONF_TLS_TLS] = "tls",
};

/* ---- options: one row each, KEY= with a value or a word alone */

struct option {
	const char *key;
	unsigned short offset;		/* in struct conf_smarthost */
	int (*parse)(struct conf_load *l, void *at, struct span value);
	void (*print)(struct str *out, const struct conf_smarthost *s,
			const struct option *o);
};

static int parse_text(struct conf_load *l, void *at, struct span value)
{
	const char **text = at;

	if (*text || !value.n)
		return conf_bad(l, value, *text ? "is a second value" :
				"is empty");
	*text = conf_keep(l, value);
	return *text ? 0 : -1;
}

static int parse_path(struct conf_load *l, void *at, struct span value)
{
	if (!value.n || value.p[0] != '/')
		return conf_bad(l, value, "does not begin with /");
	return parse_text(l, at, value);
}

static void print_text(struct str *out, const struct conf_smarthost *s,
		const struct option *o)
{
	const char *text = *(const char *const *)((const char *)s + o->offset);

	if (text)
		conf_put_word(out, o->key, text);
}

/* Of those that sasl_client knows: SASL's name, and is a token what it takes? */
static const struct mechanism {
	const char *name;
	bool bearer;
} mechanisms[] = {
	{ "PLAIN", false }, { "LOGIN", false }, { "SCRAM-SHA-256", false },
	USE_SASL_PLUS_CLIENT({ "SCRAM-SHA-256-PLUS", false },)
	{ "XOAUTH2", true }, { "OAUTHBEARER", true }
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static int parse_mechanism(struct conf_load *l, void *at, struct span value)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (span_is(value, mechanisms[i].name)) {
			*(const char **)at = mechanisms[i].name;
			return 0;
		}
	return conf_bad(l, value, "is no mechanism that we know");
}

static void print_mechanism(struct str *out, const struct conf_smarthost *s,
		const struct option *o)
{
	str_adds(out, s->mechanism ? " auth=" : "");
	for (const char *c = s->mechanism; c && *c; c++)
		str_addc(out, ascii_lower(*c));
	(void)o;
}

static int parse_from(struct conf_load *l, void *at, struct span list)
{
	char text[CONF_USER_SIZE];

	do {
		struct span word = span_cut(&list, ',');
		struct span from = span_is(word, NULL_SENDER) ? word :
			conf_mailbox(text, word);

		if (!from.n)
			return conf_bad(l, word, "is neither ADDRESS nor "
					"@DOMAIN");
		if (conf_add_word(l, at, from) < 0)
			return -1;
	} while (list.n);
	return 0;
}

static void print_from(struct str *out, const struct conf_smarthost *s,
		const struct option *o)
{
	const char *before = " from=";

	(void)o;
	for (const struct conf_word *w = s->from; w; w = w->next) {
		str_addf(out, "%s%s", before, w->text);
		before = ",";
	}
}

static int parse_sender(struct conf_load *l, void *at,
		struct span value)
{
	char text[CONF_USER_SIZE];
	struct span sender = conf_mailbox(text, value);

	if (!CFG_MASQUERADE)
		return conf_error(l, "sender= is not in this build");
	if (!sender.n || sender.p[0] == '@' || !utf8_ascii(sender))
		return conf_bad(l, value, "is no ADDRESS in ASCII");
	return parse_text(l, at, sender);
}

static int parse_hashes(struct conf_load *l, void *at, struct span list)
{
	if (!CFG_TLS_POLICY)
		return conf_error(l, "fingerprint= is not in this build");
	return conf_add_hashes(l, at, list);
}

static void print_hashes(struct str *out, const struct conf_smarthost *s,
		const struct option *o)
{
	if (!CFG_TLS_POLICY || !s->pins)
		return;
	str_addf(out, " %s", o->key);
	conf_put_hashes(out, s->pins);
}

static int set_noverify(struct conf_load *l, void *at, struct span value)
{
	(void)l;
	(void)value;
	*(bool *)at = false;
	return 0;
}

static void print_noverify(struct str *out, const struct conf_smarthost *s,
		const struct option *o)
{
	if (s->tls >= CONF_TLS_STARTTLS && !s->verify)
		str_addf(out, " %s", o->key);
}

#define AT(field) offsetof(struct conf_smarthost, field)
static const struct option options[] = {
	{ "user=", AT(user), parse_text, print_text },
	{ "password-file=", AT(password_file), parse_path, print_text },
	{ "password-command=", AT(password_command), parse_text, print_text },
	{ "token-file=", AT(token_file), parse_path, print_text },
	{ "token-command=", AT(token_command), parse_text, print_text },
	{ "auth=", AT(mechanism), parse_mechanism, print_mechanism },
	{ "noverify", AT(verify), set_noverify, print_noverify },
	{ "from=", AT(from), parse_from, print_from },
	{ "sender=", AT(sender), parse_sender, print_text },
	{ "fingerprint=", AT(pins), parse_hashes, print_hashes },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* ---- a line */

/* *mode: of modes[], what the line said so far. */
static int set_mode(struct conf_load *l, struct conf_smarthost *s,
		const char **mode, struct span word)
{
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!span_is(word, modes[i]))
			continue;
		if (*mode)
			return conf_error(l, "%s and %s", *mode, modes[i]);
		*mode = modes[i];
		s->tls = (enum conf_tls)i;
		return 0;
	}
	return conf_bad(l, word, "is not understood");
}

static int parse_word(struct conf_load *l, struct conf_smarthost *s,
		const char **mode, struct span word)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];
		size_t n = strlen(o->key);

		if (o->key[n - 1] == '=' ? span_starts(word, o->key) :
				span_is(word, o->key))
			return o->parse(l, (char *)s + o->offset,
					span_rest(word, n));
	}
	return set_mode(l, s, mode, word);
}

/* What the words left open: see struct conf_smarthost. */
static void fill_in(struct conf_smarthost *s, bool mode)
{
	if (!s->port)
		s->port = mode && s->tls == CONF_TLS_TLS ? PORT_SUBMISSIONS :
			PORT_SUBMISSION;
	if (!mode && s->port == PORT_SUBMISSIONS)
		s->tls = CONF_TLS_TLS;
	else if (!mode)
		s->tls = s->port == PORT_SMTP && !s->pins ? CONF_TLS_MAY :
			CONF_TLS_STARTTLS;
	s->verify = s->verify && s->tls >= CONF_TLS_STARTTLS;
}

static bool is_bearer(const char *mechanism)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (strcmp(mechanism, mechanisms[i].name) == 0)
			return mechanisms[i].bearer;
	return false;
}

/* A user has one secret, of the kind that his mechanism takes. */
static int check_secret(struct conf_load *l, const struct conf_smarthost *s)
{
	bool token = s->token_file || s->token_command;
	unsigned n = !!s->password_file + !!s->password_command
		+ !!s->token_file + !!s->token_command;

	if (n > 1)
		return conf_error(l, "more than one password or token");
	if (!s->user != !n)
		return conf_error(l, "user= and password-file=, "
				"password-command=, token-file= or "
				"token-command= go together");
	if (s->mechanism && (!s->user || is_bearer(s->mechanism) != token))
		return conf_error(l, "auth= does not go with %s", !s->user ?
				"no user" : token ? "a token" : "a password");
	if (token && !CFG_SASL_BEARER)
		return conf_error(l, "tokens are not in this build");
	if (!CFG_SECRET_COMMANDS && (s->password_command || s->token_command))
		return conf_error(l, "commands are not in this build");
	if (s->token_file && !CFG_OAUTH)
		return conf_error(l, "token-file= is not in this build");
	/* RFC 6750 5.3, RFC 7628 4 */
	if (token && s->tls < CONF_TLS_STARTTLS)
		return conf_error(l, "a token goes over TLS only");
	return 0;
}

/* HOST[:PORT], with brackets about an IPv6 address. */
static int parse_host(struct conf_load *l, struct conf_smarthost *s,
		struct span word)
{
	struct span name;
	bool brackets;

	s->host = conf_split_port(word, &name, &s->port, &brackets) ?
		conf_keep_host(l, name) : NULL;
	return s->host ? 0 : conf_bad(l, word, "is no HOST[:PORT]");
}

int conf_parse_smarthost(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_smarthost **end = &l->c->smarthosts;
	struct conf_smarthost *s = conf_alloc(l, sizeof(*s));
	const char *mode = NULL;

	(void)row;
	if (!s || parse_host(l, s, words->v[0]) < 0)
		return -1;
	s->verify = true;
	for (size_t i = 1; i < words->n; i++)
		if (parse_word(l, s, &mode, words->v[i]) < 0)
			return -1;
	fill_in(s, mode != NULL);
	if (s->pins && !s->verify)
		return conf_error(l, "fingerprint= goes with tls or starttls, "
				"and not with noverify");
	if (check_secret(l, s) < 0)
		return -1;
	while (*end)
		end = &(*end)->next;
	*end = s;
	return 0;
}

void conf_print_smarthost(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_smarthost *s = c->smarthosts; s; s = s->next) {
		conf_put_host(out, s->host, s->port, false);
		str_addf(out, " %s", modes[s->tls]);
		for (size_t i = 0; i < OPTIONS; i++)
			options[i].print(out, s, &options[i]);
		if (s->next)
			str_addc(out, '\n');
	}
}

/* ---- which of them */

/* How well a line fits a sender; the best that any line has is what counts. */
enum fit { FIT_NOT, FIT_ALL, FIT_DOMAIN, FIT_ADDRESS };

static enum fit fit_word(struct span word, struct span local,
		struct span domain)
{
	size_t at = span_rfind(word, '@');

	if (at == word.n)	/* NULL_SENDER */
		return local.n || domain.n ? FIT_NOT : FIT_ADDRESS;
	if (!span_caseeq(span_rest(word, at + 1), domain))
		return FIT_NOT;
	if (!at)
		return FIT_DOMAIN;
	return span_caseeq(span_sub(word, 0, at), local) ? FIT_ADDRESS :
		FIT_NOT;
}

static enum fit fit_line(const struct conf_smarthost *s, struct span local,
		struct span domain)
{
	enum fit best = s->from ? FIT_NOT : FIT_ALL, fit;

	for (const struct conf_word *w = s->from; w; w = w->next) {
		fit = fit_word(span_of(w->text), local, domain);
		if (fit > best)
			best = fit;
	}
	return best;
}

const struct conf_smarthost *conf_smarthost(const struct conf *c,
		const struct conf_smarthost *after, const char *sender)
{
	struct span from = span_of(sender);
	size_t at = span_rfind(from, '@');
	struct span local = span_sub(from, 0, at), domain;
	const struct conf_smarthost *s = after ? after->next : c->smarthosts;
	enum fit best = FIT_ALL, fit;
	char ascii[IDNA_SIZE];

	domain = conf_host(ascii, span_rest(from, at + 1));
	for (const struct conf_smarthost *i = c->smarthosts; i; i = i->next) {
		fit = fit_line(i, local, domain);
		if (fit > best)
			best = fit;
	}
	while (s && fit_line(s, local, domain) != best)
		s = s->next;
	return s;
}
