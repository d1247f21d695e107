#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void starts_empty(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 10);
	assert_null(s.p);
	assert_string_equal(str_c(&s), "");
	assert_int_equal(str_span(&s).n, 0);
	str_cut(&s, 5);
	str_clear(&s);
	str_add(&s, SPAN(""));
	assert_non_null(s.p);		/* from the first append on */
	assert_string_equal(s.p, "");
	str_free(&s);
	assert_null(s.p);
	assert_int_equal(s.cap, 10);
}

/* Each cap around the sizes that are allocated, filled to the last byte. */
static void cap_is_exact(void **state)
{
	(void)state;
	for (size_t cap = 0; cap < 300; cap++) {
		struct str s;

		str_init(&s, cap);
		for (size_t i = 0; i < cap; i++)
			str_addc(&s, (char)('a' + i % 26));
		assert_false(s.bad);
		assert_int_equal(s.n, cap);
		assert_int_equal(strlen(str_c(&s)), cap);
		str_addc(&s, 'x');
		assert_true(s.bad);
		assert_int_equal(s.n, cap);
		assert_true(s.size <= cap + 1);
		str_free(&s);
	}
}

/* Two appends of every size, so each way of growing, below a high cap. */
static void grows_to_any_size(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t a = 0; a < sizeof(text); a += 7)
		for (size_t b = 0; b < sizeof(text); b++) {
			struct str s;

			str_init(&s, 100000);
			str_add(&s, span_make(text, a));
			str_add(&s, span_make(text, b));
			assert_false(s.bad);
			assert_int_equal(s.n, a + b);
			assert_true(s.size > s.n && s.size < 2 * s.n + 256);
			assert_int_equal(s.p[s.n], 0);
			str_free(&s);
		}
}

static void bad_sticks(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 4);
	str_adds(&s, "abc");
	str_adds(&s, "de");	/* does not fit, so not in part either */
	assert_true(s.bad);
	assert_string_equal(str_c(&s), "abc");
	str_adds(&s, "d");		/* would fit, but the text is broken */
	str_addf(&s, "%d", 1);
	assert_string_equal(str_c(&s), "abc");
	str_clear(&s);
	assert_false(s.bad);
	assert_string_equal(str_c(&s), "");
	str_adds(&s, "wxyz");
	assert_false(s.bad);
	assert_string_equal(str_c(&s), "wxyz");
	str_free(&s);
}

static void formats(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100);
	str_addf(&s, "%s-%03d", "x", 7);
	assert_string_equal(str_c(&s), "x-007");
	str_addf(&s, "%95s", "");
	assert_false(s.bad);
	assert_int_equal(s.n, 100);
	str_addf(&s, "%s", "");
	assert_false(s.bad);
	str_addf(&s, "%s", "y");
	assert_true(s.bad);
	assert_int_equal(s.n, 100);
	str_free(&s);
}

static void keeps_zero_bytes(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, SIZE_MAX);
	str_add(&s, SPAN("a\0b"));
	str_add(&s, span_make(NULL, 0));
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);
	str_free(&s);
}

static void cuts_the_front(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100);
	str_adds(&s, "hello");
	str_cut(&s, 0);
	assert_string_equal(str_c(&s), "hello");
	str_cut(&s, 2);
	assert_string_equal(str_c(&s), "llo");
	str_cut(&s, 99);
	assert_string_equal(str_c(&s), "");
	assert_int_equal(s.n, 0);
	str_free(&s);
}

static void huge_adds_fail(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, SIZE_MAX);
	str_adds(&s, "x");
	/* the size is looked at, never the bytes */
	str_add(&s, span_make("x", SIZE_MAX));
	assert_true(s.bad);
	assert_string_equal(str_c(&s), "x");
	str_free(&s);
}

static void copy_fits_or_is_empty(void **state)
{
	char to[4] = "???";

	(void)state;
	assert_int_equal(str_copy(to, sizeof(to), SPAN("abc")), 0);
	assert_string_equal(to, "abc");
	assert_int_equal(str_copy(to, sizeof(to), SPAN("abcd")), -1);
	assert_string_equal(to, "");
	assert_int_equal(str_copy(to, sizeof(to), span_make(NULL, 0)), 0);
	assert_string_equal(to, "");
	assert_int_equal(str_copy(to, sizeof(to), SPAN("a\0b")), -1);
	assert_string_equal(to, "");
	assert_int_equal(str_copy(to, 1, SPAN("")), 0);
	to[0] = '?';
	assert_int_equal(str_copy(to, 0, SPAN("")), -1);
	assert_int_equal(to[0], '?');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(cap_is_exact),
		cmocka_unit_test(grows_to_any_size),
		cmocka_unit_test(bad_sticks),
		cmocka_unit_test(formats),
		cmocka_unit_test(keeps_zero_bytes),
		cmocka_unit_test(cuts_the_front),
		cmocka_unit_test(huge_adds_fail),
		cmocka_unit_test(copy_fits_or_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
