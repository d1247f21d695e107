#include "mime/charset.h"

#include <iconv.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

static void in_pieces(struct span text, const char *charset, const char *want,
		size_t n)
{
	struct charset c;
	struct str out;

	str_init(&out, 1000);
	charset_begin(&c, span_of(charset));
	for (; text.n; text = span_rest(text, n))
		charset_put(&c, &out, span_sub(text, 0, n));
	charset_end(&c, &out);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

/* text in charset becomes want, whole and in pieces; rc as documented */
static void check(struct span text, const char *charset, const char *want,
		int rc)
{
	struct str out;

	str_init(&out, 1000);
	assert_int_equal(charset_to_utf8(&out, text, span_of(charset)), rc);
	assert_string_equal(str_c(&out), want);
	assert_true(utf8_valid(str_span(&out)));
	for (size_t n = 1; n < 4; n++)
		in_pieces(text, charset, want, n);
	str_free(&out);
}

static void built_in(void **state)
{
	(void)state;
	check(SPAN("caf\xc3\xa9"), "UTF-8", "café", 0);
	check(SPAN("caf\xe9"), "iso-8859-1", "café", 0);
	check(SPAN("\x80 \x93x\x94"), "Windows-1252", "€ “x”", 0);
	check(SPAN("\x93x\x94"), "ISO-8859-1", "“x”", 0);
	check(SPAN("\xa4 \xbc \xe9"), "iso-8859-15", "€ Œ é", 0);
	check(SPAN("\x81"), "windows-1252", "\xef\xbf\xbd", 0);
	check(SPAN("plain"), " us-ascii ", "plain", 0);
}

static void broken_utf8(void **state)
{
	(void)state;
	check(SPAN("a\xc3"), "utf-8", "a\xef\xbf\xbd", 0);
	check(SPAN("\xc0\xaf"), "utf-8", "\xef\xbf\xbd\xef\xbf\xbd", 0);
	check(SPAN("\xff z"), "utf8", "\xef\xbf\xbd z", 0);
}

/* Nothing said, or ASCII said: UTF-8 where it is that, else windows-1252. */
static void guessed(void **state)
{
	(void)state;
	check(SPAN("caf\xc3\xa9"), "", "café", 0);
	check(SPAN("caf\xe9"), "", "café", 0);
	check(SPAN("caf\xe9"), "us-ascii", "café", 0);
	check(SPAN(""), "", "", 0);
	check(SPAN("\xc3\xa9 \xe9 \x93\xe2\x82"), "unknown-8bit", "é é “â‚", 0);
	check(SPAN("\xef\xbf\xbd"), "default", "\xef\xbf\xbd", 0);
}

static void names(void **state)
{
	(void)state;
	check(SPAN("\xe9"), "ISO8859_1", "é", 0);
	check(SPAN("\xe9"), "cp1252", "é", 0);
	check(SPAN("\xc3\xa9"), "'UTF_8'", "é", 0);
	check(SPAN("\xe1"), "cp1251", "б", 0);
	check(SPAN("\xe1"), "iso8859-7", "α", 0);
	check(SPAN("\xc4\xe3"), "x-gbk", "你", 0);
	check(SPAN("\x82\xa0"), "Shift_JIS", "あ", 0);
	check(SPAN("\xb0\xa1"), "ks_c_5601-1987", "가", 0);
	check(SPAN("\xa7\x41"), "BIG5", "你", 0);
	check(SPAN("\xf9"), "iso-8859-8-i", "ש", 0);
	check(SPAN("\xe9"), "cp1259", "\xef\xbf\xbd", -1);
	check(SPAN("\xe9"), "iso-8859-123", "\xef\xbf\xbd", -1);
	assert_true(charset_says(SPAN("utf-8")));
	assert_true(charset_says(SPAN("no-such")));
	assert_false(charset_says(SPAN("US-ASCII")));
	assert_false(charset_says(SPAN("")));
}

static void utf16(void **state)
{
	(void)state;
	check(SPAN("\xff\xfe" "a\0\x60\x4f"), "utf-16", "a你", 0);
	check(SPAN("\xfe\xff\0a\x4f\x60"), "UTF-16", "a你", 0);
	check(SPAN("a\0b\0"), "utf-16", "ab", 0);
	check(SPAN("\0a\0b"), "utf-16", "ab", 0);
	check(SPAN("\x4f\x60"), "utf-16", "你", 0);
	check(SPAN("\0a\0"), "utf-16", "a\xef\xbf\xbd", 0);
	check(SPAN("a"), "utf-16", "\xef\xbf\xbd", 0);
	check(SPAN("a\0"), "utf-16le", "a", 0);
	check(SPAN(""), "utf-16", "", 0);
}

/* musl's iconv knows less than glibc's. */
static void check_if_known(struct span text, const char *charset,
		const char *want)
{
	iconv_t cd = iconv_open("UTF-8", charset);

	if (cd == (iconv_t)-1)
		return;
	iconv_close(cd);
	check(text, charset, want, 0);
}

/* Those that keep something for what may follow. */
static void stateful(void **state)
{
	(void)state;
	check_if_known(SPAN("Hi +AOk-."), "utf-7", "Hi é.");
	check(SPAN("\xcd\xec"), "windows-1258", "Í\xcc\x81", 0);
	check(SPAN("a\xcd"), "windows-1258", "aÍ", 0);
	check_if_known(SPAN("\x1b$)C\x0e\x30\x21\x0f"), "iso-2022-kr", "가");
	check(SPAN("\x1b$B$3"), "ISO-2022-JP", "こ", 0);
}

static void by_iconv(void **state)
{
	(void)state;
	check(SPAN("\xf0\xd2\xc9\xd7\xc5\xd4"), "koi8-r", "Привет", 0);
	check(SPAN("\xc4\xe3\xba\xc3"), "gb2312", "你好", 0);
	check(SPAN("\x1b$B$3$s\x1b(B"), "ISO-2022-JP", "こん", 0);
	/* cut in the middle of a character, and bytes that are none */
	check(SPAN("a\xc4"), "gbk", "a\xef\xbf\xbd", 0);
	check(SPAN("\xa1\xff"), "iso-8859-3", "Ħ˙", 0);
	check(SPAN("x\xa5y"), "iso-8859-3", "x\xef\xbf\xbdy", 0);
}

/* Longer than the conversion buffer, and a cap that cuts it. */
static void long_text(void **state)
{
	char text[4000];
	struct str out;

	(void)state;
	memset(text, 0xe9, sizeof(text));
	str_init(&out, 100000);
	charset_to_utf8(&out, span_make(text, sizeof(text)), SPAN("iso-8859-2"));
	assert_int_equal(out.n, 2 * sizeof(text));
	assert_memory_equal(out.p + out.n - 4, "éé", 4);
	str_free(&out);
	str_init(&out, 100);
	charset_to_utf8(&out, span_make(text, sizeof(text)), SPAN("iso-8859-2"));
	assert_true(out.bad);
	str_free(&out);
}

/* Names out of a message do not reach the C library. */
static void unknown(void **state)
{
	(void)state;
	check(SPAN("a\xe9"), "x-no-such", "a\xef\xbf\xbd", -1);
	check(SPAN("ab"), "UTF-8//TRANSLIT", "ab", -1);
	check(SPAN("a\xe9"), "../../tmp/evil", "a\xef\xbf\xbd", -1);
	check(SPAN("a"), "IBM1364", "a", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),
		cmocka_unit_test(broken_utf8),
		cmocka_unit_test(guessed),
		cmocka_unit_test(names),
		cmocka_unit_test(utf16),
		cmocka_unit_test(stateful),
		cmocka_unit_test(by_iconv),
		cmocka_unit_test(long_text),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
