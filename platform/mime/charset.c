#include "mime/charset.h"
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"

#define NAME_SIZE 24		/* more than the longest name below */
#define REPLACEMENT 0xFFFD
#define CHUNK 256		/* octets that iconv gets at a time, at most */

enum kind {
	KIND_UNKNOWN,		/* valid UTF-8 may be it, other octets not */
	KIND_GUESS,		/* ... or windows-1252 */
	KIND_UTF8,
	KIND_LATIN1,		/* windows-1252 */
	KIND_LATIN9,
	KIND_UTF16,		/* byte order not yet known */
	KIND_ICONV
};

/* ---- octets that are characters */

/* windows-1252, 0x80 to 0x9F. */
static const uint16_t cp1252[32] = {
	0x20AC, REPLACEMENT, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, REPLACEMENT, 0x017D,
	REPLACEMENT, REPLACEMENT, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, REPLACEMENT,
	0x017E, 0x0178
};

/*
 * Mail that says ISO-8859-1 often means windows-1252, and real C1 controls
 * have no place in mail: both are read as windows-1252.
 */
uint32_t charset_cp1252(uint32_t c)
{
	return c >= 0x80 && c < 0xA0 ? cp1252[c - 0x80] : c;
}

/* ISO-8859-15: where it is not ISO-8859-1. */
static uint32_t latin9(uint32_t c)
{
	static const struct {
		uint16_t from, to;
	} changed[] = {
		{ 0xA4, 0x20AC }, { 0xA6, 0x0160 }, { 0xA8, 0x0161 },
		{ 0xB4, 0x017D }, { 0xB8, 0x017E }, { 0xBC, 0x0152 },
		{ 0xBD, 0x0153 }, { 0xBE, 0x0178 }
	};

	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++)
		if (changed[i].from == c)
			return changed[i].to;
	return charset_cp1252(c);
}

static void put_octets(const struct charset *c, struct str *out,
		struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char octet = (unsigned char)text.p[i];

		utf8_put(out, c->kind == KIND_LATIN9 ? latin9(octet) :
				charset_cp1252(octet));
	}
}

/* ---- UTF-8, or what may be it */

static void put_char(const struct charset *c, struct str *out,
		struct span *in)
{
	const unsigned char *from = (const unsigned char *)in->p;
	uint32_t code = utf8_next(in);

	/* one octet and no character: the real U+FFFD has three */
	if (code == REPLACEMENT && c->kind == KIND_GUESS &&
	    (const unsigned char *)in->p == from + 1)
		code = charset_cp1252(*from);
	utf8_put(out, code);
}

/* Octets that are missing at the end of the character that text begins with. */
static size_t missing(struct span text)
{
	unsigned char first = (unsigned char)text.p[0];
	size_t need = first < 0xC2 || first > 0xF4 ? 1 : first < 0xE0 ? 2 :
			first < 0xF0 ? 3 : 4;

	for (size_t i = 1; i < text.n && i < need; i++)
		if ((text.p[i] & 0xC0) != 0x80)
			return 0;
	return text.n < need ? need - text.n : 0;
}

static void put_chars(struct charset *c, struct str *out, struct span *in)
{
	size_t plain;

	while (in->n && !missing(*in)) {
		for (plain = 0; plain < in->n && !(in->p[plain] & 0x80); )
			plain++;
		str_add(out, span_sub(*in, 0, plain));
		*in = span_rest(*in, plain);
		if (!plain)
			put_char(c, out, in);
	}
}

static void put_utf8(struct charset *c, struct str *out, struct span piece)
{
	while (piece.n) {
		struct span in = piece;
		size_t taken = c->n ? 1 : piece.n;

		if (c->n) {	/* an octet more of the character that was cut */
			c->held[c->n++] = piece.p[0];
			in = span_make(c->held, c->n);
		}
		put_chars(c, out, &in);
		if (in.n)
			memmove(c->held, in.p, in.n);
		c->n = (unsigned char)in.n;
		piece = span_rest(piece, taken);
	}
}

/* ---- iconv */

/* false: the rest has to wait for more. */
static bool convert(struct charset *c, struct str *out, struct span *in)
{
	char made[CHUNK], *to = made;
	char *from = (char *)(uintptr_t)in->p;	/* iconv does not write to it */
	size_t room = sizeof(made), left = in->n;
	bool bad = iconv(c->iconv, &from, &left, &to, &room) == (size_t)-1 &&
			errno != E2BIG;

	str_add(out, span_make(made, sizeof(made) - room));
	*in = span_make(from, left);
	if (!bad)
		return true;
	if (errno == EINVAL && left <= sizeof(c->held))
		return false;
	utf8_put(out, REPLACEMENT);	/* of an octet that is nothing */
	*in = span_rest(*in, 1);
	return true;
}

static void put_iconv(struct charset *c, struct str *out, struct span piece)
{
	while (piece.n && !out->bad) {
		char buf[CHUNK];
		size_t n = span_sub(piece, 0, c->most).n;
		struct span in = span_make(buf, c->n + n);

		memcpy(buf, c->held, c->n);
		memcpy(buf + c->n, piece.p, n);
		piece = span_rest(piece, n);
		while (in.n && !out->bad && convert(c, out, &in))
			;
		c->n = (unsigned char)span_sub(in, 0, sizeof(c->held)).n;
		memcpy(c->held, in.p, c->n);
	}
}

static int open_iconv(struct charset *c, const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);

	if (cd == (iconv_t)-1)
		return -1;
	c->iconv = cd;
	/* what is wrong in UTF-7 glibc takes otherwise in other pieces */
	c->most = span_is(span_of(name), "UTF-7") ? 1 :
			CHUNK - sizeof(c->held);
	c->kind = KIND_ICONV;
	return 0;
}

/*
 * RFC 2781 4.3: without a mark it is big-endian; but much of it comes from
 * Windows, and Latin letters show the order.
 */
static void put_utf16(struct charset *c, struct str *out, struct span piece)
{
	bool little, mark;
	char first[2];

	while (c->n < 2 && piece.n) {
		c->held[c->n++] = piece.p[0];
		piece = span_rest(piece, 1);
	}
	if (c->n < 2)
		return;
	memcpy(first, c->held, 2);
	c->n = 0;
	mark = !memcmp(first, "\xFE\xFF", 2);
	little = !memcmp(first, "\xFF\xFE", 2);
	mark = mark || little;
	little = little || (first[0] && !first[1]);
	if (open_iconv(c, little ? "UTF-16LE" : "UTF-16BE") < 0)
		c->kind = KIND_UNKNOWN;
	charset_put(c, out, span_make(first, mark ? 0 : 2));
	charset_put(c, out, piece);
}

static void end_iconv(struct charset *c, struct str *out)
{
	char made[32], *to = made;
	size_t room = sizeof(made);

	/* windows-1258 and others keep a letter for marks that may follow */
	iconv(c->iconv, NULL, NULL, &to, &room);
	if (out)
		str_add(out, span_make(made, sizeof(made) - room));
	iconv_close(c->iconv);
}

/* ---- names */

/*
 * The charsets that mail is written in, in letters and digits alone; behind
 * "=" what is meant. Only these, and numbers of two families, go to iconv: a
 * name out of a message is never handed to the C library, whose rarer
 * converters have had endless loops.
 */
static const char guess[] = "usascii ascii ansix341968 iso646us 646 "
	"unknown unknown8bit xunknown 8bit 7bit binary default xuserdefined "
	"none us cp20127";
static const char utf8[] = "utf8 utf8mb4 xutf8 cp65001 unicode11utf8";
static const char latin1[] = "iso88591 latin1 l1 isoir100 cp819 ibm819 "
	"windows1252 cp1252 win1252 ansi 88591 iso8859 xansi";
static const char latin9_names[] = "iso885915 latin9 latin0";
static const char utf16[] = "utf16 ucs2 iso10646ucs2 unicode";
static const char other[] = "koi8r=koi8-r koi8=koi8-r koi8u=koi8-u "
	"koi8ru=koi8-u tis620=tis-620 windows874=cp874 gb2312=gb18030 "
	"gb231280=gb18030 gbk=gb18030 xgbk=gb18030 cp936=gb18030 "
	"euccn=gb18030 xeuccn=gb18030 gb18030 big5=cp950 xxbig5=cp950 "
	"cnbig5=cp950 cp950 big5hkscs=big5-hkscs eucjp=euc-jp xeucjp=euc-jp "
	"shiftjis=cp932 xsjis=cp932 sjis=cp932 mskanji=cp932 "
	"windows31j=cp932 cp932 iso2022jp=iso-2022-jp "
	"csiso2022jp=iso-2022-jp cp50220=iso-2022-jp cp50221=iso-2022-jp "
	"iso2022jp1=iso-2022-jp-1 iso2022jp2=iso-2022-jp-2 euckr=cp949 "
	"ksc5601=cp949 ksc56011987=cp949 uhc=cp949 windows949=cp949 "
	"cp949 iso2022kr=iso-2022-kr utf16le=utf-16le utf16be=utf-16be "
	"utf7=utf-7 unicode11utf7=utf-7 iso88598i=iso-8859-8 "
	"iso88598e=iso-8859-8 iso88596i=iso-8859-6 iso88596e=iso-8859-6 "
	"latin2=iso-8859-2 latin3=iso-8859-3 latin4=iso-8859-4 "
	"latin5=iso-8859-9 latin6=iso-8859-10 greek=iso-8859-7 "
	"cyrillic=iso-8859-5 arabic=iso-8859-6 hebrew=iso-8859-8 "
	"cp437 ibm437=cp437 cp850 ibm850=cp850 cp852 ibm852=cp852 cp866 "
	"ibm866=cp866 macintosh xmacroman=macintosh viscii";

/* name: what is meant by it. */
static bool is_in(const char *list, const char *charset, char name[NAME_SIZE])
{
	struct span rest = span_of(list), real;

	while ((real = span_word(&rest)).n) {
		struct span said = span_cut(&real, '=');

		if (span_is(said, charset))
			return str_copy(name, NAME_SIZE, real.n ? real :
					said) == 0;
	}
	return false;
}

/* "iso88597", "windows1251", "cp1251" */
static bool is_numbered(const char *charset, char name[NAME_SIZE])
{
	static const struct {
		char prefix[11], real[12];
		unsigned char most;
	} families[] = {
		{ "iso8859", "iso-8859-", 16 }, { "windows125", "cp125", 8 },
		{ "cp125", "cp125", 8 }, { "win125", "cp125", 8 }
	};
	struct span said = span_of(charset);

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct span n = span_rest(said, strlen(families[i].prefix));
		unsigned long number;

		if (span_starts(said, families[i].prefix) && n.n <= 2 &&
		    span_number(n, families[i].most, &number)) {
			snprintf(name, NAME_SIZE, "%s%lu", families[i].real,
					number);
			return true;
		}
	}
	return false;
}

/* Letters and digits alone: people write iso8859_1, UTF_8, 'utf-8'. */
static void normalize(char out[NAME_SIZE], struct span name)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < NAME_SIZE - 1; i++)
		if (ascii_isalnum(name.p[i]))
			out[n++] = ascii_lower(name.p[i]);
	out[n] = '\0';
}

bool charset_says(struct span name)
{
	char said[NAME_SIZE], real[NAME_SIZE];

	normalize(said, name);
	return *said && !is_in(guess, said, real);
}

int charset_begin(struct charset *c, struct span name)
{
	char said[NAME_SIZE], real[NAME_SIZE];

	*c = (struct charset){ .kind = KIND_UNKNOWN };
	normalize(said, name);
	if (!*said || is_in(guess, said, real))
		c->kind = KIND_GUESS;
	else if (is_in(utf8, said, real))
		c->kind = KIND_UTF8;
	else if (is_in(latin1, said, real))
		c->kind = KIND_LATIN1;
	else if (is_in(latin9_names, said, real))
		c->kind = KIND_LATIN9;
	else if (CFG_ICONV && is_in(utf16, said, real))
		c->kind = KIND_UTF16;
	else if (!CFG_ICONV || !(is_in(other, said, real) ||
			is_numbered(said, real)) || open_iconv(c, real) < 0)
		return -1;
	return 0;
}

/* ---- the text */

void charset_put(struct charset *c, struct str *out, struct span piece)
{
	switch ((enum kind)c->kind) {
	case KIND_LATIN1:
	case KIND_LATIN9:
		put_octets(c, out, piece);
		break;
	case KIND_UTF16:
		if (CFG_ICONV)
			put_utf16(c, out, piece);
		break;
	case KIND_ICONV:
		if (CFG_ICONV)
			put_iconv(c, out, piece);
		break;
	default:
		put_utf8(c, out, piece);
	}
}

void charset_end(struct charset *c, struct str *out)
{
	struct span cut = span_make(c->held, c->n);

	if (CFG_ICONV && c->kind == KIND_ICONV)
		end_iconv(c, out);
	if (c->kind >= KIND_UTF16 && c->n && out)
		utf8_put(out, REPLACEMENT);
	while (c->kind < KIND_UTF16 && cut.n && out)
		put_char(c, out, &cut);
	*c = (struct charset){ .kind = KIND_UNKNOWN };
}

int charset_to_utf8(struct str *out, struct span text, struct span charset)
{
	struct charset c;
	int rc = charset_begin(&c, charset);

	charset_put(&c, out, text);
	charset_end(&c, out);
	return rc;
}
