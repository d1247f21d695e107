#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ALIGN _Alignof(max_align_t)

static void pieces_are_apart(void **state)
{
	struct arena *a = arena_new(1 << 20);
	unsigned char *pieces[200];

	(void)state;
	assert_non_null(a);
	assert_int_equal(arena_used(a), 0);
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(a, i * 7);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % ALIGN, 0);
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)i, i * 7);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal(pieces[i][k], i);
	arena_free(a);
	arena_free(NULL);
}

static void cap_holds(void **state)
{
	struct arena *a = arena_new(4 * ALIGN);

	(void)state;
	assert_null(arena_alloc(a, 4 * ALIGN + 1));
	assert_non_null(arena_alloc(a, ALIGN));
	assert_int_equal(arena_used(a), ALIGN);
	assert_non_null(arena_alloc(a, 2 * ALIGN + 1));
	assert_int_equal(arena_used(a), 4 * ALIGN);
	assert_null(arena_alloc(a, 0));
	assert_null(arena_alloc(a, 1));
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 4 * ALIGN));
	arena_free(a);
}

static void huge_sizes_fail(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);

	(void)state;
	/* so near the end that rounding up or the header would wrap */
	for (size_t i = 0; i < 2 * ALIGN; i++)
		assert_null(arena_alloc(a, SIZE_MAX - i));
	assert_null(arena_dup(a, span_make("x", SIZE_MAX)));
	assert_non_null(arena_alloc(a, 1));
	arena_free(a);
}

static void reset_clears(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	for (int round = 0; round < 3; round++) {
		unsigned char *small = arena_alloc(a, 600);
		unsigned char *big = arena_alloc(a, 50000);
		unsigned char *more = arena_alloc(a, 300);

		assert_non_null(small);
		assert_non_null(big);
		assert_non_null(more);
		for (int i = 0; i < 600; i++)
			assert_int_equal(small[i], 0);
		/* the big piece has not cost the small one its room */
		assert_ptr_equal(more, small + (600 + ALIGN - 1) / ALIGN *
				ALIGN);
		memset(small, 0xff, 600);
		memset(more, 0xff, 300);
		memset(big, 0xff, 50000);
		arena_reset(a);
	}
	arena_reset(a);
	arena_free(a);
}

static void texts(void **state)
{
	struct arena *a = arena_new(100);
	char *text;

	(void)state;
	assert_string_equal(arena_dup(a, SPAN("abc")), "abc");
	assert_string_equal(arena_dup(a, span_make(NULL, 0)), "");
	text = arena_printf(a, "%s=%d", "x", -5);
	assert_string_equal(text, "x=-5");
	assert_null(arena_printf(a, "%100s", ""));
	assert_null(arena_dup(a, span_make(text, 100)));
	arena_free(a);
}

/* The next piece does not lie on the end of a text of any length. */
static void texts_of_any_length(void **state)
{
	struct arena *a = arena_new(1 << 20);
	char text[65] = "";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = arena_dup(a, span_make(text, n));
		char *printed = arena_printf(a, "%s", text);

		assert_non_null(arena_alloc(a, 1));
		assert_string_equal(copy, text);
		assert_string_equal(printed, text);
		text[n] = 'x';
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_apart),
		cmocka_unit_test(cap_holds),
		cmocka_unit_test(huge_sizes_fail),
		cmocka_unit_test(reset_clears),
		cmocka_unit_test(texts),
		cmocka_unit_test(texts_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
