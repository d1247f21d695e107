#include "base/span.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define assert_span(s, text) assert_true(span_eq((s), SPAN(text)))

static const struct span none = { NULL, 0 };

static void makes(void **state)
{
	(void)state;
	assert_int_equal(span_of(NULL).n, 0);
	assert_span(span_of("abc"), "abc");
	assert_int_equal(SPAN("a\0b").n, 3);
	assert_span(span_make("abc", 2), "ab");
}

static void sub_clamps(void **state)
{
	struct span s = SPAN("hello");

	(void)state;
	assert_span(span_sub(s, 0, 5), "hello");
	assert_span(span_sub(s, 1, 3), "ell");
	assert_span(span_sub(s, 4, SIZE_MAX), "o");
	assert_span(span_sub(s, 5, 1), "");
	assert_ptr_equal(span_sub(s, 5, 1).p, s.p + 5);
	assert_ptr_equal(span_sub(s, SIZE_MAX, 1).p, s.p + 5);
	assert_int_equal(span_sub(none, 0, 9).n, 0);
	assert_null(span_sub(none, 3, 9).p);
}

static void equality(void **state)
{
	(void)state;
	assert_true(span_eq(none, SPAN("")));
	assert_true(span_eq(SPAN("a\0b"), SPAN("a\0b")));
	assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
	assert_false(span_eq(SPAN("a"), SPAN("A")));
	assert_false(span_eq(SPAN("a"), SPAN("ab")));
	assert_true(span_caseeq(SPAN("aZ09-"), SPAN("Az09-")));
	/* bit 5 is case only for letters */
	assert_false(span_caseeq(SPAN("["), SPAN("{")));
	assert_false(span_caseeq(SPAN("@"), SPAN("`")));
	assert_false(span_caseeq(SPAN("\xc4"), SPAN("\xe4")));
	assert_true(span_is(SPAN("QuIt"), "quit"));
	assert_false(span_is(SPAN("quit\0"), "quit"));
	assert_true(span_is(none, NULL));
}

static void starts_and_ends(void **state)
{
	(void)state;
	assert_true(span_starts(SPAN("From: x"), "FROM:"));
	assert_true(span_starts(SPAN("x"), ""));
	assert_true(span_starts(none, ""));
	assert_false(span_starts(SPAN("Fro"), "From"));
	assert_false(span_starts(SPAN("Fram: x"), "From"));
	assert_true(span_ends(SPAN("a.COM"), ".com"));
	assert_false(span_ends(SPAN("com"), ".com"));
	assert_false(span_ends(SPAN("a.net"), ".com"));
	assert_true(span_ends(none, ""));
}

static void finds(void **state)
{
	(void)state;
	assert_int_equal(span_find(SPAN("a@b@c"), '@'), 1);
	assert_int_equal(span_rfind(SPAN("a@b@c"), '@'), 3);
	assert_int_equal(span_find(SPAN("abc"), '@'), 3);
	assert_int_equal(span_rfind(SPAN("abc"), '@'), 3);
	assert_int_equal(span_find(none, '@'), 0);
	assert_int_equal(span_rfind(none, '@'), 0);
	assert_int_equal(span_rfind(SPAN("@"), '@'), 0);
	assert_true(span_eq(span_before(SPAN("a@b@c"), '@'), SPAN("a@b")));
	assert_true(span_eq(span_behind(SPAN("a@b@c"), '@'), SPAN("c")));
	assert_true(span_eq(span_before(SPAN("abc"), '@'), SPAN("abc")));
	assert_int_equal(span_behind(SPAN("abc"), '@').n, 0);
	assert_int_equal(span_before(none, '@').n, 0);
	assert_int_equal(span_behind(none, '@').n, 0);
	/* the vectors of the FNV page: "" and "foobar" */
	assert_true(span_hash(SPAN_HASH, none) == UINT64_C(0xcbf29ce484222325));
	assert_true(span_hash(span_hash(SPAN_HASH, SPAN("foo")), SPAN("bar"))
			== UINT64_C(0x85944171f73967e8));
	assert_int_equal(span_find(SPAN("a\0b"), '\0'), 1);
	/* not behind the span's end */
	assert_int_equal(span_find(span_make("ab@", 2), '@'), 2);
}

static void trims(void **state)
{
	(void)state;
	assert_span(span_trim(SPAN(" \t\r\n a b \r\n")), "a b");
	assert_span(span_trim(SPAN("ab")), "ab");
	assert_span(span_trim(SPAN(" \t ")), "");
	assert_span(span_trim(SPAN("\va\f")), "\va\f");
	assert_span(span_trim(none), "");
}

static void cuts(void **state)
{
	struct span rest = SPAN("a:bb::c");

	(void)state;
	assert_span(span_cut(&rest, ':'), "a");
	assert_span(span_cut(&rest, ':'), "bb");
	assert_span(span_cut(&rest, ':'), "");
	assert_span(rest, "c");
	assert_span(span_cut(&rest, ':'), "c");
	assert_span(rest, "");
	assert_span(span_cut(&rest, ':'), "");
	rest = SPAN("x:");
	assert_span(span_cut(&rest, ':'), "x");
	assert_span(rest, "");
	rest = none;
	assert_span(span_cut(&rest, ':'), "");
}

static void words(void **state)
{
	struct span rest = SPAN("  MAIL \t FROM:<> x");

	(void)state;
	assert_span(span_word(&rest), "MAIL");
	assert_span(span_word(&rest), "FROM:<>");
	assert_span(span_word(&rest), "x");
	assert_span(span_word(&rest), "");
	assert_span(span_word(&rest), "");
	rest = SPAN("   ");
	assert_span(span_word(&rest), "");
	assert_int_equal(rest.n, 0);
	rest = none;
	assert_span(span_word(&rest), "");
}

static void numbers(void **state)
{
	unsigned long out = 77;

	(void)state;
	assert_true(span_number(SPAN("0"), 0, &out));
	assert_int_equal(out, 0);
	assert_true(span_number(SPAN("00012"), 12, &out));
	assert_int_equal(out, 12);
	assert_false(span_number(SPAN("13"), 12, &out));
	assert_false(span_number(SPAN("1"), 0, &out));
	assert_false(span_number(SPAN(""), 12, &out));
	assert_false(span_number(none, 12, &out));
	assert_false(span_number(SPAN("+1"), 12, &out));
	assert_false(span_number(SPAN("-1"), 12, &out));
	assert_false(span_number(SPAN(" 1"), 12, &out));
	assert_false(span_number(SPAN("1 "), 12, &out));
	assert_false(span_number(SPAN("1\0"), 12, &out));
	assert_false(span_number(SPAN("0x1"), 12, &out));
	assert_int_equal(out, 12);	/* untouched by failures */
}

/* The largest numbers, and one more in each of the two ways. */
static void numbers_do_not_wrap(void **state)
{
	char text[64];
	unsigned long out;
	unsigned long long wide;

	(void)state;
	snprintf(text, sizeof(text), "%lu", ULONG_MAX);
	assert_true(span_number(span_of(text), ULONG_MAX, &out));
	assert_true(out == ULONG_MAX);
	assert_false(span_number(span_of(text), ULONG_MAX - 1, &out));
	assert_true(span_number64(SPAN("18446744073709551615"), ULLONG_MAX,
			&wide));
	assert_true(wide == ULLONG_MAX);
	assert_false(span_number64(SPAN("18446744073709551616"), ULLONG_MAX,
			&wide));
	assert_false(span_number64(SPAN("184467440737095516150"), ULLONG_MAX,
			&wide));
	assert_false(span_number64(SPAN("99999999999999999999999999"),
			ULLONG_MAX, &wide));
	assert_true(span_number64(SPAN("4294967296"), 4294967296ULL, &wide));
	assert_true(wide == 4294967296ULL);
}

/* Every byte: no locale, no sign of char may matter. */
static void ascii(void **state)
{
	int letters = 0, digits = 0, spaces = 0, changed = 0;

	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;

		letters += ascii_isalnum(c) && !ascii_isdigit(c);
		digits += ascii_isdigit(c);
		spaces += ascii_isspace(c);
		changed += ascii_lower(c) != c;
	}
	assert_int_equal(letters, 52);
	assert_int_equal(digits, 10);
	assert_int_equal(spaces, 4);
	assert_int_equal(changed, 26);
	assert_int_equal(ascii_lower('Q'), 'q');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes),
		cmocka_unit_test(sub_clamps),
		cmocka_unit_test(equality),
		cmocka_unit_test(starts_and_ends),
		cmocka_unit_test(finds),
		cmocka_unit_test(trims),
		cmocka_unit_test(cuts),
		cmocka_unit_test(words),
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_do_not_wrap),
		cmocka_unit_test(ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
