#include "mime/word.h"

#include <string.h>
#include "base/base64.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/part.h"

#define WORD_MOST 75		/* RFC 2047 2: longest encoded word */
#define PREFIX "=?UTF-8?"
#define FRAME 12		/* "=?UTF-8?Q?" and "?=" */

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
	struct span rest = in;
	struct span encoding;
	size_t end;

	if (in.n < 2 || in.p[0] != '=' || in.p[1] != '?')
		return false;
	rest = span_sub(rest, 2, rest.n);
	w->charset = span_cut(&rest, '?');
	encoding = span_cut(&rest, '?');
	end = span_find(rest, '?');
	if (!w->charset.n || encoding.n != 1 || end + 1 >= rest.n ||
	    rest.p[end + 1] != '=')
		return false;
	w->encoding = ascii_lower(encoding.p[0]);
	w->text = span_sub(rest, 0, end);
	*size = (size_t)(rest.p + end + 2 - in.p);
	/* a blank inside: it only looks like one (RFC 2047 2) */
	if (span_find(span_make(in.p, *size), ' ') < *size)
		return false;
	/* RFC 2231 5: charset*language */
	w->charset = span_sub(w->charset, 0, span_find(w->charset, '*'));
	return w->encoding == 'q' || w->encoding == 'b';
}

static int hex_digit(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2047 4.2 */
static void decode_q(struct str *out, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(in.p[i + 2]) : -1;

		if (in.p[i] == '=' && low >= 0) {
			str_addc(out, (char)(high << 4 | low));
			i += 2;
		} else {
			str_addc(out, in.p[i] == '_' ? ' ' : in.p[i]);
		}
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

void word_decode(struct str *out, struct span value)
{
	struct run run = { .open = false };

	str_init(&run.bytes, out->cap);
	while (value.n && !out->bad) {
		size_t gap = run.open ? blanks(value) : 0, size;
		struct word w;

		/* blanks between two encoded words are no part of the text */
		if (word_at(span_sub(value, gap, value.n), &w, &size)) {
			run_add(out, &run, &w);
			value = span_sub(value, gap + size, value.n);
			continue;
		}
		run_end(out, &run);
		str_addc(out, value.p[0]);
		value = span_sub(value, 1, value.n);
	}
	run_end(out, &run);
	str_free(&run.bytes);
}

/* ---- encoding */

static bool plain_byte(char c)
{
	return c >= 32 && c < 127;
}

static bool plain_word(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!plain_byte(word.p[i]))
			return false;
	return !(word.n > 1 && word.p[0] == '=' && word.p[1] == '?');
}

/* Bytes that stand for themselves, in phrases too (RFC 2047 5 (3)). */
static bool q_safe(unsigned char c)
{
	return c < 128 && (ascii_isalnum((char)c) ||
			(c && strchr("!*+-/", c)));
}

/* The next character as UTF-8 again, controls as blanks: what is encoded. */
static struct span next_char(struct span *in, struct str *buf)
{
	uint32_t c = utf8_next(in);

	str_clear(buf);
	utf8_put(buf, c < 32 || (c >= 127 && c < 160) ? ' ' : c);
	return str_span(buf);
}

static void add_q(struct str *out, struct span c)
{
	for (size_t i = 0; i < c.n; i++) {
		unsigned char b = (unsigned char)c.p[i];

		if (q_safe(b))
			str_addc(out, c.p[i]);
		else if (b == ' ')
			str_addc(out, '_');
		else
			str_addf(out, "=%02X", b);
	}
}

static size_t q_width(struct span c)
{
	if (c.n == 1 && (q_safe((unsigned char)c.p[0]) || c.p[0] == ' '))
		return 1;
	return 3 * c.n;
}

static void put_word(struct str *out, struct span chunk, bool b)
{
	str_adds(out, b ? PREFIX "B?" : PREFIX "Q?");
	if (b)
		base64_put(out, chunk);
	for (size_t i = 0; !b && i < chunk.n; i++)
		add_q(out, span_sub(chunk, i, 1));
	str_adds(out, "?=");
}

/* All of text in encoded words, each whole characters (RFC 2047 5). */
static void encode_all(struct str *out, struct span text, bool b)
{
	struct str chunk, c;
	size_t width = 0, most = WORD_MOST - FRAME - 3;

	str_init(&chunk, WORD_MOST);
	str_init(&c, 8);
	while (text.n) {
		struct span one = next_char(&text, &c);
		size_t add = b ? one.n : q_width(one);

		if (width + add > (b ? most / 4 * 3 : most)) {
			put_word(out, str_span(&chunk), b);
			str_addc(out, ' ');
			str_clear(&chunk);
			width = 0;
		}
		str_add(&chunk, one);
		width += add;
	}
	put_word(out, str_span(&chunk), b);
	str_free(&chunk);
	str_free(&c);
}

/* Base64 where most characters would need an escape. */
static bool prefer_base64(struct span text)
{
	size_t high = 0;

	for (size_t i = 0; i < text.n; i++)
		high += !q_safe((unsigned char)text.p[i]) && text.p[i] != ' ';
	return high * 2 > text.n / 2 + 8;
}

/*
 * Marks the part of text from the first word that needs encoding to the last
 * one: the rest stays readable as it is. False: nothing needs it.
 */
static bool find_encoded(struct span text, size_t *from, size_t *to)
{
	bool found = false;

	for (size_t at = 0; at < text.n; ) {
		struct span rest = span_sub(text, at, text.n);
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
	struct span middle;

	if (!find_encoded(text, &from, &to)) {
		str_add(out, text);
		return;
	}
	middle = span_sub(text, from, to - from);
	str_add(out, span_sub(text, 0, from));
	encode_all(out, middle, prefer_base64(middle));
	str_add(out, span_sub(text, to, text.n));
}
