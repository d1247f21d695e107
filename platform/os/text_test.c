#include "os/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void clear(void)
{
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LC_MESSAGES");
	unsetenv("LANG");
}

static void test_locale(void **state)
{
	(void)state;
	clear();
	assert_string_equal(text_locale("LC_CTYPE"), "");
	assert_false(text_utf8());
	setenv("LANG", "de_DE.UTF-8@euro", 1);
	assert_true(text_utf8());
	setenv("LC_CTYPE", "C", 1);
	assert_string_equal(text_locale("LC_CTYPE"), "C");
	assert_string_equal(text_locale("LC_MESSAGES"), "de_DE.UTF-8@euro");
	assert_false(text_utf8());
	setenv("LC_ALL", "", 1);
	assert_false(text_utf8());
	setenv("LC_ALL", "C.utf8", 1);
	assert_true(text_utf8());
}

/* The language is asked for once in a process: one test for what it finds. */
static void test_chinese(void **state)
{
	(void)state;
	clear();
	setenv("LANG", "zh_CN.UTF-8", 1);
	assert_string_equal(T("No messages\n"), "没有邮件\n");
	assert_string_equal(T("not in the catalogue"), "not in the catalogue");
	assert_string_equal(T(""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locale),
		cmocka_unit_test(test_chinese)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
