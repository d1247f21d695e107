/* What is shown: safe, in the terminal's charset, measured in columns. */
#include "mail/term_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/utf8.h"
#include "config.h"
#include "os/text.h"

/* ---- charsets */

static enum mail_charset charset_of(struct span name)
{
	static const struct {
		char name[11];
		enum mail_charset charset;
	} rows[] = {
		{ "utf-8", MAIL_UTF8 }, { "utf8", MAIL_UTF8 },
		{ "iso-8859-1", MAIL_LATIN1 }, { "iso8859-1", MAIL_LATIN1 },
		{ "iso88591", MAIL_LATIN1 }, { "latin1", MAIL_LATIN1 },
		{ "iso-8859-15", MAIL_LATIN9 }, { "iso8859-15", MAIL_LATIN9 },
		{ "iso885915", MAIL_LATIN9 }
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_caseeq(name, span_of(rows[i].name)))
			return rows[i].charset;
	return MAIL_ASCII;
}

static enum mail_charset named_locale(void)
{
	struct span name = span_of(text_locale("LC_CTYPE"));

	name = span_sub(name, 0, span_find(name, '@'));
	return charset_of(span_rest(name, span_find(name, '.') + 1));
}

enum mail_charset mail_term_locale(void)
{
	if (!CFG_MAIL_LATIN)
		return text_utf8() ? MAIL_UTF8 : MAIL_ASCII;
	return named_locale();
}

void mail_term_charset(struct mail_term *t)
{
	const char *name = CFG_MAIL_LATIN ? mail_term_var(t, "ttycharset") :
			NULL;

	if (CFG_MAIL_LATIN)
		t->charset = name && *name ? charset_of(span_of(name)) :
				t->locale;
}

/* The eight characters by which ISO-8859-15 differs. */
static const struct {
	uint16_t c;
	unsigned char byte;
} latin9[] = {
	{ 0x20ac, 0xa4 }, { 0x160, 0xa6 }, { 0x161, 0xa8 }, { 0x17d, 0xb4 },
	{ 0x17e, 0xb8 }, { 0x152, 0xbc }, { 0x153, 0xbd }, { 0x178, 0xbe }
};

uint32_t mail_term_code(const struct mail_term *t, unsigned char byte)
{
	for (size_t i = 0; t->charset == MAIL_LATIN9 && i < 8; i++)
		if (latin9[i].byte == byte)
			return latin9[i].c;
	return byte;
}

/* The byte for it; 0: there is none. */
static unsigned char latin_byte(const struct mail_term *t, uint32_t c)
{
	for (size_t i = 0; t->charset == MAIL_LATIN9 && i < 8; i++)
		if (latin9[i].c == c)
			return latin9[i].byte;
	return c >= 0xa0 && c <= 0xff && mail_term_code(t, (unsigned char)c)
			== c ? (unsigned char)c : 0;
}

void mail_term_decode(const struct mail_term *t, struct str *line)
{
	struct str text;

	if (!CFG_MAIL_LATIN || t->charset == MAIL_UTF8 ||
	    t->charset == MAIL_ASCII || utf8_ascii(str_span(line)))
		return;
	str_init(&text, 2 * MAIL_LINE_MOST);
	for (size_t i = 0; i < line->n; i++)
		utf8_put(&text, mail_term_code(t, (unsigned char)line->p[i]));
	str_clear(line);
	str_add(line, str_span(&text));
	str_free(&text);
}

/* ---- one character */

/* Marks that turn the direction of writing could pass one text off as another. */
static bool is_bidi(uint32_t c)
{
	return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
			c == 0x200E || c == 0x200F || c == 0x061C;
}

/* Where UTF-8 is not understood. */
static struct span narrow_char(const struct mail_term *t, uint32_t c,
		char room[4], unsigned *width)
{
	struct span shown;

	if (!CFG_MAIL_LATIN) {
		shown = SPAN("?");
	} else if (t->charset != MAIL_ASCII && latin_byte(t, c)) {
		room[0] = (char)latin_byte(t, c);
		shown = span_make(room, 1);
	} else if (*width == 0) {
		shown = SPAN("");	/* the letter under the mark must do */
	} else {
		shown = utf8_plain(c, room);
	}
	*width = (unsigned)shown.n;
	return shown;
}

struct span mail_term_char(const struct mail_term *t, struct span *text,
		char room[4], unsigned *width)
{
	const char *from = text->p;
	uint32_t c = utf8_next(text);
	int columns = utf8_width(c);

	*width = 1;
	if (c < 32 || c == 127) {
		room[0] = '^';
		room[1] = (char)(c ^ 64);
		*width = 2;
		return span_make(room, 2);
	}
	if (columns < 0 || is_bidi(c))
		return SPAN("?");
	*width = (unsigned)columns;
	/* tags: a text that nobody sees */
	if (c >= 0xE0000 && c < 0xE0080)
		return SPAN("");
	if (c > 127 && t->charset != MAIL_UTF8)
		return narrow_char(t, c, room, width);
	return c == 0xFFFD ? SPAN("\xEF\xBF\xBD") :
			span_make(from, (size_t)(text->p - from));
}

/* ---- text */

/* Puts one thing of so many columns; width 0 adds to the one before. */
static void put(struct mail_term *t, struct span bytes, unsigned width)
{
	t->marks = width ? 0 : t->marks + 1;
	if (t->marks > MAIL_TERM_MARKS || !bytes.n)
		return;
	if (CFG_MAIL_RC && t->page && t->out == stdout) {
		mail_term_page_put(t, bytes, width);
		return;
	}
	fwrite(bytes.p, 1, bytes.n, t->out);
	t->column += width;
}

static void put_tab(struct mail_term *t)
{
	unsigned width = MAIL_TERM_TAB - t->column % MAIL_TERM_TAB;

	/* none goes past the last column: there are lines of a million */
	if (t->page && t->column + width >= t->columns)
		width = t->column < t->columns ? t->columns - 1 - t->column : 0;
	if (width)
		put(t, SPAN("\t"), width);
}

static void put_line_feed(struct mail_term *t)
{
	t->marks = 0;
	put(t, SPAN("\n"), 0);
	t->marks = 0;
	t->column = 0;
}

void mail_term_text(struct mail_term *t, struct span text)
{
	char room[4];
	unsigned width;

	while (text.n && !(t->stopped && t->out == stdout)) {
		char c = text.p[0];

		if (c == '\n' || c == '\t') {
			(c == '\t' ? put_tab : put_line_feed)(t);
			text = span_rest(text, 1);
		} else if (c == '\r' && text.n > 1 && text.p[1] == '\n') {
			/* any other CR would paint over the line */
			text = span_rest(text, 1);
		} else {
			struct span shown = mail_term_char(t, &text, room,
					&width);

			put(t, shown, width);
		}
	}
}

unsigned mail_term_field(struct mail_term *t, struct span text,
		unsigned columns)
{
	unsigned used = 0, width = 0;
	char room[4];

	while (text.n) {
		bool tab = text.p[0] == '\t';
		struct span shown = mail_term_char(t, &text, room, &width);

		if (tab) {	/* where the line was folded */
			shown = SPAN(" ");
			width = 1;
		}
		if (used + width > columns)
			break;
		put(t, shown, width);
		used += width;
	}
	return used;
}

size_t mail_term_whole(struct span text)
{
	size_t n = text.n;

	while (n > 1 && text.n - n < 3 && (text.p[n - 1] & 0xC0) == 0x80)
		n--;
	return n > 1 && (unsigned char)text.p[n - 1] >= 0xC0 ? n - 1 : text.n;
}

/* ---- our own words */

static void say(struct mail_term *t, FILE *out, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	t->out = out;
	mail_term_text(t, span_of(text ? text : fmt));
	t->out = stdout;
	free(text);
}

void mail_term_printf(struct mail_term *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(t, stdout, fmt, ap);
	va_end(ap);
}

void mail_term_error(struct mail_term *t, const char *fmt, ...)
{
	va_list ap;

	mail_term_flush(t);
	va_start(ap, fmt);
	say(t, stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	t->column = 0;
}
