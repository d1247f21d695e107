#include "mime/charset.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

/* text in charset becomes want; rc as documented */
static void check(struct span text, const char *charset, const char *want,
		int rc)
{
	struct str out;

	str_init(&out, 1000);
	assert_int_equal(charset_to_utf8(&out, text, span_of(charset)), rc);
	assert_string_equal(str_c(&out), want);
	assert_true(utf8_valid(str_span(&out)));
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

/* Nothing said, or ASCII said: UTF-8 when it is that, else Latin-1. */
static void guessed(void **state)
{
	(void)state;
	check(SPAN("caf\xc3\xa9"), "", "café", 0);
	check(SPAN("caf\xe9"), "", "café", 0);
	check(SPAN("caf\xe9"), "us-ascii", "café", 0);
	check(SPAN(""), "", "", 0);
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
		cmocka_unit_test(by_iconv),
		cmocka_unit_test(long_text),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
