#include "mime/narrow_private.h"

#include <string.h>
#include "base/base64.h"
#include "base/utf8.h"

#define COLUMNS 75		/* RFC 2045 6.7 (5): 76 with a soft break */

/* -- output -- */

void narrow_flush(struct narrow *n)
{
	if (n->out_n)
		n->put(n->arg, span_make(n->out, n->out_n));
	n->out_n = 0;
}

void narrow_put(struct narrow *n, struct span s)
{
	if (!n->writing)
		return;
	while (s.n) {
		size_t room = sizeof(n->out) - n->out_n;
		size_t some = s.n < room ? s.n : room;

		memcpy(n->out + n->out_n, s.p, some);
		n->out_n += some;
		s = span_rest(s, some);
		if (n->out_n == sizeof(n->out))
			narrow_flush(n);
	}
}

static void put_char(struct narrow *n, char c)
{
	narrow_put(n, span_make(&c, 1));
}

static void put_line_end(struct narrow *n)
{
	narrow_put(n, SPAN("\r\n"));
	n->column = 0;
}

/* -- the first look -- */

static bool is_bad(const struct narrow *n, char c)
{
	return !c || (n->seven && (unsigned char)c > 127);
}

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * Of a text that says nothing of its charset: a code point may be cut where a
 * long line is, which says nothing either.
 */
static bool is_utf8(const struct narrow_text *t)
{
	struct span s = t->s;

	while (!t->first && s.n && is_tail(s.p[0]))
		s = span_rest(s, 1);
	/* the last one, whole or not */
	for (int i = 0; i < 3 && !t->last && s.n && is_tail(s.p[s.n - 1]); i++)
		s.n--;
	if (!t->last && s.n && (unsigned char)s.p[s.n - 1] > 127)
		s.n--;
	return utf8_valid(s);
}

static void look(struct narrow *n, const struct narrow_text *t)
{
	bool bad = !t->last;

	n->octets += t->s.n + 2 * t->eol;
	for (size_t i = 0; i < t->s.n; i++) {
		unsigned char c = (unsigned char)t->s.p[i];

		bad |= is_bad(n, t->s.p[i]);
		n->flags |= c > 127 ? NARROW_EIGHT_BIT : 0;
		n->escapes += (c < 32 && c != '\t') || c > 126 || c == '=';
	}
	n->flags |= bad ? NARROW_BAD : 0;
	if (n->implied && !(n->flags & NARROW_NOT_UTF8) && !is_utf8(t))
		n->flags |= NARROW_NOT_UTF8;
	n->needed |= n->way == NARROW_FOLD ? !t->last : bad;
	n->impossible |= n->too_deep && n->seven &&
		n->flags & NARROW_EIGHT_BIT;
}

static void look_end(struct narrow *n)
{
	if (n->way == NARROW_FILLER || !(n->flags & NARROW_BAD))
		return;
	if (n->part < NARROW_PARTS_MOST)
		n->seen[n->part] = n->flags;
	if (n->way == NARROW_BASE64)
		n->growth += n->octets / 3 + n->octets / 28 + 160;
	else if (n->way == NARROW_QP)
		n->growth += 2 * n->escapes + (n->octets + 2 * n->escapes) /
			24 + 160;
	else
		n->growth += n->octets / 24;
}

/* -- quoted-printable (RFC 2045 6.7) -- */

/*
 * As mime/qp.c does it: so that no gateway or mbox changes the text, "From " and
 * a dot at the start of a line are escaped, too (RFC 2049 3).
 */
static bool must_escape(const struct narrow *n, const struct narrow_text *t,
		size_t at)
{
	unsigned char c = (unsigned char)t->s.p[at];

	/* where a long line is broken no delimiter may come out */
	if (!n->column && c == '-' && (at || !t->first))
		return true;
	if (n->way == NARROW_QP_MEND)
		return c > 126 || (c < 32 && c != '\t');
	if (c == ' ' || c == '\t')
		return t->last && at + 1 == t->s.n;
	if (!n->column && c == '.')
		return true;
	if (!n->column && c == 'F')
		return span_starts(span_rest(t->s, at), "From ");
	return c < 33 || c > 126 || c == '=';
}

static void quote(struct narrow *n, const struct narrow_text *t)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < t->s.n; i++) {
		unsigned char c = (unsigned char)t->s.p[i];
		bool escape = must_escape(n, t, i);

		/* an "=" that is there already has two digits behind it */
		if (n->column + (escape || c == '=' ? 3 : 1) > COLUMNS &&
				!(t->last && i + 1 == t->s.n && !escape)) {
			put_char(n, '=');
			put_line_end(n);
			escape = must_escape(n, t, i);
		}
		if (escape) {
			put_char(n, '=');
			put_char(n, digits[c >> 4]);
			put_char(n, digits[c & 15]);
		} else {
			put_char(n, (char)c);
		}
		n->column += escape ? 3 : 1;
	}
}

/* -- base64 -- */

static void put_base64_line(struct narrow *n)
{
	struct str code;

	if (!n->rest_n)
		return;
	str_init(&code, BASE64_SIZE(sizeof(n->rest)));
	base64_put(&code, span_make(n->rest, n->rest_n));
	narrow_put(n, str_span(&code));
	n->impossible |= code.bad;
	str_free(&code);
	narrow_put(n, SPAN("\r\n"));
	n->rest_n = 0;
}

static void encode(struct narrow *n, struct span s)
{
	for (; s.n; s = span_rest(s, 1)) {
		n->rest[n->rest_n++] = s.p[0];
		if (n->rest_n == sizeof(n->rest))
			put_base64_line(n);
	}
}

/* RFC 2045 6.8: readers pass over line ends and what is not of the alphabet. */
static void mend_base64(struct narrow *n, struct span s)
{
	for (; s.n; s = span_rest(s, 1)) {
		if (!ascii_isalnum(s.p[0]) && (!s.p[0] ||
				!strchr("+/=", s.p[0])))
			continue;
		if (n->column == COLUMNS + 1)
			put_line_end(n);
		put_char(n, s.p[0]);
		n->column++;
	}
}

/* -- what cannot be encoded -- */

void narrow_fold(struct narrow *n, const struct narrow_text *t)
{
	if (!t->first)
		narrow_put(n, SPAN("\r\n "));
	narrow_put(n, t->s);
}

static void fill(struct narrow *n, const struct narrow_text *t)
{
	if (!t->first)
		narrow_put(n, SPAN("\r\n "));
	for (size_t i = 0; i < t->s.n; i++)
		put_char(n, is_bad(n, t->s.p[i]) ? '?' : t->s.p[i]);
}

/* -- a leaf -- */

void narrow_text_begin(struct narrow *n)
{
	n->eol = false;
	n->flags = 0;
	n->column = n->rest_n = 0;
	n->octets = n->escapes = 0;
}

void narrow_text(struct narrow *n, const struct narrow_text *t)
{
	if (!n->writing) {
		look(n, t);
		n->eol = t->eol;
		return;
	}
	if (n->eol && n->way == NARROW_BASE64)
		encode(n, SPAN("\r\n"));
	else if (n->eol)
		put_line_end(n);
	n->eol = t->eol;
	if (n->way == NARROW_BASE64)
		encode(n, t->s);
	else if (n->way == NARROW_BASE64_MEND)
		mend_base64(n, t->s);
	else if (n->way == NARROW_QP || n->way == NARROW_QP_MEND)
		quote(n, t);
	else if (n->way == NARROW_FILLER)
		fill(n, t);
	else
		narrow_fold(n, t);
}

/* The line end before a delimiter belongs to it (RFC 2046 5.1.1). */
void narrow_text_end(struct narrow *n, bool all)
{
	if (!n->writing) {
		look_end(n);
	} else if (n->way != NARROW_BASE64) {
		if (n->eol)
			put_line_end(n);
	} else {
		if (all && n->eol)
			encode(n, SPAN("\r\n"));
		put_base64_line(n);
	}
	n->eol = false;
}
