#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),
		cmocka_unit_test(ascii),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(one_replacement_a_byte),
		cmocka_unit_test(width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
