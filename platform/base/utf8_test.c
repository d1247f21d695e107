#include "base/utf8.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <wchar.h>
#include <cmocka.h>

static void valid(void **state)
{
	static const char *const good[] = {
		"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "Gr\xc3\xbc\xc3\x9f",
	};
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc2", "\xc2x", "\xc2\xc2", "\xe0\xa0",
		"\xf0\x90\x80", "\xe2\x82x", "a\xff", "\xfe",
		"\xf8\x88\x80\x80\x80",
		/* overlong */
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		/* surrogates; past 10FFFF */
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf7\xbf\xbf\xbf",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(utf8_valid(span_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(span_of(bad[i])));
	assert_true(utf8_valid(SPAN("a\0b")));
	assert_true(utf8_valid(span_make(NULL, 0)));
}

static void ascii(void **state)
{
	(void)state;
	assert_true(utf8_ascii(span_make(NULL, 0)));
	assert_true(utf8_ascii(SPAN("\x01 ~\x7f")));
	assert_false(utf8_ascii(SPAN("a\0")));
	assert_false(utf8_ascii(SPAN("\x80")));
	assert_false(utf8_ascii(SPAN("a\xff")));
}

/* All there are: valid exactly when a scalar value, and the same after. */
static void every_code_point(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		uint32_t want = c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ?
			0xfffd : c;
		struct str s;
		struct span rest;

		str_init(&s, 4);
		utf8_put(&s, c);
		rest = str_span(&s);
		if (s.bad || !utf8_valid(rest) || utf8_next(&rest) != want ||
				rest.n)
			fail_msg("U+%X", (unsigned)c);
		str_free(&s);
	}
}

static void one_replacement_a_byte(void **state)
{
	struct span s = SPAN("\xe2\x82" "a\xf0\x9f\x98\x80\xc2");

	(void)state;
	assert_int_equal(utf8_next(&s), 0xfffd);
	assert_int_equal(utf8_next(&s), 0xfffd);
	assert_int_equal(utf8_next(&s), 'a');
	assert_int_equal(utf8_next(&s), 0x1f600);
	assert_int_equal(utf8_next(&s), 0xfffd);
	assert_int_equal(s.n, 0);
}

static void width(void **state)
{
	static const struct {
		uint32_t c;
		int width;
	} rows[] = {
		{ 0, -1 }, { '\n', -1 }, { 0x1b, -1 }, { 0x1f, -1 },
		{ ' ', 1 }, { '~', 1 }, { 0x7f, -1 }, { 0x9f, -1 },
		{ 0xa0, 1 }, { 0xad, 1 }, { 0xe4, 1 }, { 0x2ff, 1 },
		{ 0x300, 0 }, { 0x36f, 0 }, { 0x370, 1 }, { 0x10ff, 1 },
		{ 0x1100, 2 }, { 0x115f, 2 }, { 0x1160, 0 }, { 0x200b, 0 },
		{ 0x2028, -1 }, { 0x2029, -1 }, { 0x20ac, 1 }, { 0x3000, 2 },
		{ 0x302a, 0 }, { 0x4e00, 2 }, { 0xac00, 2 }, { 0xd7a3, 2 },
		{ 0xfe0f, 0 }, { 0xff01, 2 }, { 0xff60, 2 }, { 0xff61, 1 },
		{ 0xfffd, 1 }, { 0x10000, 1 }, { 0x1f600, 2 }, { 0x1f4a9, 2 },
		{ 0x20000, 2 }, { 0x3fffd, 2 }, { 0x40000, 1 },
		{ 0xe0100, 0 }, { 0x10ffff, 1 }, { 0xffffffff, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (utf8_width(rows[i].c) != rows[i].width)
			fail_msg("U+%X: %d", (unsigned)rows[i].c,
					utf8_width(rows[i].c));
}

static void plain(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain ?", "plain ?" },
		{ "\u00c0\u00ef\u00e9\u00ff\u00bf\u00be\u00df", "Aiey?3/4ss" },
		{ "\u0142\u0159\u017f\u0100\u0178\u0153\u017e", "lrsAYoez" },
		{ "\u01ce\u01dc\u0218\u021b\u1ea1\u1ef9", "auStay" },
		{ "\u201cx\u201d \u2018y\u2019\u2013\u2014\u2026\u2022\u2192",
		  "\"x\" 'y'---...*->" },
		{ "\uff21\uff5e\u3000\u20ac", "A~ EUR" },
		{ "\u4f60\u0430\U0001f600\u0180\u01dd\u021c", "??????" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span rest = span_of(rows[i].text);
		struct str got;

		str_init(&got, 100);
		while (rest.n) {
			char room[1];

			str_add(&got, utf8_plain(utf8_next(&rest), room));
		}
		assert_string_equal(str_c(&got), rows[i].want);
		str_free(&got);
	}
}

/* Whatever it is: printable ASCII, and never nothing. */
static void plain_is_ascii(void **state)
{
	(void)state;
	for (uint32_t c = 0x20; c < 0x120000; c++) {
		char room[1];
		struct span text = utf8_plain(c, room);

		if (c == 0x7f)
			continue;
		assert_true(text.n >= 1 && text.n <= 3);
		for (size_t i = 0; i < text.n; i++)
			assert_in_range(text.p[i], 0x20, 0x7e);
	}
}

/*
 * As the C library measures it, where that knows the character. What differs
 * is ours on purpose: what the table leaves out, what no terminal shows.
 * musl's is of another Unicode: there U+600 takes no column.
 */
static void as_wcwidth(void **state)
{
	unsigned other = 0;

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8") || wcwidth(0x4e00) != 2 ||
			wcwidth(0x600) != 1)
		skip();
	for (uint32_t c = 0x20; c < 0x30000; c++) {
		int want = wcwidth((wchar_t)c), got = utf8_width(c);

		if (want < 0 || want == got)
			continue;
		if (c >= 0x10000 && want == 0)
			continue;	/* marks of dead scripts */
		if ((c >= 0x4dc0 && c <= 0x4dff) ||
		    (c >= 0x3248 && c <= 0x324f))
			continue;	/* East Asian Width N and A */
		print_message("U+%X: %d, not %d\n", (unsigned)c, got, want);
		other++;
	}
	assert_int_equal(other, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),
		cmocka_unit_test(ascii),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(one_replacement_a_byte),
		cmocka_unit_test(width),
		cmocka_unit_test(as_wcwidth),
		cmocka_unit_test(plain),
		cmocka_unit_test(plain_is_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
