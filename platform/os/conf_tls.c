/* The kinds of our side of TLS: more certificates, ciphers, clients' certificates. */
#include "os/conf_row.h"

#include <string.h>

#define HOSTS_MOST 64		/* a certificate each, in memory */
#define CERTS_MOST 1000		/* of clients, known by their hash */

static bool is_pattern(struct span name)
{
	if (span_is(name, "*"))
		return true;
	return conf_is_host(span_starts(name, "*.") ? span_rest(name, 2) :
			name);
}

static const char *path(struct conf_load *l, struct span word)
{
	if (word.n && word.p[0] == '/')
		return conf_keep(l, word);
	conf_bad(l, word, "does not begin with /");
	return NULL;
}

int conf_parse_tls_host(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_tls_host **end = &l->c->tls_hosts, *h;
	unsigned n = 0;

	(void)row;
	for (; *end; end = &(*end)->next)
		n++;
	if (n == HOSTS_MOST)
		return conf_error(l, "more than %d lines", HOSTS_MOST);
	if (!is_pattern(words->v[0]))
		return conf_bad(l, words->v[0],
				"is neither a host name, *.DOMAIN nor *");
	h = conf_alloc(l, sizeof(*h));
	if (!h)
		return -1;
	h->name = conf_keep_lower(l, words->v[0]);
	h->cert = path(l, words->v[1]);
	h->key = h->cert ? path(l, words->v[2]) : NULL;
	if (!h->name || !h->key)
		return -1;
	*end = h;
	return 0;
}

/* With quotes about it where it has blanks. */
static void put_word(struct str *out, const char *word)
{
	bool quotes = strpbrk(word, " \t#");

	str_addf(out, quotes ? " \"%s\"" : " %s", word);
}

void conf_print_tls_host(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_tls_host *h = c->tls_hosts; h; h = h->next) {
		str_adds(out, h->name);
		put_word(out, h->cert);
		put_word(out, h->key);
		if (h->next)
			str_addc(out, '\n');
	}
}

/* Which there are is the library's business: net/tls_conf.c asks it. */
int conf_parse_ciphers(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		if (!words->v[i].n || !span_isalnum(words->v[i], "_-"))
			return conf_bad(l, words->v[i], "is no cipher's name");
		if (conf_add_word(l, &l->c->tls_ciphers, words->v[i]) < 0)
			return -1;
	}
	return 0;
}

static const char *const modes[] = {
	[CONF_CLIENT_NO] = "no", [CONF_CLIENT_REQUEST] = "request",
	[CONF_CLIENT_REQUIRE] = "require"
};

static int set_client(struct conf_load *l, struct span service,
		unsigned char mode)
{
	for (int i = 0; i < CONF_CLIENT_SERVICES; i++)
		if (span_is(service,
				conf_service_name((enum conf_service)i))) {
			l->c->tls_client[i] = mode;
			return 0;
		}
	return conf_bad(l, service,
			"is neither smtp, submission nor smtps");
}

int conf_parse_tls_client(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	unsigned char mode = CONF_CLIENT_NO;

	(void)row;
	while (mode <= CONF_CLIENT_REQUIRE &&
			!span_is(words->v[0], modes[mode]))
		mode++;
	if (mode > CONF_CLIENT_REQUIRE)
		return conf_bad(l, words->v[0],
				"is neither no, request nor require");
	if (words->n == 1)
		memset(l->c->tls_client, mode, sizeof(l->c->tls_client));
	for (size_t i = 1; i < words->n; i++)
		if (set_client(l, words->v[i], mode) < 0)
			return -1;
	return 0;
}

void conf_print_tls_client(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const unsigned char *mode = c->tls_client;

	(void)row;
	if (mode[CONF_SMTP] == mode[CONF_SUBMISSION] &&
			mode[CONF_SMTP] == mode[CONF_SMTPS]) {
		str_adds(out, modes[*mode]);
		return;
	}
	for (int i = 0; i < CONF_CLIENT_SERVICES; i++)
		str_addf(out, "%s%s %s", i ? "\n" : "", modes[mode[i]],
				conf_service_name((enum conf_service)i));
}

static int nibble(char c)
{
	c = ascii_lower(c);
	if (ascii_isdigit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool conf_read_hash(struct span s, unsigned char hash[CONF_HASH_SIZE])
{
	size_t step = s.n > 2 && s.p[2] == ':' ? 3 : 2;

	if (s.n != CONF_HASH_SIZE * step - (step - 2))
		return false;
	for (size_t i = 0, at = 0; i < CONF_HASH_SIZE; i++, at += step) {
		int high = nibble(s.p[at]), low = nibble(s.p[at + 1]);

		if (high < 0 || low < 0 || (step == 3 && at + 2 < s.n &&
				s.p[at + 2] != ':'))
			return false;
		hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static int add_cert(struct conf_load *l, struct span hash, const char *user)
{
	struct conf_cert **end = &l->c->client_certs, *cert;
	unsigned n = 0;

	for (; *end; end = &(*end)->next)
		n++;
	if (n == CERTS_MOST)
		return conf_error(l, "more than %d certificates", CERTS_MOST);
	cert = conf_alloc(l, sizeof(*cert));
	if (!cert)
		return -1;
	cert->user = user;
	if (!conf_read_hash(hash, cert->hash))
		return conf_bad(l, hash, "is no SHA-256 in hexadecimal");
	*end = cert;
	return 0;
}

int conf_parse_certs(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row;
	for (size_t i = 0; i < words->n; i++)
		if (add_cert(l, words->v[i], NULL) < 0)
			return -1;
	return 0;
}

/* Two users of one certificate: which of them has come could not be told. */
int conf_parse_tls_user(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	unsigned char hash[CONF_HASH_SIZE];
	const char *user;

	(void)row;
	if (!conf_is_user(words->v[1]))
		return conf_bad(l, words->v[1], "is no user's name");
	if (conf_read_hash(words->v[0], hash) && conf_cert_user(l->c, hash))
		return conf_bad(l, words->v[0], "has a user already");
	user = conf_keep(l, words->v[1]);
	return user ? add_cert(l, words->v[0], user) : -1;
}

static void put_certs(const struct conf *c, bool users, struct str *out)
{
	const char *lead = "";

	for (const struct conf_cert *p = c->client_certs; p; p = p->next) {
		if (users != (p->user != NULL))
			continue;
		str_adds(out, lead);
		for (size_t i = 0; i < CONF_HASH_SIZE; i++)
			str_addf(out, "%02x", p->hash[i]);
		if (p->user)
			str_addf(out, " %s", p->user);
		lead = "\n";
	}
}

void conf_print_certs(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	put_certs(c, false, out);
}

void conf_print_tls_user(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	put_certs(c, true, out);
}

static const struct conf_cert *find_cert(const struct conf *c,
		const unsigned char hash[CONF_HASH_SIZE], bool user)
{
	const struct conf_cert *p = c->client_certs;

	while (p && (user != (p->user != NULL) ||
			memcmp(p->hash, hash, CONF_HASH_SIZE) != 0))
		p = p->next;
	return p;
}

const char *conf_cert_user(const struct conf *c,
		const unsigned char hash[CONF_HASH_SIZE])
{
	const struct conf_cert *p = find_cert(c, hash, true);

	return p ? p->user : NULL;
}

bool conf_cert_relays(const struct conf *c,
		const unsigned char hash[CONF_HASH_SIZE])
{
	return find_cert(c, hash, false) != NULL;
}

/* Where nothing is said, who is known by a certificate is asked for it. */
int conf_check_tls_client(struct conf_load *l)
{
	struct conf *c = l->c;
	bool any = c->tls_client_ca || c->client_certs;

	l->name = "tls-client";
	for (int i = 0; i < CONF_CLIENT_SERVICES; i++) {
		if (c->tls_client[i] == CONF_CLIENT_UNSET)
			c->tls_client[i] = any ? CONF_CLIENT_REQUEST :
				CONF_CLIENT_NO;
		if (c->tls_client[i] == CONF_CLIENT_REQUIRE && !any)
			return conf_error(l, "require needs tls-client-ca, "
					"tls-client-user or relay-cert");
	}
	l->name = NULL;
	return 0;
}
