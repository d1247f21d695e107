#include "smtpd/strip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/str.h"

static int add(void *arg, struct span piece)
{
	assert_true(piece.n > 0);
	str_add(arg, piece);
	return 0;
}

/* In pieces of every size. */
static void check(const char *in, const char *want)
{
	struct span all = span_of(in);

	for (size_t step = 1; step <= all.n + 1; step++) {
		struct smtpd_strip s;
		struct str out;

		str_init(&out, 1000);
		smtpd_strip_init(&s);
		for (size_t i = 0; i < all.n; i += step)
			assert_int_equal(smtpd_strip(&s, span_sub(all, i, step),
						add, &out), 0);
		assert_int_equal(smtpd_strip_end(&s, add, &out), 0);
		assert_string_equal(str_c(&out), want);
		str_free(&out);
	}
}

static void fields_go(void **state)
{
	(void)state;
	check("Return-Path: <a@b>\r\nX: y\r\n\r\nbody", "X: y\r\n\r\nbody");
	check("X: y\r\nRETURN-path:\r\nReturn-Path:\r\n <a@b>\r\n\tc\r\nZ: 1\r\n",
			"X: y\r\nZ: 1\r\n");
	check("A: 1\r\nReturn-Path: x", "A: 1\r\n");
	check("Return-Path: x\r\n\r\nReturn-Path: y\r\n",
			"\r\nReturn-Path: y\r\n");
}

static void others_stay(void **state)
{
	static const char *const same[] = {
		"", "\r\n", "Return-Path", "Return-Pat: x\r\n", "return-pathX:\r\n",
		"X-Return-Path: x\r\n y\r\n", "X: 1\r\n Return-Path: x\r\n",
		"Return-Path \r\nX: 1\r\n", "\r\nReturn-Path: x\r\n", "R", "\r",
		"Return-Return-Path: x\r\n", "body without a header",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		check(same[i], same[i]);
}

static int refuse(void *arg, struct span piece)
{
	(void)arg, (void)piece;
	return -1;
}

static void failure_is_told(void **state)
{
	struct smtpd_strip s;

	(void)state;
	smtpd_strip_init(&s);
	assert_int_equal(smtpd_strip(&s, SPAN("X: 1\r\n"), refuse, NULL), -1);
	smtpd_strip_init(&s);
	assert_int_equal(smtpd_strip(&s, SPAN("Ret"), refuse, NULL), 0);
	assert_int_equal(smtpd_strip_end(&s, refuse, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_go),
		cmocka_unit_test(others_stay),
		cmocka_unit_test(failure_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
