#include "mail/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* The arguments of line, unquoted, each in brackets. */
static void all(const char *line, const char *want)
{
	struct span rest = span_of(line), arg;
	struct str got;

	str_init(&got, 1000);
	while ((arg = mail_arg(&rest)).n) {
		str_addc(&got, '[');
		mail_unquote(&got, arg);
		str_addc(&got, ']');
	}
	assert_string_equal(str_c(&got), want);
	str_free(&got);
}

static void words(void **state)
{
	(void)state;
	all("", "");
	all(" \t ", "");
	all("a", "[a]");
	all("  a\tb  c ", "[a][b][c]");
}

static void quotes(void **state)
{
	(void)state;
	all("'a b' \"c  d\"", "[a b][c  d]");
	all("\"it's\" 'say \"x\"'", "[it's][say \"x\"]");
	all("'back\\slash' \"$HOME \\\"", "[back\\slash][$HOME \\]");
	all("'' x", "[][x]");
	/* only around the whole argument */
	all("don't 'a b'c d", "[don't]['a][b'c][d]");
	all("a\"b c\"", "[a\"b][c\"]");
	all("'open end", "['open][end]");
	all("'it's' x", "[it's][x]");
	all("'", "[']");
}

static void values(void **state)
{
	(void)state;
	all("a=\"b c\" d='e \" f' g=", "[a=\"b c\"][d='e \" f'][g=]");
	all("a=\"b c d", "[a=\"b][c][d]");
}

static void backslashes(void **state)
{
	(void)state;
	all("a\\ b c\\\\d \\'e f\\'", "[a b][c\\d]['e][f']");
	all("\\\"a b\"", "[\"a][b\"]");
	all("a\\", "[a]");
	all("\\", "[]");
}

static void last(void **state)
{
	struct span rest = SPAN(" 1-3  /x 'my file' ");
	struct span arg = mail_arg_last(&rest);

	(void)state;
	assert_true(span_eq(arg, SPAN("'my file'")));
	assert_true(span_eq(rest, SPAN("1-3  /x")));
	rest = SPAN("one");
	assert_true(span_eq(mail_arg_last(&rest), SPAN("one")));
	assert_int_equal(rest.n, 0);
	rest = SPAN("");
	assert_int_equal(mail_arg_last(&rest).n, 0);
	assert_int_equal(rest.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(quotes),
		cmocka_unit_test(values),
		cmocka_unit_test(backslashes),
		cmocka_unit_test(last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
