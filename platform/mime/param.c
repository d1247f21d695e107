#include "mime/param.h"

#include <stdio.h>
#include <string.h>
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/qp.h"
#include "mime/word.h"

#define PIECES_MOST 64		/* continuations of one parameter */
#define TEXT_MOST 4096		/* octets of one that is put together */
#define LINE_MOST 76

static bool is_token(char c)
{
	return c > 32 && c < 127 && c != '=' && c != ';' && c != '"' &&
			c != '(' && c != ')';
}

static struct span take(struct span *in, size_t n)
{
	struct span taken = span_sub(*in, 0, n);

	*in = span_rest(*in, n);
	return taken;
}

/* Blanks, line ends and comments, which may stand between all tokens. */
static void skip_blanks(struct span *in)
{
	unsigned depth = 0;

	while (in->n) {
		char c = in->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && !ascii_isspace(c))
			break;
		take(in, c == '\\' && depth ? 2 : 1);
	}
}

static struct span take_token(struct span *in)
{
	size_t n = 0;

	while (n < in->n && is_token(in->p[n]))
		n++;
	return take(in, n);
}

/* After the opening quote; takes the closing one. */
static struct span take_quoted(struct span *in)
{
	size_t n = 0;
	struct span text;

	while (n < in->n && in->p[n] != '"')
		n += in->p[n] == '\\' ? 2 : 1;
	text = take(in, n);
	take(in, 1);
	return text;
}

/* More than a token: people forget quotes around "=", octets over 127. */
static struct span take_unquoted(struct span *in)
{
	size_t n = 0;

	while (n < in->n && !ascii_isspace(in->p[n]) &&
			!strchr(";\"()", in->p[n]))
		n++;
	return take(in, n);
}

/* To the next parameter; false: there is none. */
static bool skip_to_next(struct span *in)
{
	while (in->n && in->p[0] != ';') {
		size_t had = in->n;

		skip_blanks(in);
		if (in->n && in->p[0] == '"') {
			take(in, 1);
			take_quoted(in);
		} else if (in->n == had) {
			take(in, 1);
		}
	}
	take(in, 1);
	skip_blanks(in);
	return in->n;
}

struct span param_token(struct span value)
{
	skip_blanks(&value);
	return take_token(&value);
}

bool param_next(struct span *value, struct param *p)
{
	while (skip_to_next(value)) {
		p->name = take_token(value);
		skip_blanks(value);
		if (!value->n || value->p[0] != '=')
			continue;
		take(value, 1);
		skip_blanks(value);
		p->quoted = value->n && value->p[0] == '"';
		if (p->quoted)
			take(value, 1);
		p->text = p->quoted ? take_quoted(value) :
				take_unquoted(value);
		return true;
	}
	return false;
}

/* ---- reading */

/* In one line: what a terminal or a file system could stumble over is blank. */
static void add_clean(struct str *out, struct span text)
{
	while (text.n) {
		uint32_t c = utf8_next(&text);

		utf8_put(out, utf8_width(c) < 0 ? ' ' : c);
	}
}

/* The parameter with just this name; unquoted blanks belong to it. */
static bool find(struct span value, const char *name, struct param *p)
{
	while (param_next(&value, p)) {
		const char *end = value.p;

		if (!span_is(p->name, name))
			continue;
		while (!p->quoted && value.n && !strchr(";\"(", value.p[0]))
			end = take(&value, 1).p + 1;
		if (!p->quoted && p->text.n)
			p->text = span_trim(span_make(p->text.p,
					(size_t)(end - p->text.p)));
		return true;
	}
	return false;
}

static void add_unquoted(struct str *out, const struct param *p)
{
	for (size_t i = 0; i < p->text.n; i++) {
		if (p->quoted && p->text.p[i] == '\\' && i + 1 < p->text.n)
			i++;
		str_addc(out, p->text.p[i]);
	}
}

/* "%C3%A9" (RFC 2231 4) */
static void add_percent(struct str *out, struct span in)
{
	while (in.n) {
		char escape[3] = "=";
		int c = -1;

		if (in.p[0] == '%' && in.n > 2) {
			memcpy(escape + 1, in.p + 1, 2);
			c = qp_escape(span_make(escape, 3));
		}
		str_addc(out, c < 0 ? in.p[0] : (char)c);
		take(&in, c < 0 ? 1 : 3);
	}
}

/* One piece of RFC 2231; the first one that is encoded says the charset. */
static bool add_piece(struct str *out, struct span value, const char *name,
		bool encoded, bool first, struct span *charset)
{
	struct param p;

	if (!find(value, name, &p))
		return false;
	if (!encoded) {
		add_unquoted(out, &p);
		return true;
	}
	if (first && span_has(p.text, '\'')) {
		*charset = span_cut(&p.text, '\'');
		if (span_has(p.text, '\''))
			span_cut(&p.text, '\'');
	}
	add_percent(out, p.text);
	return true;
}

/* name* or name*0, name*1*, ... false: there is none of them. */
static bool read_extended(struct str *out, struct span value, const char *name,
		struct span *charset)
{
	char key[48];

	snprintf(key, sizeof(key), "%.32s*", name);
	if (add_piece(out, value, key, true, true, charset))
		return true;
	for (unsigned i = 0; i < PIECES_MOST; i++) {
		snprintf(key, sizeof(key), "%.32s*%u*", name, i);
		if (add_piece(out, value, key, true, !i, charset))
			continue;
		snprintf(key, sizeof(key), "%.32s*%u", name, i);
		if (!add_piece(out, value, key, false, false, charset))
			return i;
	}
	return true;
}

bool param_text(struct str *out, struct span value, const char *name)
{
	struct span charset = span_make(NULL, 0);
	struct str raw, text, flat;
	struct param p;
	bool extended, found;

	str_init(&raw, TEXT_MOST);
	str_init(&text, 4 * TEXT_MOST);
	str_init(&flat, TEXT_MOST);
	extended = read_extended(&raw, value, name, &charset);
	found = extended || find(value, name, &p);
	if (found && !extended)
		add_unquoted(&raw, &p);
	if (extended) {
		charset_to_utf8(&text, str_span(&raw), charset);
	} else {
		header_unfold(&flat, str_span(&raw));
		word_decode(&text, str_span(&flat));
	}
	add_clean(out, str_span(&text));
	str_free(&raw);
	str_free(&text);
	str_free(&flat);
	return found;
}

bool param_file_name(struct str *out, struct span header)
{
	size_t had = out->n;
	struct header_field f;

	if (header_find(header, "Content-Disposition", &f))
		param_text(out, f.value, "filename");
	if (out->n == had && header_find(header, "Content-Type", &f))
		param_text(out, f.value, "name");
	return out->n != had;
}

/* ---- writing */

/* RFC 2231 7, attribute-char */
static bool is_plain(char c)
{
	return ascii_isalnum(c) || (c && strchr("!#$&+-.^_`{}~|", c));
}

/* How text can be written in a line with so much room. */
enum form { FORM_TOKEN, FORM_QUOTED, FORM_PIECES };

static enum form form_of(struct span text, size_t room)
{
	enum form form = text.n ? FORM_TOKEN : FORM_QUOTED;
	size_t n = 2;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 32 || c > 126 || span_starts(span_rest(text, i), "=?"))
			return FORM_PIECES;
		if (!is_plain((char)c))
			form = FORM_QUOTED;
		n += c == '"' || c == '\\' ? 2 : 1;
	}
	return n <= room ? form : FORM_PIECES;
}

static void put_quoted(struct str *out, struct span text)
{
	str_addc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, text.p[i]);
	}
	str_addc(out, '"');
}

/* The next character, percent-encoded where it has to be. */
static void encode_char(struct str *out, struct span *text)
{
	uint32_t c = utf8_next(text);
	char bytes[5];
	struct str raw;

	str_clear(out);
	str_init(&raw, 4);
	utf8_put(&raw, utf8_width(c) < 0 ? ' ' : c);
	str_copy(bytes, sizeof(bytes), str_span(&raw));
	str_free(&raw);
	for (const char *p = bytes; *p; p++)
		str_addf(out, is_plain(*p) ? "%c" : "%%%02X",
				(unsigned char)*p);
}

/* As many whole characters as go into a line with the name; the rest stays. */
static void put_piece(struct str *out, const char *name, struct span *text,
		bool first)
{
	struct str c;
	size_t from = out->n;

	str_init(&c, 16);
	str_addf(out, " %s*=%s", name, first ? "UTF-8''" : "");
	while (text->n && !out->bad) {
		struct span rest = *text;

		encode_char(&c, &rest);
		/* ";" comes behind it */
		if (out->n - from + c.n + 1 > LINE_MOST)
			break;
		str_add(out, str_span(&c));
		*text = rest;
	}
	str_free(&c);
}

static void put_pieces(struct str *out, const char *name, struct span text)
{
	struct span rest = text;
	size_t from = out->n;
	char key[48];

	put_piece(out, name, &rest, true);
	if (!rest.n)
		return;
	out->n = from;		/* too long: in pieces */
	for (unsigned i = 0; text.n && !out->bad; i++) {
		if (i)
			str_adds(out, ";\n");
		snprintf(key, sizeof(key), "%.32s*%u", name, i);
		put_piece(out, key, &text, !i);
	}
}

void param_put(struct str *out, const char *name, struct span text)
{
	enum form form = form_of(text, LINE_MOST - 3 - strlen(name));

	str_adds(out, ";\n");
	if (form == FORM_PIECES) {
		put_pieces(out, name, text);
		return;
	}
	str_addf(out, " %s=", name);
	if (form == FORM_TOKEN)
		str_add(out, text);
	else
		put_quoted(out, text);
}
