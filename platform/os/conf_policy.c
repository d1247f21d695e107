/* The kind tls-policy: how sure we have to be of the next host. */
#include "os/conf_row.h"

#include <string.h>

#define POLICIES_MOST 1000
#define HASHES_MOST 16		/* of one line: old and new keys of a few hosts */

static const char *const modes[] = {
	[CONF_POLICY_NONE] = "none", [CONF_POLICY_MAY] = "may",
	[CONF_POLICY_REQUIRE] = "require", [CONF_POLICY_VERIFY] = "verify",
	[CONF_POLICY_DANE] = "dane"
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

int conf_add_hashes(struct conf_load *l, struct conf_hash **list,
		struct span words)
{
	struct conf_hash **end = list;
	unsigned n = 0;

	for (; *end; end = &(*end)->next)
		n++;
	do {
		struct span word = span_cut(&words, ',');
		struct conf_hash *h = conf_alloc(l, sizeof(*h));

		if (!h)
			return -1;
		if (n++ == HASHES_MOST)
			return conf_error(l, "more than %d fingerprints",
					HASHES_MOST);
		if (!conf_read_hash(word, h->hash))
			return conf_bad(l, word,
					"is no SHA-256 in hexadecimal");
		*end = h;
		end = &h->next;
	} while (words.n);
	return 0;
}

void conf_put_hashes(struct str *out, const struct conf_hash *list)
{
	for (; list; list = list->next) {
		for (size_t i = 0; i < CONF_HASH_SIZE; i++)
			str_addf(out, "%02x", list->hash[i]);
		if (list->next)
			str_addc(out, ',');
	}
}

/* DOMAIN, .DOMAIN or *, as DNS has it; NULL after conf_error. */
static const char *keep_domain(struct conf_load *l, struct span word)
{
	char text[IDNA_SIZE + 1] = ".", ascii[IDNA_SIZE];
	bool dot = span_starts(word, ".");
	struct span name = conf_host(ascii, span_rest(word, dot));

	if (span_is(word, "*"))
		return conf_keep(l, word);
	if (!name.n) {
		conf_bad(l, word, "is neither DOMAIN, .DOMAIN nor *");
		return NULL;
	}
	str_copy(text + dot, sizeof(text) - dot, name);
	return conf_keep_lower(l, span_of(text));
}

static int parse_mode(struct conf_load *l, struct conf_tls_policy *p,
		struct span word)
{
	if (span_starts(word, "fingerprint=")) {
		p->mode = CONF_POLICY_PINNED;
		return conf_add_hashes(l, &p->hashes, span_rest(word, 12));
	}
	for (size_t i = 0; i < MODES; i++)
		if (span_is(word, modes[i])) {
			p->mode = (enum conf_policy)i;
			return 0;
		}
	return conf_bad(l, word, "is neither none, may, require, verify, dane "
			"nor fingerprint=SHA256");
}

static int parse_name(struct conf_load *l, struct conf_tls_policy *p,
		struct span word)
{
	char ascii[IDNA_SIZE];
	struct span name;

	if (!span_starts(word, "name="))
		return conf_bad(l, word, "is not understood");
	if (p->mode != CONF_POLICY_VERIFY)
		return conf_error(l, "name= goes with verify");
	name = conf_host(ascii, span_rest(word, 5));
	if (!name.n)
		return conf_bad(l, word, "has no host name");
	p->name = conf_keep_lower(l, name);
	return p->name ? 0 : -1;
}

int conf_parse_tls_policy(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_tls_policy **end = &l->c->tls_policies, *p;
	unsigned n = 0;

	(void)row;
	for (; *end; end = &(*end)->next)
		n++;
	if (n == POLICIES_MOST)
		return conf_error(l, "more than %d lines", POLICIES_MOST);
	p = conf_alloc(l, sizeof(*p));
	if (!p)
		return -1;
	p->number = n + 1;
	p->domain = keep_domain(l, words->v[0]);
	if (!p->domain || parse_mode(l, p, words->v[1]) < 0)
		return -1;
	if (words->n > 2 && parse_name(l, p, words->v[2]) < 0)
		return -1;
	*end = p;
	return 0;
}

void conf_print_tls_policy(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_tls_policy *p = c->tls_policies; p;
			p = p->next) {
		str_addf(out, "%s %s", p->domain, p->mode < MODES ?
				modes[p->mode] : "fingerprint=");
		conf_put_hashes(out, p->hashes);
		if (p->name)
			str_addf(out, " name=%s", p->name);
		if (p->next)
			str_addc(out, '\n');
	}
}

/* dane needs to know that the name server can be believed. */
int conf_check_tls_policy(struct conf_load *l)
{
	const struct conf_tls_policy *p = l->c->tls_policies;

	l->name = "tls-policy";
	for (; p; p = p->next)
		if (p->mode == CONF_POLICY_DANE && !l->c->dns_trust)
			return conf_error(l, "dane needs dns-trust yes");
	l->name = NULL;
	return 0;
}

const struct conf_tls_policy *conf_tls_policy(const struct conf *c,
		struct span domain)
{
	const struct conf_tls_policy *p = c->tls_policies;

	for (; p; p = p->next)
		if (strcmp(p->domain, "*") == 0 || (*p->domain == '.' ?
				span_ends(domain, p->domain) :
				span_is(domain, p->domain)))
			return p;
	return NULL;
}
