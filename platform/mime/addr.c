#include "mime/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/idna.h"
#include "base/utf8.h"
#include "config.h"

#define LOCAL_MAX 64		/* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX 253		/* as text; 255 in the DNS's form */
#define LABEL_MAX 63

/* atext of RFC 5322 3.2.3; bytes over 127 are the caller's question. */
static bool is_atext(char c)
{
	return ascii_isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_high(char c)
{
	return (unsigned char)c > 127;
}

static void skip(struct span *s, size_t n)
{
	*s = span_rest(*s, n);
}

static bool next_is(struct span s, char c)
{
	return s.n && s.p[0] == c;
}

static bool take(struct span *s, char c)
{
	if (!next_is(*s, c))
		return false;
	skip(s, 1);
	return true;
}

/* Octets at the start of s that are atoms and dots, in any order. */
static size_t dotted_size(struct span s)
{
	size_t n = 0;

	while (n < s.n && (is_atext(s.p[n]) || s.p[n] == '.' ||
			is_high(s.p[n])))
		n++;
	return n;
}

/*
 * Octets of the quoted string at the start of s, quotes included; 0: there is
 * none, or it holds what RFC 5321 4.1.2 does not allow (controls).
 */
static size_t quoted_size(struct span s)
{
	if (!next_is(s, '"'))
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
		if (i >= s.n || (unsigned char)s.p[i] < ' ' ||
				s.p[i] == 127)
			return 0;
	}
	return 0;
}

/* Atoms with single dots between them. */
static bool is_dot_string(struct span s)
{
	if (!s.n || dotted_size(s) != s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' && (!i || i + 1 == s.n ||
				s.p[i - 1] == '.'))
			return false;
	return true;
}

static bool charset_ok(struct span s, bool utf8)
{
	return utf8 ? utf8_clean(s) : utf8_ascii(s);
}

/*
 * Of who forwards: SRS0=HASH=TT=DOMAIN=LOCAL (mime/srs.h), longer than RFC 5321
 * wants where the two were long; refused, the mail would be, too.
 */
static bool is_srs(struct span s)
{
	if (next_is(s, '"'))
		skip(&s, 1);
	return span_starts(s, "SRS0") || span_starts(s, "SRS1");
}

static bool is_local(struct span s, bool utf8)
{
	if (!s.n || (s.n > LOCAL_MAX && !is_srs(s)) || !charset_ok(s, utf8))
		return false;
	return quoted_size(s) == s.n || is_dot_string(s);
}

static bool is_label(struct span s, bool utf8)
{
	if (!s.n || s.n > LABEL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]) && s.p[i] != '-' &&
				!(utf8 && is_high(s.p[i])))
			return false;
	return true;
}

/* U-labels (RFC 6531 3.3) are as long as their A-labels: those must fit. */
static bool is_u_domain(struct span s)
{
	char ascii[IDNA_SIZE];

	return idna_ascii(ascii, s) && addr_domain(span_of(ascii));
}

static bool is_domain(struct span s, bool utf8)
{
	if (!s.n || s.n > DOMAIN_MAX || s.p[s.n - 1] == '.' ||
			!charset_ok(s, utf8))
		return false;
	if (CFG_SMTPUTF8 && !utf8_ascii(s))
		return is_u_domain(s);
	while (s.n)
		if (!is_label(span_cut(&s, '.'), utf8))
			return false;
	return true;
}

bool addr_domain(struct span s)
{
	return is_domain(s, false);
}

bool addr_literal(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	bool v6;

	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	s = span_sub(s, 1, s.n - 2);
	v6 = span_starts(s, "IPv6:");
	if (v6)
		skip(&s, 5);
	return str_copy(text, sizeof(text), s) == 0 &&
		inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) == 1;
}

static bool is_host(struct span s, bool utf8)
{
	return next_is(s, '[') ? addr_literal(s) : is_domain(s, utf8);
}

/* The local part or word at the start of s; 0: none. */
static size_t word_size(struct span s)
{
	return next_is(s, '"') ? quoted_size(s) : dotted_size(s);
}

/* The domain or literal at the start of s; 0: none. */
static size_t host_size(struct span s)
{
	size_t end;

	if (!next_is(s, '['))
		return dotted_size(s);
	end = span_find(s, ']');
	return end < s.n ? end + 1 : 0;
}

static struct span take_size(struct span *s, size_t n)
{
	struct span part = span_sub(*s, 0, n);

	skip(s, n);
	return part;
}

/*
 * "@a,@b:" is to be accepted and ignored (RFC 5321 4.1.1.3, appendix F.2).
 * False: it is there and broken.
 */
static bool skip_route(struct span *s, bool utf8)
{
	if (!next_is(*s, '@'))
		return true;
	do {
		if (!take(s, '@') ||
				!is_host(take_size(s, host_size(*s)), utf8))
			return false;
	} while (take(s, ','));
	return take(s, ':');
}

/* local [ "@" domain ] off *s; what it is made of is checked by the caller. */
static struct addr take_addr(struct span *s)
{
	struct addr a = { .local = take_size(s, word_size(*s)) };

	if (take(s, '@'))
		a.domain = take_size(s, host_size(*s));
	return a;
}

static bool is_mailbox(const struct addr *a, bool utf8)
{
	return is_local(a->local, utf8) && is_host(a->domain, utf8) &&
		a->local.n + a->domain.n + sizeof("<@>") - 1 <= ADDR_MAX;
}

bool addr_path(struct span *in, struct addr *out, bool utf8)
{
	struct span s = *in, inside;
	struct addr a;

	if (!take(&s, '<') || !skip_route(&s, utf8))
		return false;
	inside = s;
	a = take_addr(&s);
	inside.n -= s.n;
	if (!take(&s, '>'))
		return false;
	/* the root's dot is no part of RFC 5321's grammar, nor another name */
	if (a.domain.n > 1 && a.domain.p[a.domain.n - 1] == '.')
		a.domain.n--;
	/* the null path, the one local part that needs no domain, or both */
	if (inside.n && !span_is(inside, "postmaster") &&
			!is_mailbox(&a, utf8))
		return false;
	/* but a route leads somewhere */
	if (!inside.n && inside.p != in->p + 1)
		return false;
	*out = a;
	*in = s;
	return true;
}

bool addr_parse(struct span in, struct addr *out, bool utf8)
{
	struct addr a = take_addr(&in);

	if (in.n || !is_mailbox(&a, utf8))
		return false;
	*out = a;
	return true;
}

/* -- normal forms -- */

void addr_put_quoted(struct str *out, struct span plain)
{
	str_addc(out, '"');
	for (size_t i = 0; i < plain.n; i++) {
		if (plain.p[i] == '"' || plain.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, plain.p[i]);
	}
	str_addc(out, '"');
}

void addr_local_plain(struct str *out, struct span local)
{
	bool quoted = local.n && quoted_size(local) == local.n;
	struct str plain;

	/* what the quoted string means, without its quotes and backslashes */
	str_init(&plain, local.n);
	for (size_t i = quoted; i + quoted < local.n; i++) {
		if (quoted && local.p[i] == '\\')
			i++;
		str_addc(&plain, local.p[i]);
	}
	if (plain.bad)
		out->bad = true;
	else if (!local.n || is_dot_string(str_span(&plain)))
		str_add(out, str_span(&plain));
	else
		addr_put_quoted(out, str_span(&plain));
	str_free(&plain);
}

void addr_put(struct str *out, const struct addr *a)
{
	addr_local_plain(out, a->local);
	if (!a->domain.n)
		return;
	str_addc(out, '@');
	str_add(out, a->domain);
}

struct addr addr_split(struct span address)
{
	size_t at = span_rfind(address, '@');

	return (struct addr){ span_sub(address, 0, at),
		span_rest(address, at + 1) };
}

void addr_put_ascii(struct str *out, const struct addr *a)
{
	char domain[IDNA_SIZE];
	struct addr plain = *a;

	if (CFG_SMTPUTF8 && !utf8_ascii(a->domain) &&
			idna_ascii(domain, a->domain))
		plain.domain = span_of(domain);
	addr_put(out, &plain);
}

bool addr_same(struct span a, struct span b)
{
	struct addr left = addr_split(a), right = addr_split(b);

	if (!CFG_SMTPUTF8)
		return span_eq(a, b);
	return span_eq(left.local, right.local) &&
		idna_same(left.domain, right.domain);
}

/* -- lists in header fields -- */

/* Octets of the comment at the start of s; nested ones need no recursion. */
static size_t comment_size(struct span s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.n;
}

/* Comments and folding white space (RFC 5322 3.2.2). */
static void skip_cfws(struct span *s)
{
	while (s->n && (ascii_isspace(s->p[0]) || s->p[0] == '('))
		skip(s, s->p[0] == '(' ? comment_size(*s) : 1);
}

/* The words before the "<" or of the address itself; gives how many. */
static unsigned take_words(struct span *s, struct addr_entry *e)
{
	unsigned words = 0;
	size_t n;

	*e = (struct addr_entry){ .name = span_sub(*s, 0, 0) };
	while ((n = word_size(*s)) > 0) {
		e->addr.local = take_size(s, n);
		e->name.n = (size_t)(s->p - e->name.p);
		skip_cfws(s);
		words++;
	}
	return words;
}

/* After the local part: "@" domain, or nothing. */
static bool take_domain(struct span *s, struct addr *a)
{
	if (!take(s, '@'))
		return is_local(a->local, true);
	skip_cfws(s);
	a->domain = take_size(s, host_size(*s));
	skip_cfws(s);
	return is_mailbox(a, true);
}

/* After the "<". */
static bool take_angle(struct span *s, struct addr *a)
{
	skip_cfws(s);
	if (!skip_route(s, true))
		return false;
	a->local = take_size(s, word_size(*s));
	skip_cfws(s);
	if (!take_domain(s, a) || !take(s, '>'))
		return false;
	skip_cfws(s);
	return true;
}

static bool at_end(struct span s)
{
	return !s.n || s.p[0] == ',' || s.p[0] == ';';
}

/* The rest of a mailbox behind its words; false: it is none. */
static bool take_entry(struct span *s, unsigned words, struct addr_entry *e)
{
	if (take(s, '<'))
		return take_angle(s, &e->addr) && at_end(*s);
	e->name.n = 0;
	return words == 1 && take_domain(s, &e->addr) && at_end(*s);
}

/* Past the rest of a broken entry, up to its comma. */
static void skip_broken(struct span *s)
{
	while (!at_end(*s)) {
		size_t n = quoted_size(*s);

		if (!n && next_is(*s, '('))
			n = comment_size(*s);
		skip(s, n ? n : 1);
	}
}

int addr_each(struct span list, bool (*fn)(void *arg, const struct addr_entry *),
		void *arg)
{
	struct span s = list;
	struct addr_entry e;
	unsigned words;
	int broken = 0;

	for (skip_cfws(&s); s.n; skip_cfws(&s)) {
		/* empty entries are fine (obs-addr-list), so are group ends */
		if (take(&s, ',') || take(&s, ';'))
			continue;
		words = take_words(&s, &e);
		if (words && take(&s, ':'))
			continue;
		if (!take_entry(&s, words, &e)) {
			broken++;
			skip_broken(&s);
		} else if (!fn(arg, &e)) {
			break;
		}
	}
	return broken;
}
