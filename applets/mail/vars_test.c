#include "mail/vars.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int start(void **state)
{
	static struct mail_vars v;

	unsetenv("DEAD");
	setenv("EDITOR", "joe", 1);
	setenv("VISUAL", "", 1);
	*state = &v;
	return mail_vars_init(&v);
}

static int end(void **state)
{
	mail_vars_free(*state);
	return 0;
}

static void presets(void **state)
{
	struct mail_vars *v = *state;

	assert_string_equal(mail_var(v, MAIL_VAR_DEAD), "~/dead.letter");
	assert_string_equal(mail_var(v, MAIL_VAR_EDITOR), "joe");
	assert_string_equal(mail_var(v, MAIL_VAR_VISUAL), "vi");
	assert_true(mail_var_on(v, MAIL_VAR_ASKSUB));
	assert_false(mail_var_on(v, MAIL_VAR_HOLD));
	assert_int_equal(mail_var_number(v, MAIL_VAR_TOPLINES), 5);
	assert_int_equal(mail_var_number(v, MAIL_VAR_SCREEN), 0);
	for (int i = 0; i < MAIL_VAR_COUNT; i++)
		assert_non_null(mail_var_name((enum mail_var)i));
}

static void fails(struct mail_vars *v, const char *word, const char *why)
{
	struct err err;

	assert_int_equal(mail_var_set(v, span_of(word), &err), -1);
	assert_string_equal(err.text, why);
}

static void sets(void **state)
{
	struct mail_vars *v = *state;
	struct err err;

	assert_int_equal(mail_var_set(v, SPAN("hold"), &err), 0);
	assert_true(mail_var_on(v, MAIL_VAR_HOLD));
	assert_int_equal(mail_var_set(v, SPAN("nohold"), &err), 0);
	assert_false(mail_var_on(v, MAIL_VAR_HOLD));
	assert_int_equal(mail_var_set(v, SPAN("screen=12"), &err), 0);
	assert_int_equal(mail_var_number(v, MAIL_VAR_SCREEN), 12);
	assert_int_equal(mail_var_set(v, SPAN("indentprefix=\"> \""), &err), 0);
	assert_string_equal(mail_var(v, MAIL_VAR_INDENTPREFIX), "> ");
	assert_int_equal(mail_var_set(v, SPAN("noask"), &err), 0);
	assert_false(mail_var_on(v, MAIL_VAR_ASKSUB));
	assert_int_equal(mail_var_unset(v, SPAN("MBOX"), &err), 0);
	assert_null(mail_var(v, MAIL_VAR_MBOX));
	fails(v, "nonsense", "nonsense: unknown variable");
	fails(v, "hold=1", "hold: takes no value");
	fails(v, "screen", "screen: needs a value");
	assert_int_equal(mail_var_set(v, SPAN("screen=x"), &err), 0);
	assert_int_equal(mail_var_number(v, MAIL_VAR_SCREEN), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(presets, start, end),
		cmocka_unit_test_setup_teardown(sets, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
