#include "base/json.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define NAME_SIZE 64

/* What may come now. */
enum {
	WANT_VALUE,		/* and nothing else */
	WANT_ITEM,		/* behind "[": a value or "]" */
	WANT_MEMBER,		/* behind "{": a key or "}" */
	WANT_KEY,		/* behind "," in an object */
	WANT_COLON,
	AFTER,			/* behind a value: "," or what closes */
	BROKEN
};

void json_start(struct json *j, struct span text)
{
	*j = (struct json){ .rest = text, .state = WANT_VALUE };
}

static char peek(const struct json *j)
{
	return j->rest.n ? *j->rest.p : '\0';
}

static void skip(struct json *j, size_t n)
{
	j->rest = span_rest(j->rest, n);
}

static enum json_event bad(struct json *j)
{
	j->state = BROKEN;
	return JSON_BAD;
}

static bool in_object(const struct json *j)
{
	return j->depth && j->objects >> (j->depth - 1) & 1;
}

/* -- values -- */

static int hex_digit(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX at s; -1: they are none. */
static int32_t hex4(struct span s)
{
	int32_t value = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Octets of the escape at s (behind its backslash); 0: it is none. */
static size_t escape_length(struct span s)
{
	if (s.n && *s.p == 'u')
		return hex4(span_rest(s, 1)) < 0 ? 0 : 5;
	return s.n && *s.p && strchr("\"\\/bfnrt", *s.p) ? 1 : 0;
}

static enum json_event take_string(struct json *j, struct span *text,
		enum json_event event)
{
	struct span s = span_rest(j->rest, 1);
	size_t i = 0, n;

	while (i < s.n && s.p[i] != '"') {
		if ((unsigned char)s.p[i] < ' ')
			return bad(j);
		if (s.p[i++] != '\\')
			continue;
		n = escape_length(span_rest(s, i));
		if (!n)
			return bad(j);
		i += n;
	}
	*text = span_sub(s, 0, i);
	if (i == s.n || !utf8_valid(*text))
		return bad(j);
	skip(j, i + 2);
	return event;
}

/* Takes digits off *s; none: false. */
static bool digits(struct span *s)
{
	size_t n = 0;

	while (n < s->n && ascii_isdigit(s->p[n]))
		n++;
	*s = span_rest(*s, n);
	return n;
}

/* RFC 8259 6: [-] int [.digits] [e[+-]digits], no 0 before other digits */
static enum json_event take_number(struct json *j, struct span *text)
{
	struct span s = j->rest;

	if (s.n && *s.p == '-')
		s = span_rest(s, 1);
	if (s.n && *s.p == '0')
		s = span_rest(s, 1);
	else if (!digits(&s))
		return bad(j);
	if (s.n && *s.p == '.') {
		s = span_rest(s, 1);
		if (!digits(&s))
			return bad(j);
	}
	if (s.n && ascii_lower(*s.p) == 'e') {
		s = span_rest(s, 1);
		if (s.n && (*s.p == '+' || *s.p == '-'))
			s = span_rest(s, 1);
		if (!digits(&s))
			return bad(j);
	}
	*text = span_sub(j->rest, 0, j->rest.n - s.n);
	skip(j, text->n);
	return JSON_NUMBER;
}

static enum json_event take_word(struct json *j)
{
	static const struct {
		struct span word;
		enum json_event event;
	} words[] = {
		{ { "true", 4 }, JSON_TRUE },
		{ { "false", 5 }, JSON_FALSE },
		{ { "null", 4 }, JSON_NULL }
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct span s = span_sub(j->rest, 0, words[i].word.n);

		if (span_eq(s, words[i].word)) {
			skip(j, s.n);
			return words[i].event;
		}
	}
	return bad(j);
}

static enum json_event open_one(struct json *j, bool object)
{
	uint32_t bit = UINT32_C(1) << (j->depth < JSON_DEPTH ? j->depth : 0);

	if (j->depth == JSON_DEPTH)
		return bad(j);
	j->objects = object ? j->objects | bit : j->objects & ~bit;
	j->depth++;
	j->state = object ? WANT_MEMBER : WANT_ITEM;
	skip(j, 1);
	return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_event close_one(struct json *j)
{
	bool object = in_object(j);

	if (!j->depth || peek(j) != (object ? '}' : ']'))
		return bad(j);
	j->depth--;
	j->state = AFTER;
	skip(j, 1);
	return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_event take_value(struct json *j, struct span *text)
{
	char c = peek(j);

	if (c == '{' || c == '[')
		return open_one(j, c == '{');
	j->state = AFTER;
	if (c == '"')
		return take_string(j, text, JSON_STRING);
	return c == '-' || ascii_isdigit(c) ? take_number(j, text) :
		take_word(j);
}

/* -- one after another -- */

static void skip_space(struct json *j)
{
	size_t n = 0;

	while (n < j->rest.n && ascii_isspace(j->rest.p[n]))
		n++;
	skip(j, n);
}

static enum json_event take_key(struct json *j, struct span *text)
{
	if (peek(j) != '"')
		return bad(j);
	j->state = WANT_COLON;
	return take_string(j, text, JSON_KEY);
}

enum json_event json_next(struct json *j, struct span *text)
{
	*text = span_make(NULL, 0);
	skip_space(j);
	if (j->state == AFTER && !j->depth)
		return j->rest.n ? bad(j) : JSON_END;
	if (j->state == AFTER && peek(j) == ',') {
		j->state = in_object(j) ? WANT_KEY : WANT_VALUE;
		skip(j, 1);
		skip_space(j);
	} else if (j->state == WANT_COLON && peek(j) == ':') {
		j->state = WANT_VALUE;
		skip(j, 1);
		skip_space(j);
	}
	switch (j->state) {
	case WANT_VALUE:
		return take_value(j, text);
	case WANT_ITEM:
		return peek(j) == ']' ? close_one(j) : take_value(j, text);
	case WANT_MEMBER:
		return peek(j) == '}' ? close_one(j) : take_key(j, text);
	case WANT_KEY:
		return take_key(j, text);
	case AFTER:
		return close_one(j);
	}
	return bad(j);
}

enum json_event json_find(struct span object, const char *name,
		struct span *value)
{
	enum json_event found = JSON_NONE, event;
	char key[NAME_SIZE];
	struct span text;
	struct json j;

	*value = span_make(NULL, 0);
	json_start(&j, object);
	if (json_next(&j, &text) != JSON_OBJECT)
		return JSON_BAD;
	while ((event = json_next(&j, &text)) != JSON_END) {
		if (event == JSON_BAD)
			return JSON_BAD;
		if (event != JSON_KEY || j.depth != 1 || found != JSON_NONE
				|| json_text(key, sizeof(key), text) < 0
				|| strcmp(key, name) != 0)
			continue;
		found = json_next(&j, value);
		if (found == JSON_BAD)
			return JSON_BAD;
	}
	return found;
}

/* -- what a value means -- */

static char escaped(char c)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = strchr(from, c);

	return at ? to[at - from] : c;
}

/* The character of the \u at *s (behind its u), over a pair; 0: half of one. */
static uint32_t take_unicode(struct span *s)
{
	int32_t high = hex4(*s), low;

	*s = span_rest(*s, 4);
	if (high < 0xD800 || high > 0xDFFF)
		return high > 0 ? (uint32_t)high : 0;
	if (high > 0xDBFF || s->n < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return 0;
	low = hex4(span_rest(*s, 2));
	*s = span_rest(*s, 6);
	if (low < 0xDC00 || low > 0xDFFF)
		return 0;
	return 0x10000 + ((uint32_t)(high - 0xD800) << 10)
		+ (uint32_t)(low - 0xDC00);
}

/* c in UTF-8; octets, 0: it is no character. */
static size_t put_utf8(char out[4], uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	if (!c)
		return 0;
	for (size_t i = n - 1; i; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(lead[n] | c);
	return n;
}

int json_text(char *out, size_t size, struct span raw)
{
	size_t at = 0;

	if (!size)
		return -1;
	while (raw.n) {
		char piece[4] = { *raw.p };
		size_t n = 1;

		raw = span_rest(raw, 1);
		if (piece[0] == '\\' && raw.n && *raw.p == 'u') {
			raw = span_rest(raw, 1);
			n = put_utf8(piece, take_unicode(&raw));
		} else if (piece[0] == '\\' && raw.n) {
			piece[0] = escaped(*raw.p);
			raw = span_rest(raw, 1);
		}
		if (!n || !piece[0] || n >= size - at) {
			*out = '\0';
			return -1;
		}
		memcpy(out + at, piece, n);
		at += n;
	}
	out[at] = '\0';
	return 0;
}

bool json_number(struct span raw, unsigned long long max,
		unsigned long long *out)
{
	struct span whole = span_cut(&raw, '.');

	return !span_has(whole, 'e') && !span_has(whole, 'E')
		&& !span_has(raw, 'e') && !span_has(raw, 'E')
		&& span_number64(whole, max, out);
}
