#include "mime/word.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/part.h"
#include "mime/qp.h"

#define BYTES_MOST 45		/* in an encoded word of 75 (RFC 2047 2) */

/* ---- decoding */

struct word {
	struct span charset;
	char encoding;		/* 'q' or 'b' */
	struct span text;
};

/* Encoded words of one charset in a row: their bytes are one text. */
struct run {
	struct str bytes;
	struct span charset;
	bool open;
};

/* An encoded word at the start of in? *size: its length. */
static bool word_at(struct span in, struct word *w, size_t *size)
{
	struct span rest = span_rest(in, 2), encoding;

	if (!span_starts(in, "=?"))
		return false;
	w->charset = span_cut(&rest, '?');
	encoding = span_cut(&rest, '?');
	w->text = span_cut(&rest, '?');
	if (!w->charset.n || encoding.n != 1 || !span_starts(rest, "="))
		return false;
	w->encoding = ascii_lower(encoding.p[0]);
	*size = (size_t)(rest.p + 1 - in.p);
	/* RFC 2231 5: charset*language */
	w->charset = span_sub(w->charset, 0, span_find(w->charset, '*'));
	/* with a blank inside it only looks like one (RFC 2047 2) */
	return (w->encoding == 'q' || w->encoding == 'b') &&
			span_find(span_make(in.p, *size), ' ') == *size;
}

/* RFC 2047 4.2 */
static void decode_q(struct str *out, struct span in)
{
	while (in.n) {
		int c = qp_escape(in);

		if (c < 0)
			str_addc(out, in.p[0] == '_' ? ' ' : in.p[0]);
		else
			str_addc(out, (char)c);
		in = span_rest(in, c < 0 ? 1 : 3);
	}
}

/* Line ends and other controls out of an encoded word would forge fields. */
static void add_clean(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		str_addc(out, c < 32 || c == 127 ? ' ' : text.p[i]);
	}
}

static void run_end(struct str *out, struct run *run)
{
	struct str text;

	if (!run->open)
		return;
	str_init(&text, out->cap);
	charset_to_utf8(&text, str_span(&run->bytes), run->charset);
	add_clean(out, str_span(&text));
	str_free(&text);
	str_clear(&run->bytes);
	run->open = false;
}

static void run_add(struct str *out, struct run *run, const struct word *w)
{
	if (run->open && !span_caseeq(run->charset, w->charset))
		run_end(out, run);
	run->open = true;
	run->charset = w->charset;
	if (w->encoding == 'q')
		decode_q(&run->bytes, w->text);
	else
		part_base64(&run->bytes, w->text);
}

static size_t blanks(struct span in)
{
	size_t n = 0;

	while (n < in.n && ascii_isspace(in.p[n]))
		n++;
	return n;
}

/* What is no encoded word, up to where one may begin; octets over 127 have no charset. */
static void add_plain(struct str *out, struct span *value)
{
	size_t n = 1;

	while (n < value->n && value->p[n] != '=')
		n++;
	charset_to_utf8(out, span_sub(*value, 0, n), span_make(NULL, 0));
	*value = span_rest(*value, n);
}

void word_decode(struct str *out, struct span value)
{
	struct run run = { .open = false };

	str_init(&run.bytes, out->cap);
	while (value.n && !out->bad) {
		size_t gap = run.open ? blanks(value) : 0, size;
		struct word w;

		/* blanks between two encoded words are no part of the text */
		if (word_at(span_rest(value, gap), &w, &size)) {
			run_add(out, &run, &w);
			value = span_rest(value, gap + size);
			continue;
		}
		run_end(out, &run);
		add_plain(out, &value);
	}
	run_end(out, &run);
	str_free(&run.bytes);
}

/* ---- encoding */

static bool plain_word(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] < 32 || word.p[i] >= 127
				|| span_starts(span_sub(word, i, 2), "=?"))
			return false;
	return true;
}

/* The next character as UTF-8 again, controls as blanks: what is encoded. */
static void next_char(struct span *in, struct str *c)
{
	uint32_t code = utf8_next(in);

	str_clear(c);
	utf8_put(c, code < 32 || (code >= 127 && code < 160) ? ' ' : code);
}

static void put_word(struct str *out, struct span chunk)
{
	str_adds(out, "=?UTF-8?B?");
	base64_put(out, chunk);
	str_adds(out, "?=");
}

/* Each word has whole characters (RFC 2047 5). */
void word_encode_whole(struct str *out, struct span text)
{
	struct str chunk, c;

	str_init(&chunk, BYTES_MOST);
	str_init(&c, 8);
	while (text.n) {
		next_char(&text, &c);
		if (chunk.n + c.n > BYTES_MOST) {
			put_word(out, str_span(&chunk));
			str_addc(out, ' ');
			str_clear(&chunk);
		}
		str_add(&chunk, str_span(&c));
	}
	put_word(out, str_span(&chunk));
	str_free(&chunk);
	str_free(&c);
}

/*
 * Marks the part of text from the first word that needs encoding to the last
 * one: the rest stays readable as it is. False: nothing needs it.
 */
static bool find_encoded(struct span text, size_t *from, size_t *to)
{
	bool found = false;

	for (size_t at = 0; at < text.n; ) {
		struct span rest = span_rest(text, at);
		struct span word = span_sub(rest, 0, span_find(rest, ' '));

		if (!plain_word(word)) {
			*from = found ? *from : at;
			*to = at + word.n;
			found = true;
		}
		at += word.n + 1;
	}
	return found;
}

void word_encode(struct str *out, struct span text)
{
	size_t from = 0, to = 0;

	if (!find_encoded(text, &from, &to)) {
		str_add(out, text);
		return;
	}
	str_add(out, span_sub(text, 0, from));
	word_encode_whole(out, span_sub(text, from, to - from));
	str_add(out, span_rest(text, to));
}
