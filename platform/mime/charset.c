#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include "base/utf8.h"

#define REPLACEMENT 0xFFFD

/* windows-1252, 0x80 to 0x9F; 0: not assigned. */
static const uint16_t cp1252[32] = {
	0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
	0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
	0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178
};

/* Where ISO-8859-15 is not ISO-8859-1. */
static const struct { unsigned char byte; uint16_t code; } latin9[] = {
	{ 0xA4, 0x20AC }, { 0xA6, 0x0160 }, { 0xA8, 0x0161 }, { 0xB4, 0x017D },
	{ 0xB8, 0x017E }, { 0xBC, 0x0152 }, { 0xBD, 0x0153 }, { 0xBE, 0x0178 }
};

/*
 * Mail that says ISO-8859-1 often means windows-1252, and real C1 controls
 * have no place in mail: both are read as windows-1252.
 */
static uint32_t latin1_code(unsigned char c)
{
	if (c < 0x80 || c >= 0xA0)
		return c;
	return cp1252[c - 0x80] ? cp1252[c - 0x80] : REPLACEMENT;
}

static uint32_t latin9_code(unsigned char c)
{
	for (size_t i = 0; i < sizeof(latin9) / sizeof(*latin9); i++)
		if (latin9[i].byte == c)
			return latin9[i].code;
	return latin1_code(c);
}

static uint32_t unknown_code(unsigned char c)
{
	return c < 0x80 ? c : REPLACEMENT;
}

static void put_bytes(struct str *out, struct span text,
		uint32_t (*code)(unsigned char))
{
	for (size_t i = 0; i < text.n; i++)
		utf8_put(out, code((unsigned char)text.p[i]));
}

static int from_utf8(struct str *out, struct span text, const char *name)
{
	(void)name;
	while (text.n)
		utf8_put(out, utf8_next(&text));
	return 0;
}

/* What is said to be ASCII, or nothing: UTF-8 when it can be, else Latin-1. */
static int from_ascii(struct str *out, struct span text, const char *name)
{
	(void)name;
	if (utf8_valid(text))
		str_add(out, text);
	else
		put_bytes(out, text, latin1_code);
	return 0;
}

static int from_latin1(struct str *out, struct span text, const char *name)
{
	(void)name;
	put_bytes(out, text, latin1_code);
	return 0;
}

static int from_latin9(struct str *out, struct span text, const char *name)
{
	(void)name;
	put_bytes(out, text, latin9_code);
	return 0;
}

/* Takes bytes that cannot be converted off the input, one at a time. */
static void skip_bad(struct str *out, char **in, size_t *left)
{
	utf8_put(out, REPLACEMENT);
	++*in;
	--*left;
}

static int from_iconv(struct str *out, struct span text, const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in = (char *)(uintptr_t)text.p;	/* iconv does not write to it */
	size_t left = text.n;

	if (cd == (iconv_t)-1) {
		put_bytes(out, text, unknown_code);
		return -1;
	}
	while (left && !out->bad) {
		char buf[256], *to = buf;
		size_t room = sizeof(buf);
		size_t got = iconv(cd, &in, &left, &to, &room);
		bool bad = got == (size_t)-1 && errno != E2BIG;

		str_add(out, span_make(buf, sizeof(buf) - room));
		if (bad && left)
			skip_bad(out, &in, &left);
	}
	iconv_close(cd);
	return 0;
}

/*
 * The charsets that mail is written in. Only these go to iconv: a name out of
 * a message is never handed to the C library, whose rarer converters have had
 * endless loops. A name that ends in '-' or '5' wants a number of `numbers` at
 * most behind it: iso-8859-7, windows-1251.
 */
static const struct charset {
	char name[16];
	unsigned char numbers;
	int (*convert)(struct str *out, struct span text, const char *name);
	const char *iconv_name;		/* NULL: as in the message */
} charsets[] = {
	{ "utf-8", 0, from_utf8, NULL },
	{ "utf8", 0, from_utf8, NULL },
	{ "us-ascii", 0, from_ascii, NULL },
	{ "ascii", 0, from_ascii, NULL },
	{ "ansi_x3.4-1968", 0, from_ascii, NULL },
	{ "unknown-8bit", 0, from_ascii, NULL },
	{ "iso-8859-1", 0, from_latin1, NULL },
	{ "iso_8859-1", 0, from_latin1, NULL },
	{ "latin1", 0, from_latin1, NULL },
	{ "windows-1252", 0, from_latin1, NULL },
	{ "cp1252", 0, from_latin1, NULL },
	{ "iso-8859-15", 0, from_latin9, NULL },
	{ "iso-8859-8-i", 0, from_iconv, "ISO-8859-8" },
	{ "iso-8859-", 16, from_iconv, NULL },
	{ "windows-125", 8, from_iconv, NULL },
	{ "koi8-r", 0, from_iconv, NULL },
	{ "koi8-u", 0, from_iconv, NULL },
	{ "tis-620", 0, from_iconv, NULL },
	{ "gb2312", 0, from_iconv, "GB18030" },
	{ "gbk", 0, from_iconv, "GB18030" },
	{ "gb18030", 0, from_iconv, NULL },
	{ "big5", 0, from_iconv, NULL },
	{ "big5-hkscs", 0, from_iconv, NULL },
	{ "euc-jp", 0, from_iconv, NULL },
	{ "shift_jis", 0, from_iconv, NULL },
	{ "iso-2022-jp", 0, from_iconv, NULL },
	{ "euc-kr", 0, from_iconv, NULL },
	{ "ks_c_5601-1987", 0, from_iconv, "EUC-KR" },
	{ "utf-16", 0, from_iconv, NULL },
	{ "utf-16le", 0, from_iconv, NULL },
	{ "utf-16be", 0, from_iconv, NULL },
};

static bool is_row(const struct charset *c, struct span charset)
{
	unsigned long number;
	size_t n = strlen(c->name);

	if (!c->numbers)
		return span_is(charset, c->name);
	return span_starts(charset, c->name) && charset.n <= n + 2 &&
			span_number(span_sub(charset, n, 2), c->numbers,
					&number);
}

int charset_to_utf8(struct str *out, struct span text, struct span charset)
{
	char name[24];		/* longer than any in the table */

	charset = span_trim(charset);
	if (!charset.n)
		return from_ascii(out, text, "");
	for (size_t i = 0; i < sizeof(charsets) / sizeof(*charsets); i++) {
		const struct charset *c = &charsets[i];

		if (!is_row(c, charset))
			continue;
		str_copy(name, sizeof(name), charset);
		return c->convert(out, text, c->iconv_name ?
				c->iconv_name : name);
	}
	put_bytes(out, text, unknown_code);
	return -1;
}
