#include "mailconf/spf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LOOKUPS_MOST 10		/* RFC 7208 4.6.4 */
#define MX_MOST 10
#define NAME_SIZE 256
#define TERMS_MOST 200

static enum spf_result evaluate(struct spf *s, const char *domain,
		unsigned depth);

/* -- records -- */

static bool is_spf(struct span text)
{
	return span_starts(text, "v=spf1") && (text.n == 6 ||
			text.p[6] == ' ');
}

/* RFC 7208 4.5. SPF_PASS: out has the one record. */
static enum spf_result fetch(struct spf *s, const char *domain,
		char out[SPF_RECORD_MOST])
{
	const struct dns_answer *a = s->ask(s->arg, domain, DNS_TXT);
	unsigned n = 0;

	if (a->status == DNS_FAIL)
		return SPF_TEMP;
	for (int i = 0; i < a->count; i++) {
		struct span text = span_make(a->records[i].text,
				a->records[i].text_len);

		if (!is_spf(text))
			continue;
		if (n++ || str_copy(out, SPF_RECORD_MOST, text) < 0)
			return SPF_BAD;
	}
	return n ? SPF_PASS : SPF_NONE;
}

/* -- addresses -- */

static bool is_v4(const unsigned char ip[16])
{
	static const unsigned char mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
	};

	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b,
		unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (!rest ||
			((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

/* "/24//64", "/24" or "//64" (RFC 7208 5.6). False: it is none. */
static bool read_bits(struct span text, unsigned *v4, unsigned *v6)
{
	unsigned long four = 32, six = 128;
	struct span word;

	if (text.n && !span_starts(text, "//")) {
		text = span_rest(text, 1);
		word = span_sub(text, 0, span_find(text, '/'));
		text = span_rest(text, word.n);
		if (!span_number(word, 32, &four))
			return false;
	}
	if (text.n && (!span_starts(text, "//") ||
				!span_number(span_rest(text, 2), 128, &six)))
		return false;
	*v4 = (unsigned)four;
	*v6 = (unsigned)six;
	return true;
}

/* 1 it is in the block, 0 it is not, -1 that is no block */
static int in_block(const struct spf *s, struct span value, int family)
{
	char text[INET6_ADDRSTRLEN];
	struct span host = span_cut(&value, '/');
	unsigned long bits = family == AF_INET ? 32 : 128;
	unsigned char raw[16];

	if (str_copy(text, sizeof(text), host) < 0 ||
			inet_pton(family, text, raw) != 1 ||
			(value.n && !span_number(value, bits, &bits)))
		return -1;
	if (is_v4(s->ip) != (family == AF_INET))
		return 0;
	return same_bits(s->ip + (family == AF_INET ? 12 : 0), raw,
			(unsigned)bits);
}

/* Has this host our address, or one of the same block? -1: no answer. */
static int has_address(struct spf *s, const char *host, unsigned v4,
		unsigned v6)
{
	bool four = is_v4(s->ip);
	const struct dns_answer *a = s->ask(s->arg, host, four ? DNS_A :
			DNS_AAAA);

	for (int i = 0; i < a->count; i++)
		if (four ? same_bits(s->ip + 12, (const void *)&a->records[i]
					.ip.a, v4) : same_bits(s->ip,
					(const void *)&a->records[i].ip.aaaa,
					v6))
			return 1;
	return a->status == DNS_FAIL ? -1 : 0;
}

static int has_exchanger(struct spf *s, const char *domain, unsigned v4,
		unsigned v6)
{
	const struct dns_answer *a = s->ask(s->arg, domain, DNS_MX);
	char host[MX_MOST][NAME_SIZE];
	int n = 0, rc = a->status == DNS_FAIL ? -1 : 0;

	for (int i = 0; i < a->count && n < MX_MOST; i++)
		if (str_copys(host[n], NAME_SIZE, a->records[i].text) == 0 &&
				host[n][0])
			n++;
	for (int i = 0; i < n && rc <= 0; i++) {
		int found = has_address(s, host[i], v4, v6);

		rc = found ? found : rc;
	}
	return rc;
}

/* -- names -- */

/* The last two labels; three where the last but one is as short as in co.uk. */
static struct span house(struct span name)
{
	size_t dot = span_rfind(name, '.'), second;

	if (dot == name.n)
		return name;
	second = span_rfind(span_sub(name, 0, dot), '.');
	if (second == dot)
		return name;
	if (dot - second <= 4 && name.n - dot == 3) {
		size_t third = span_rfind(span_sub(name, 0, second), '.');

		return third == second ? name : span_rest(name, third + 1);
	}
	return span_rest(name, second + 1);
}

bool spf_same_house(struct span a, struct span b)
{
	return a.n && b.n && span_caseeq(house(a), house(b));
}

/*
 * The domain that a term names, else the one the record is of. False: it has a
 * macro, which is nothing for us.
 */
static bool name_of(struct spf *s, struct span value, const char *domain,
		char out[NAME_SIZE])
{
	if (!value.n)
		return str_copys(out, NAME_SIZE, domain) == 0;
	if (s->provider && spf_same_house(value, span_of(s->provider)))
		s->names_provider = true;
	if (!span_has(value, '%') && str_copy(out, NAME_SIZE, value) == 0)
		return true;
	s->unsure = true;
	return false;
}

/* -- terms: 1 it matches, 0 not, -1 broken, -2 the DNS does not answer -- */

static int include(struct spf *s, const char *domain, unsigned depth)
{
	switch (evaluate(s, domain, depth + 1)) {
	case SPF_PASS:
		return 1;
	case SPF_TEMP:
		return -2;
	case SPF_NONE:
	case SPF_BAD:
		return -1;
	default:
		return 0;
	}
}

enum { TERM_ALL, TERM_INCLUDE, TERM_A, TERM_MX, TERM_IP4, TERM_IP6, TERM_PTR,
	TERM_EXISTS, TERM_COUNT };

static int try_name(struct spf *s, int term, struct span value,
		const char *domain, unsigned depth)
{
	char name[NAME_SIZE];
	unsigned v4 = 32, v6 = 128;
	size_t slash = term == TERM_INCLUDE ? value.n : span_find(value, '/');
	int found;

	if (++s->lookups > LOOKUPS_MOST ||
			!read_bits(span_rest(value, slash), &v4, &v6))
		return -1;
	if (term == TERM_INCLUDE && !value.n)
		return -1;
	if (!name_of(s, span_sub(value, 0, slash), domain, name))
		return 0;
	if (term == TERM_INCLUDE)
		return include(s, name, depth);
	found = term == TERM_A ? has_address(s, name, v4, v6) :
		has_exchanger(s, name, v4, v6);
	return found < 0 ? -2 : found;
}

static int try_term(struct spf *s, struct span term, const char *domain,
		unsigned depth)
{
	static const char *const names[TERM_COUNT] = {
		"all", "include", "a", "mx", "ip4", "ip6", "ptr", "exists"
	};
	size_t n = 0;
	struct span value;
	int i = 0;

	while (n < term.n && term.p[n] != ':' && term.p[n] != '/')
		n++;
	value = span_rest(term, n);
	if (value.n && value.p[0] == ':')
		value = span_rest(value, 1);
	while (i < TERM_COUNT && !span_is(span_sub(term, 0, n), names[i]))
		i++;
	switch (i) {
	case TERM_ALL:
		return n == term.n ? 1 : -1;
	case TERM_INCLUDE:
	case TERM_A:
	case TERM_MX:
		return try_name(s, i, value, domain, depth);
	case TERM_IP4:
		return in_block(s, value, AF_INET);
	case TERM_IP6:
		return in_block(s, value, AF_INET6);
	case TERM_PTR:
	case TERM_EXISTS:
		s->unsure = true;
		return ++s->lookups > LOOKUPS_MOST ? -1 : 0;
	default:
		return -1;
	}
}

static enum spf_result qualify(char c)
{
	return c == '-' ? SPF_FAIL : c == '~' ? SPF_SOFTFAIL :
		c == '?' ? SPF_NEUTRAL : SPF_PASS;
}

static bool is_modifier(struct span term)
{
	size_t equal = span_find(term, '=');

	return equal && equal < term.n && equal < span_find(term, ':') &&
		equal < span_find(term, '/');
}

/* RFC 7208 6.1: only when nothing matched. */
static enum spf_result redirect(struct spf *s, struct span to, unsigned depth)
{
	enum spf_result r;
	char name[NAME_SIZE];

	if (++s->lookups > LOOKUPS_MOST)
		return SPF_BAD;
	if (!name_of(s, to, "", name) || !*name)
		return SPF_NEUTRAL;
	r = evaluate(s, name, depth + 1);
	return r == SPF_NONE ? SPF_BAD : r;
}

static enum spf_result evaluate(struct spf *s, const char *domain,
		unsigned depth)
{
	char record[SPF_RECORD_MOST];
	struct span rest, term, to = { 0 };
	enum spf_result result = depth > LOOKUPS_MOST ? SPF_BAD :
		fetch(s, domain, record);

	if (result != SPF_PASS)
		return result;
	rest = span_rest(span_of(record), 6);
	for (unsigned i = 0; (term = span_word(&rest)).n; i++) {
		char c = term.p[0];
		int found;

		if (i == TERMS_MOST)
			return SPF_BAD;
		if (is_modifier(term)) {
			if (span_starts(term, "redirect="))
				to = span_rest(term, 9);
			continue;
		}
		if (strchr("+-~?", c))
			term = span_rest(term, 1);
		found = try_term(s, term, domain, depth);
		if (found)
			return found == 1 ? qualify(c) : found == -1 ?
				SPF_BAD : SPF_TEMP;
	}
	return to.n ? redirect(s, to, depth) : SPF_NEUTRAL;
}

enum spf_result spf_check(struct spf *s, const char *domain)
{
	s->unsure = s->names_provider = false;
	s->lookups = 0;
	return evaluate(s, domain, 0);
}
