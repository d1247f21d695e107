#include "net/sts.h"

#include <string.h>

#include "base/str.h"

#define VERSION "STSv1"
#define NAME_MOST 253

static const char *const modes[] = {
	[STS_NONE] = "none", [STS_TESTING] = "testing",
	[STS_ENFORCE] = "enforce"
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

const char *sts_mode_name(enum sts_mode mode)
{
	return modes[mode];
}

static struct span trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_rest(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* -- the record (RFC 8461 3.1) -- */

static bool is_id(struct span s)
{
	return s.n && s.n < STS_ID_SIZE && span_isalnum(s, "");
}

/* sts-ext-value: printable, but for ; and = (and no blank) */
static bool is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || s.p[i] == ';' ||
				s.p[i] == '=')
			return false;
	return s.n;
}

static bool is_field(struct span name, struct span value)
{
	return name.n && name.n <= 32 && ascii_isalnum(name.p[0]) &&
		span_isalnum(name, "_-.") && is_value(value);
}

bool sts_record(struct span text, char id[STS_ID_SIZE])
{
	struct span field = trim(span_cut(&text, ';'));

	id[0] = '\0';
	if (!span_eq(field, SPAN("v=" VERSION)))
		return false;
	while (text.n) {
		struct span value = trim(span_cut(&text, ';')), name;

		/* [sts-field-delim] at the end */
		if (!value.n && !text.n)
			break;
		name = span_cut(&value, '=');
		if (!is_field(name, value))
			return false;
		if (!span_eq(name, SPAN("id")) || *id)
			continue;
		if (!is_id(value))
			return false;
		str_copy(id, STS_ID_SIZE, value);
	}
	return *id;
}

/* -- the policy (3.2) -- */

/* A host name as in DNS; what is none could match nothing. */
static bool is_pattern(struct span s)
{
	if (span_starts(s, "*."))
		s = span_rest(s, 2);
	return s.n && s.n <= NAME_MOST && s.p[0] != '.' &&
		s.p[s.n - 1] != '.' && span_isalnum(s, "-._");
}

bool sts_add_mx(struct sts_policy *p, struct span name)
{
	size_t at = 0;

	while (p->mx[at])
		at += strlen(p->mx + at) + 1;
	if (!is_pattern(name) || at + name.n + 2 > sizeof(p->mx))
		return false;
	for (size_t i = 0; i < name.n; i++)
		p->mx[at++] = ascii_lower(name.p[i]);
	p->mx[at] = p->mx[at + 1] = '\0';
	return true;
}

enum { SEEN_VERSION = 1, SEEN_MODE = 2, SEEN_AGE = 4, SEEN_ALL = 7 };

static const char *take_version(struct sts_policy *p, struct span value)
{
	(void)p;
	return span_eq(value, SPAN(VERSION)) ? NULL : "another version";
}

static const char *take_mode(struct sts_policy *p, struct span value)
{
	for (size_t i = 0; i < MODES; i++)
		if (span_eq(value, span_of(modes[i]))) {
			p->mode = (enum sts_mode)i;
			return NULL;
		}
	return "a mode that we do not know";
}

static const char *take_age(struct sts_policy *p, struct span value)
{
	unsigned long long age;

	if (value.n > 10 || !span_number64(value, ~0ULL, &age))
		return "max_age is no number";
	p->max_age = age < STS_AGE_MOST ? (unsigned)age : STS_AGE_MOST;
	return NULL;
}

/* Of a name given twice the first counts; names that we do not know do not. */
static const char *take_field(struct sts_policy *p, struct span name,
		struct span value, unsigned *seen)
{
	static const struct {
		const char *name;
		unsigned bit;
		const char *(*take)(struct sts_policy *p, struct span value);
	} rows[] = {
		{ "version", SEEN_VERSION, take_version },
		{ "mode", SEEN_MODE, take_mode },
		{ "max_age", SEEN_AGE, take_age }
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_eq(name, span_of(rows[i].name)))
			continue;
		if (*seen & rows[i].bit)
			return NULL;
		*seen |= rows[i].bit;
		return rows[i].take(p, value);
	}
	if (!span_eq(name, SPAN("mx")))
		return NULL;
	if (value.n && value.p[value.n - 1] == '.')
		value.n--;
	if (!is_pattern(value))
		return NULL;
	return sts_add_mx(p, value) ? NULL : "too many mx";
}

const char *sts_parse(struct span text, struct sts_policy *p)
{
	unsigned seen = 0;

	memset(p, 0, sizeof(*p));
	while (text.n) {
		struct span line = span_cut(&text, '\n'), name;
		const char *wrong;

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		line = trim(line);
		if (!line.n)
			continue;
		if (!span_has(line, ':'))
			return "a line without a colon";
		name = trim(span_cut(&line, ':'));
		wrong = take_field(p, name, trim(line), &seen);
		if (wrong)
			return wrong;
	}
	if (seen != SEEN_ALL)
		return "version, mode or max_age is missing";
	return p->mode != STS_NONE && !*p->mx ? "no mx" : NULL;
}

static bool match_one(const char *pattern, struct span host)
{
	if (pattern[0] != '*')
		return span_is(host, pattern);
	span_cut(&host, '.');
	return span_is(host, pattern + 2);
}

bool sts_match(const char *mx, const char *host)
{
	struct span name = span_of(host);

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	for (; *mx; mx += strlen(mx) + 1)
		if (match_one(mx, name))
			return true;
	return false;
}
