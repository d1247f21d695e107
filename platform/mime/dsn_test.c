#include "mime/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

static const struct {
	bool (*good)(struct span value);
	const char *value;
	bool want;
} forms[] = {
	{ dsn_is_ret, "FULL", true },
	{ dsn_is_ret, "hdrs", true },
	{ dsn_is_ret, "", false },
	{ dsn_is_ret, "FULLY", false },
	{ dsn_is_envid, "QQ314159", true },
	{ dsn_is_envid, "a+2Bb+3D+20~!", true },
	{ dsn_is_envid, "", false },
	{ dsn_is_envid, "a=b", false },
	{ dsn_is_envid, "a+", false },
	{ dsn_is_envid, "a+2", false },
	{ dsn_is_envid, "a+2b", false },
	{ dsn_is_envid, "a+0D+0AX", false },
	{ dsn_is_envid, "a+00", false },
	{ dsn_is_envid, "a+7F", false },
	{ dsn_is_envid, "a+E9", false },
	{ dsn_is_envid, "\xe9", false },
	{ dsn_is_notify, "NEVER", true },
	{ dsn_is_notify, "never", true },
	{ dsn_is_notify, "SUCCESS", true },
	{ dsn_is_notify, "delay,Success,FAILURE", true },
	{ dsn_is_notify, "", false },
	{ dsn_is_notify, ",", false },
	{ dsn_is_notify, "SUCCESS,", false },
	{ dsn_is_notify, ",SUCCESS", false },
	{ dsn_is_notify, "NEVER,SUCCESS", false },
	{ dsn_is_notify, "SUCCESS,NEVER", false },
	{ dsn_is_notify, "DELAY,DELAY", false },
	{ dsn_is_notify, "SOMETIMES", false },
	{ dsn_is_orcpt, "rfc822;a@b.c", true },
	{ dsn_is_orcpt, "rfc822;a+2Bx@b.c", true },
	{ dsn_is_orcpt, "x-local;a;b", true },
	{ dsn_is_orcpt, "rfc822", false },
	{ dsn_is_orcpt, "rfc822;", false },
	{ dsn_is_orcpt, ";a@b.c", false },
	{ dsn_is_orcpt, "rfc(822);a@b.c", false },
	{ dsn_is_orcpt, "rfc822;a+x@b.c", false },
	{ dsn_is_orcpt, "rfc822;a=b@b.c", false },
	/* RFC 6533 3: both forms */
	{ dsn_is_orcpt, "utf-8;b\\x{FC}ro@b.c", true },
	{ dsn_is_orcpt, "utf-8;b\xc3\xbcro@b.c", true },
	{ dsn_is_orcpt, "UTF-8;b\xc3\xbcro@b.c", true },
	{ dsn_is_orcpt, "rfc822;b\xc3\xbcro@b.c", false },
	{ dsn_is_orcpt, "utf-8;b\xfcro@b.c", false },
	{ dsn_is_orcpt, "utf-8;b\xc2\x85ro@b.c", false },
	/* octets of UTF-8 as xtext, with any type */
	{ dsn_is_orcpt, "rfc822;b+C3+BCro@b.c", true },
	{ dsn_is_orcpt, "utf-8;b+C3+BCro@b.c", true },
	{ dsn_is_orcpt, "rfc822;b+FCro@b.c", false },
	{ dsn_is_orcpt, "rfc822;b+C2+85ro@b.c", false },
	{ dsn_is_orcpt, "rfc822;b+C0+8Aro@b.c", false },
	{ dsn_is_orcpt, "utf\xc3\xbc;b@b.c", false },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (forms[i].good(span_of(forms[i].value)) != forms[i].want)
			fail_msg("%s", forms[i].value);
}

static void test_lengths(void **state)
{
	char text[DSN_ORCPT_MOST + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_true(dsn_is_envid(span_make(text, DSN_ENVID_MOST)));
	assert_false(dsn_is_envid(span_make(text, DSN_ENVID_MOST + 1)));
	text[6] = ';';
	assert_true(dsn_is_orcpt(span_make(text, DSN_ORCPT_MOST)));
	assert_false(dsn_is_orcpt(span_make(text, DSN_ORCPT_MOST + 1)));
}

static void test_params(void **state)
{
	const char *params = "RET=FULL ENVID=a+3Db";

	(void)state;
	assert_true(span_eq(dsn_param(params, "RET"), SPAN("FULL")));
	assert_true(span_eq(dsn_param(params, "ENVID"), SPAN("a+3Db")));
	assert_int_equal(dsn_param(params, "NOTIFY").n, 0);
	assert_int_equal(dsn_param("", "RET").n, 0);
	assert_int_equal(dsn_param(NULL, "RET").n, 0);
}

static void test_wants(void **state)
{
	(void)state;
	assert_true(dsn_wants(NULL, DSN_FAILURE));
	assert_true(dsn_wants("ORCPT=rfc822;a@b", DSN_DELAY));
	assert_false(dsn_wants("", DSN_SUCCESS));
	assert_false(dsn_wants("NOTIFY=NEVER", DSN_FAILURE));
	assert_false(dsn_wants("NOTIFY=NEVER", DSN_DELAY));
	assert_true(dsn_wants("NOTIFY=Success", DSN_SUCCESS));
	assert_false(dsn_wants("NOTIFY=SUCCESS", DSN_FAILURE));
	assert_true(dsn_wants("ORCPT=x;y NOTIFY=SUCCESS,FAILURE",
				DSN_FAILURE));
}

static void test_decode(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 100);
	assert_true(dsn_decode(&out, SPAN("a+2Bb+20c")));
	assert_string_equal(str_c(&out), "a+b c");
	str_clear(&out);
	assert_false(dsn_decode(&out, SPAN("ab+0Ac")));
	assert_string_equal(str_c(&out), "ab");
	str_free(&out);
}

static void assert_utf8(const char *in, bool ascii, const char *want)
{
	struct str out;

	str_init(&out, 500);
	dsn_put_utf8(&out, span_of(in), ascii);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void assert_orcpt(const char *in, bool ascii, const char *want)
{
	struct str out;

	str_init(&out, 500);
	dsn_put_orcpt(&out, span_of(in), ascii);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void test_utf8(void **state)
{
	static const char *const same[] = {
		/* no character, or none that may stand in a report */
		"\\x{}", "\\x{0A}", "\\x{20}", "\\x{85}", "\\x{2028}",
		"\\x{D800}", "\\x{110000}", "\\x{0000041}", "\\x{4g}",
		"\\x{fc}", "\\x{41", "\\x", "\\", "a@b"
	};

	(void)state;
	assert_utf8("b\\x{FC}ro\\x{2B}\\x{1F4E9}@b", false,
			"b\xc3\xbcro+\xf0\x9f\x93\xa9@b");
	assert_utf8("b\xc3\xbcro", false, "b\xc3\xbcro");
	assert_utf8("b\xc3\xbcro\xf0\x9f\x93\xa9@b", true,
			"b\\x{FC}ro\\x{1F4E9}@b");
	assert_utf8("b\\x{FC}ro", true, "b\\x{FC}ro");
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		assert_utf8(same[i], false, same[i]);
	assert_orcpt("rfc822;a+2Bb@c", true, "rfc822; a+b@c");
	assert_orcpt("X;a+20b", false, "X; a b");
	assert_orcpt("utf-8;b\xc3\xbc", false, "utf-8; b\xc3\xbc");
	assert_orcpt("UTF-8;b\xc3\xbc", true, "utf-8; b\\x{FC}");
	assert_orcpt("rfc822;b+C3+BC", false, "utf-8; b\xc3\xbc");
	assert_orcpt("rfc822;b+C3+BC", true, "utf-8; b\\x{FC}");
}

static void test_make_orcpt(void **state)
{
	char address[DSN_ORCPT_MOST + 2];
	struct str out;

	(void)state;
	if (!CFG_DSN)
		return;
	str_init(&out, 2000);
	dsn_make_orcpt(&out, "a+b=c@b.test");
	assert_string_equal(str_c(&out), "ORCPT=rfc822;a+2Bb+3Dc@b.test");
	dsn_make_orcpt(&out, "\"x y\"@b.test");
	assert_string_equal(str_c(&out), "ORCPT=rfc822;a+2Bb+3Dc@b.test "
			"ORCPT=rfc822;\"x+20y\"@b.test");
	str_clear(&out);
	dsn_make_orcpt(&out, "b\xc3\xbcro@b.test");
	assert_int_equal(out.n, 0);
	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	dsn_make_orcpt(&out, address);
	assert_true(out.bad);
	str_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make_orcpt),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_wants),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
