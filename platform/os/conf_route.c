/* Where mail goes that is not ours: smarthost, route. */
#include "os/conf_row.h"

#include <string.h>
#include <sys/un.h>

#define PORT_SMTP 25
#define PORT_SUBMISSION 587
#define PORT_SUBMISSIONS 465	/* RFC 8314 3.3 */
#define PORT_LMTP 24		/* IANA: any private mail system */

static const char *const modes[] = {
	[CONF_TLS_NONE] = "none",
	[CONF_TLS_MAY] = "may",
	[CONF_TLS_STARTTLS] = "starttls",
	[CONF_TLS_TLS] = "tls",
};

/* A host name or an address, kept as DNS has it; NULL: neither, or no memory. */
static const char *keep_host(struct conf_load *l, struct span s)
{
	unsigned char addr[16];
	char ascii[IDNA_SIZE];
	struct span name = conf_host(ascii, s);
	bool v4;

	if (!name.n && conf_address(s, addr, &v4))
		name = s;
	return name.n ? conf_keep_lower(l, name) : NULL;
}

/* HOST[:PORT], with brackets about an IPv6 address. */
static int parse_host(struct conf_load *l, struct span word,
		const char **host, unsigned *port)
{
	struct span name;
	bool brackets;

	*host = conf_split_port(word, &name, port, &brackets) ?
		keep_host(l, name) : NULL;
	return *host ? 0 : conf_bad(l, word, "is no HOST[:PORT]");
}

/* The words after the host, as they came. */
struct options {
	const char *mode;		/* of modes[] */
	enum conf_tls tls;
	bool noverify;
};

static int set_mode(struct conf_load *l, struct options *o, struct span word)
{
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!span_is(word, modes[i]))
			continue;
		if (o->mode)
			return conf_error(l, "%s and %s", o->mode, modes[i]);
		o->mode = modes[i];
		o->tls = (enum conf_tls)i;
		return 0;
	}
	return conf_bad(l, word, "is not understood");
}

/* KEY=VALUE's value when word has this key. */
static bool has_key(struct span word, const char *key, struct span *value)
{
	if (!span_starts(word, key))
		return false;
	*value = span_rest(word, strlen(key));
	return true;
}

static int parse_option(struct conf_load *l, struct options *o,
		struct span word)
{
	struct conf_smarthost *s = &l->c->smarthost;
	struct span value;

	if (has_key(word, "user=", &value)) {
		s->user = conf_keep(l, value);
		return s->user ? 0 : -1;
	}
	if (has_key(word, "password-file=", &value)) {
		if (!value.n || value.p[0] != '/')
			return conf_bad(l, word,
					"has no path that begins with /");
		s->password_file = conf_keep(l, value);
		return s->password_file ? 0 : -1;
	}
	if (span_is(word, "noverify")) {
		o->noverify = true;
		return 0;
	}
	return set_mode(l, o, word);
}

/* What the words left open: see struct conf_smarthost. */
static void fill_in(struct conf_smarthost *s, const struct options *o)
{
	if (!s->port)
		s->port = o->mode && o->tls == CONF_TLS_TLS ?
			PORT_SUBMISSIONS : PORT_SUBMISSION;
	if (o->mode)
		s->tls = o->tls;
	else if (s->port == PORT_SUBMISSIONS)
		s->tls = CONF_TLS_TLS;
	else
		s->tls = s->port == PORT_SMTP ? CONF_TLS_MAY :
			CONF_TLS_STARTTLS;
	s->verify = s->tls >= CONF_TLS_STARTTLS && !o->noverify;
}

int conf_parse_smarthost(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_smarthost *s = &l->c->smarthost;
	struct options o = { 0 };

	(void)row;
	if (parse_host(l, words->v[0], &s->host, &s->port) < 0)
		return -1;
	for (size_t i = 1; i < words->n; i++)
		if (parse_option(l, &o, words->v[i]) < 0)
			return -1;
	if (s->user && !*s->user)
		return conf_error(l, "user= is empty");
	if (!s->user != !s->password_file)
		return conf_error(l, "user= and password-file= go together");
	fill_in(s, &o);
	return 0;
}

/* host[:port], in brackets where they are needed or asked for. */
static void put_host(struct str *out, const char *host, unsigned port,
		bool brackets)
{
	if (strchr(host, ':'))
		brackets = true;
	str_addf(out, brackets ? "[%s]:%u" : "%s:%u", host, port);
}

/* " keyvalue", in quotes where blanks need them. */
static void put_word(struct str *out, const char *key, const char *value)
{
	bool quotes = strchr(value, ' ') || strchr(value, '\t');

	str_addf(out, quotes ? " \"%s%s\"" : " %s%s", key, value);
}

void conf_print_smarthost(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_smarthost *s = &c->smarthost;

	(void)row;
	if (!s->host)
		return;
	put_host(out, s->host, s->port, false);
	str_addf(out, " %s", modes[s->tls]);
	if (s->user)
		put_word(out, "user=", s->user);
	if (s->password_file)
		put_word(out, "password-file=", s->password_file);
	if (s->tls >= CONF_TLS_STARTTLS && !s->verify)
		str_adds(out, " noverify");
}

static int bad_target(struct conf_load *l, struct span target)
{
	return conf_bad(l, target, "is no smtp:HOST, smtp:[HOST]:PORT, "
			"lmtp:[HOST]:PORT or lmtp:unix:PATH");
}

static int parse_unix(struct conf_load *l, struct conf_route *r,
		struct span path)
{
	if (!path.n || path.p[0] != '/')
		return conf_bad(l, path, "does not begin with /");
	if (path.n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return conf_error(l, "the socket's path is too long");
	r->is_unix = true;
	r->host = conf_keep(l, path);
	return r->host ? 0 : -1;
}

static int parse_target(struct conf_load *l, struct conf_route *r,
		struct span target)
{
	struct span rest = target, scheme = span_cut(&rest, ':'), host;
	bool brackets;

	r->lmtp = span_is(scheme, "lmtp");
	if (!r->lmtp && !span_is(scheme, "smtp"))
		return bad_target(l, target);
	if (r->lmtp && span_starts(rest, "unix:"))
		return parse_unix(l, r, span_rest(rest, 5));
	r->host = conf_split_port(rest, &host, &r->port, &brackets) ?
		keep_host(l, host) : NULL;
	if (!r->host)
		return bad_target(l, target);
	r->mx = !brackets;
	/* LMTP has no MX (RFC 2033 5), and an MX has no port but 25 */
	if (r->mx && (r->lmtp || r->port || !conf_is_host(span_of(r->host))))
		return bad_target(l, target);
	if (!r->port)
		r->port = r->lmtp ? PORT_LMTP : PORT_SMTP;
	return 0;
}

int conf_parse_route(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_route **end = &l->c->routes, *r;
	char ascii[IDNA_SIZE];
	struct span domain = span_is(words->v[0], "*") ? words->v[0] :
		conf_host(ascii, words->v[0]);

	(void)row;
	if (!domain.n)
		return conf_bad(l, words->v[0], "is neither a domain nor *");
	r = conf_alloc(l, sizeof(*r));
	if (!r)
		return -1;
	r->domain = conf_keep(l, domain);
	if (!r->domain || parse_target(l, r, words->v[1]) < 0)
		return -1;
	while (*end)
		end = &(*end)->next;
	*end = r;
	return 0;
}

static void put_route(struct str *out, const struct conf_route *r)
{
	str_adds(out, r->domain);
	if (r->is_unix) {
		put_word(out, "lmtp:unix:", r->host);
		return;
	}
	str_adds(out, r->lmtp ? " lmtp:" : " smtp:");
	if (r->mx)
		str_adds(out, r->host);
	else
		put_host(out, r->host, r->port, true);
}

void conf_print_route(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_route *r = c->routes; r; r = r->next) {
		put_route(out, r);
		if (r->next)
			str_addc(out, '\n');
	}
}
