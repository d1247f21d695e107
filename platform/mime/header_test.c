#include "mime/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Every field as "[name|value]", then the body. */
static void dump(struct str *out, struct span in)
{
	struct header_field f;

	while (header_next(&in, &f)) {
		str_addf(out, "[%.*s|%.*s]", SPAN_ARG(f.name),
				SPAN_ARG(f.value));
	}
	str_add(out, in);
}

static const struct {
	const char *in, *out;
	size_t size;
} cases[] = {
	{ "", "", 0 },
	{ "\n", "", 1 },
	{ "\r\nbody", "body", 2 },
	{ "A: b\n\nbody\n", "[A|b]body\n", 6 },
	{ "A: b\r\nC:d\r\n\r\nbody", "[A|b][C|d]body", 13 },
	{ "A:\n\nbody", "[A|]body", 4 },
	{ "A: b\n c\n\td\n\nbody", "[A|b\n c\n\td]body", 12 },
	{ "A : b\n\n", "[A|b]", 7 },
	{ "A:b: c\n", "[A|b: c]", 7 },
	{ "A: b", "[A|b]", 4 },
	{ "A: b\n ", "[A|b]", 6 },
	{ "A: b\nno field\n\nbody", "[A|b]no field\n\nbody", 5 },
	{ "From x\nA: b\n\n", "From x\nA: b\n\n", 0 },
	{ " A: b\n\n", " A: b\n\n", 0 },
	{ ": b\n\n", ": b\n\n", 0 },
	{ "A B: c\n\n", "A B: c\n\n", 0 },
	{ "A\xe4: c\n\n", "A\xe4: c\n\n", 0 },
	{ "\rA: b\n", "\rA: b\n", 0 },
};

static void test_fields(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		str_clear(&out);
		dump(&out, span_of(cases[i].in));
		assert_string_equal(str_c(&out), cases[i].out);
		assert_int_equal(header_size(span_of(cases[i].in)),
				cases[i].size);
	}
	str_free(&out);
}

static void test_whole(void **state)
{
	struct span in = SPAN("A: b\r\n c\r\nD: e\r\n\r\n");
	struct header_field f;

	(void)state;
	assert_true(header_next(&in, &f));
	assert_true(span_eq(f.whole, SPAN("A: b\r\n c\r\n")));
	assert_true(header_next(&in, &f));
	assert_true(span_eq(f.whole, SPAN("D: e\r\n")));
	assert_false(header_next(&in, &f));
	assert_int_equal(in.n, 0);
}

static void test_find(void **state)
{
	struct span in = SPAN("A: 1\nB: 2\na: 3\n\nC: 4\n");
	struct header_field f;

	(void)state;
	assert_true(header_find(in, "a", &f));
	assert_true(span_eq(f.value, SPAN("1")));
	assert_true(header_find(in, "B", &f));
	assert_false(header_find(in, "C", &f));
	assert_false(header_find(in, "", &f));
}

static void test_unfold(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 100);
	header_unfold(&out, SPAN("a\r\n b\n\tc"));
	assert_string_equal(str_c(&out), "a b\tc");
	str_free(&out);
}

static void put(struct str *out, const char *value)
{
	str_clear(out);
	header_put(out, "Subject", span_of(value));
}

static void test_put(void **state)
{
	struct str out;
	struct span rest;

	(void)state;
	str_init(&out, 1000);
	put(&out, "short");
	assert_string_equal(str_c(&out), "Subject: short\n");
	put(&out, "");
	assert_string_equal(str_c(&out), "Subject: \n");
	/* a line end in the value may not begin another field */
	put(&out, "a\nBcc: x@y\r\n");
	assert_string_equal(str_c(&out), "Subject: a Bcc: x@y\n");
	put(&out, "0123456789 0123456789 0123456789 0123456789 0123456789 "
			"0123456789 0123456789 0123456789");
	assert_string_equal(str_c(&out), "Subject: 0123456789 0123456789 "
			"0123456789 0123456789 0123456789 0123456789\n"
			" 0123456789 0123456789\n");
	/* one word longer than a line stays in one piece */
	put(&out, "01234567890123456789012345678901234567890123456789"
			"01234567890123456789012345678901234567890123456789");
	rest = str_span(&out);
	span_cut(&rest, '\n');
	assert_int_equal(rest.n, 0);
	str_free(&out);
}

static void test_name(void **state)
{
	(void)state;
	assert_true(header_name_valid(SPAN("X-Foo!")));
	assert_false(header_name_valid(SPAN("")));
	assert_false(header_name_valid(SPAN("a b")));
	assert_false(header_name_valid(SPAN("a:")));
	assert_false(header_name_valid(SPAN("\x7f")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unfold),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
