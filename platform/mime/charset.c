#include "mime/charset.h"
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include "base/utf8.h"

#define NAME_SIZE 24		/* more than the longest name below */
#define REPLACEMENT 0xFFFD

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
 * have no place in mail: both are read as windows-1252. Of a charset that is
 * not known only ASCII is.
 */
static void put_bytes(struct str *out, struct span text, bool known)
{
	for (size_t i = 0; i < text.n; i++) {
		uint32_t c = (unsigned char)text.p[i];

		if (c >= 0x80 && !known)
			c = REPLACEMENT;
		else if (c >= 0x80 && c < 0xA0)
			c = cp1252[c - 0x80];
		utf8_put(out, c);
	}
}

static int from_iconv(struct str *out, struct span text, const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in = (char *)(uintptr_t)text.p;	/* iconv does not write to it */
	size_t left = text.n;

	if (cd == (iconv_t)-1) {
		put_bytes(out, text, false);
		return -1;
	}
	while (left && !out->bad) {
		char buf[256], *to = buf;
		size_t room = sizeof(buf);
		size_t got = iconv(cd, &in, &left, &to, &room);
		bool bad = got == (size_t)-1 && errno != E2BIG;

		str_add(out, span_make(buf, sizeof(buf) - room));
		if (bad && left) {	/* one byte that cannot be converted */
			utf8_put(out, REPLACEMENT);
			in++;
			left--;
		}
	}
	iconv_close(cd);
	return 0;
}

/*
 * The charsets that mail is written in; behind "=" what is meant. Only these,
 * and numbers of two families, go to iconv: a name out of a message is never
 * handed to the C library, whose rarer converters have had endless loops.
 */
static const char ascii[] = "us-ascii ascii ansi_x3.4-1968 unknown-8bit";
static const char utf8[] = "utf-8 utf8";
static const char latin1[] = "iso-8859-1 iso_8859-1 latin1 windows-1252 cp1252";
static const char other[] = "koi8-r koi8-u tis-620 gb2312=gb18030 gbk=gb18030 "
	"gb18030 big5 big5-hkscs euc-jp shift_jis iso-2022-jp euc-kr "
	"ks_c_5601-1987=euc-kr utf-16 utf-16le utf-16be "
	"iso-8859-8-i=iso-8859-8";

/* name: what is meant by it. */
static bool is_in(const char *list, struct span charset, char name[NAME_SIZE])
{
	struct span rest = span_of(list), real;

	while ((real = span_word(&rest)).n) {
		struct span said = span_cut(&real, '=');

		if (span_caseeq(said, charset))
			return str_copy(name, NAME_SIZE, real.n ? real :
					said) == 0;
	}
	return false;
}

/* "iso-8859-7", "windows-1251" */
static bool is_numbered(struct span charset, char name[NAME_SIZE])
{
	unsigned long n, most = span_starts(charset, "iso-8859-") ? 16 :
			span_starts(charset, "windows-125") ? 8 : 0;
	size_t prefix = most == 16 ? 9 : 11;

	return most && charset.n <= prefix + 2 &&
			span_number(span_sub(charset, prefix, 2), most, &n) &&
			str_copy(name, NAME_SIZE, charset) == 0;
}

int charset_to_utf8(struct str *out, struct span text, struct span charset)
{
	char name[NAME_SIZE];

	charset = span_trim(charset);
	if (is_in(utf8, charset, name)) {
		while (text.n)
			utf8_put(out, utf8_next(&text));
		return 0;
	}
	/* ASCII, or nothing said: UTF-8 when it can be, else Latin-1 */
	if (!charset.n || is_in(ascii, charset, name)) {
		if (utf8_valid(text))
			str_add(out, text);
		else
			put_bytes(out, text, true);
		return 0;
	}
	if (is_in(latin1, charset, name)) {
		put_bytes(out, text, true);
		return 0;
	}
	if (CFG_ICONV && (is_in(other, charset, name) ||
			is_numbered(charset, name)))
		return from_iconv(out, text, name);
	put_bytes(out, text, false);
	return -1;
}
