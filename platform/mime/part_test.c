#include "mime/part.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void param_is(const char *value, const char *name, const char *want)
{
	struct span got = part_param(span_of(value), name);

	assert_true(span_eq(got, span_of(want)));
}

static void params(void **state)
{
	(void)state;
	param_is("text/plain; charset=utf-8", "charset", "utf-8");
	param_is("text/plain;CHARSET=\"utf-8\"; x=y", "charset", "utf-8");
	param_is("text/plain; a=b; charset = x", "charset", "x");
	param_is("text/plain; a=\"; charset=no\"; charset=yes", "charset", "yes");
	param_is("text/plain (a; charset=no); charset=yes", "charset", "yes");
	param_is("text/plain; charset=\n\tfolded", "charset", "folded");
	param_is("x/y; name=\"a\\\"b\"", "name", "a\\\"b");
	param_is("x/y; name=\"no end", "name", "no end");
	param_is("x/y; name=", "name", "");
	param_is("x/y; name", "name", "");
	param_is("x/y; ;; name=z", "name", "z");
	param_is("x/y", "name", "");
	param_is("", "name", "");
	param_is("x/y; name=\"\\", "name", "\\");
}

static void base64_is(const char *in, const char *want)
{
	struct str out;

	str_init(&out, 1000);
	part_base64(&out, span_of(in));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

/* Lenient, as RFC 2045 6.8 has it. */
static void base64(void **state)
{
	(void)state;
	base64_is("aGVs\nbG8=\n", "hello");
	base64_is("a G*V\r\nsbG8", "hello");
	base64_is("aGk=aGk=", "hihi");
	base64_is("====", "");
	base64_is("aGVsbG8=a", "hello");
	base64_is("6Q==", "\xe9");
	/* what a list appended */
	base64_is("aGk=\n\n____\nlist: x\n", "hi____\nlist: x\n");
	base64_is("aGk=\nthis is no code", "hithis is no code");
	base64_is("aGk=\nYQ==\n-- \n", "hia-- \n");
	base64_is("aGk=\nYWJj\n", "hiabc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(params),
		cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
