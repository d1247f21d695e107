#include "base/span.h"

#include <string.h>

struct span span_of(const char *s)
{
	return span_make(s, s ? strlen(s) : 0);
}

struct span span_sub(struct span s, size_t from, size_t n)
{
	if (!s.p || from >= s.n)
		return span_make(s.p ? s.p + s.n : NULL, 0);
	if (n > s.n - from)
		n = s.n - from;
	return span_make(s.p + from, n);
}

struct span span_rest(struct span s, size_t from)
{
	return span_sub(s, from, s.n);
}

bool span_eq(struct span a, struct span b)
{
	/* memcmp(NULL, NULL, 0) is undefined, hence the middle term */
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

bool span_caseeq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool span_is(struct span a, const char *word)
{
	return span_caseeq(a, span_of(word));
}

bool span_starts(struct span a, const char *prefix)
{
	struct span p = span_of(prefix);

	return a.n >= p.n && span_caseeq(span_sub(a, 0, p.n), p);
}

bool span_ends(struct span a, const char *suffix)
{
	struct span s = span_of(suffix);

	return a.n >= s.n && span_caseeq(span_sub(a, a.n - s.n, s.n), s);
}

size_t span_find(struct span s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

struct span span_before(struct span s, char c)
{
	return span_sub(s, 0, span_rfind(s, c));
}

struct span span_behind(struct span s, char c)
{
	return span_rest(s, span_rfind(s, c) + 1);
}

uint64_t span_hash(uint64_t hash, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) *
			UINT64_C(1099511628211);
	return hash;
}

bool span_has(struct span s, char c)
{
	return span_find(s, c) < s.n;
}

size_t span_rfind(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

bool span_isalnum(struct span s, const char *more)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]) &&
				(!s.p[i] || !strchr(more, s.p[i])))
			return false;
	return true;
}

bool span_has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') ||
				s.p[i] == 127)
			return true;
	return false;
}

struct span span_trim(struct span s)
{
	while (s.n && ascii_isspace(s.p[0]))
		s = span_rest(s, 1);
	while (s.n && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span span_cut(struct span *rest, char sep)
{
	size_t at = span_find(*rest, sep);
	struct span part = span_sub(*rest, 0, at);

	*rest = span_rest(*rest, at < rest->n ? at + 1 : at);
	return part;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span span_word(struct span *rest)
{
	size_t from = 0, to;
	struct span word;

	while (from < rest->n && is_blank(rest->p[from]))
		from++;
	for (to = from; to < rest->n && !is_blank(rest->p[to]); )
		to++;
	word = span_sub(*rest, from, to - from);
	*rest = span_rest(*rest, to);
	return word;
}

bool span_number64(struct span s, unsigned long long max,
		unsigned long long *out)
{
	unsigned long long value = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit;

		if (!ascii_isdigit(s.p[i]))
			return false;
		digit = (unsigned)(s.p[i] - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool span_number(struct span s, unsigned long max, unsigned long *out)
{
	unsigned long long value;

	if (!span_number64(s, max, &value))
		return false;
	*out = (unsigned long)value;
	return true;
}

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void ascii_lower_all(char *text)
{
	for (; *text; text++)
		*text = ascii_lower(*text);
}

bool ascii_isalnum(char c)
{
	char low = ascii_lower(c);

	return ascii_isdigit(c) || (low >= 'a' && low <= 'z');
}

bool ascii_isdigit(char c)
{
	return c >= '0' && c <= '9';
}

bool ascii_isspace(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}
