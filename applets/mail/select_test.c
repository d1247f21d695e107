#include "mail/select.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A mailbox of six, the third one deleted. want: the numbers chosen, or the error's text. */
static void chosen(unsigned dot, bool deleted, const char *words,
		const char *want)
{
	static const unsigned char note[7] = { 0, 1, 0, 2, 1, 0, 0 };
	struct mail_select s = {
		.count = 6, .dot = dot, .note = note, .mask = 2,
		.want = deleted ? 2 : 0
	};
	unsigned char set[7];
	struct err err;
	char got[300] = "";
	int rc = mail_select(&s, span_of(words), set, &err);

	for (unsigned i = 1; rc == 0 && i <= 6; i++)
		if (set[i])
			snprintf(got + strlen(got), 8, "%u", i);
	if (rc < 0)
		snprintf(got, sizeof(got), "%s", err.text);
	assert_string_equal(got, want);
}

static void numbers(void **state)
{
	(void)state;
	chosen(2, false, "", "2");
	chosen(2, false, "4", "4");
	chosen(2, false, "1 5", "15");
	chosen(2, false, "1-2 4-6", "12456");
	chosen(2, false, "2-4", "24");
	chosen(2, false, ".", "2");
	chosen(2, false, "^", "1");
	chosen(2, false, "$", "6");
	chosen(2, false, "4-$", "456");
	chosen(2, false, ".-4", "24");
	chosen(2, false, "*", "12456");
	chosen(2, false, "+", "4");
	chosen(4, false, "-", "2");
	chosen(2, false, " \t1\t", "1");
	chosen(2, false, "6 1 6", "16");
}

static void numbers_bad(void **state)
{
	static const char *const bad[] = {
		"0", "7", "1-7", "4-2", "1-", "99999999999999999999", "3",
		"bob", "/lunch", ":n", "1x", "-4"
	};
	char want[100];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(want, sizeof(want), "%s: no such message", bad[i]);
		chosen(2, false, bad[i], want);
	}
	chosen(3, false, ".", ".: no such message");
	chosen(6, false, "+", "+: no such message");
	chosen(1, false, "-", "-: no such message");
	chosen(0, false, "-", "-: no such message");
	chosen(2, false, "1 7", "7: no such message");
}

/* A default goes to the nearest message that is left. */
static void default_moves(void **state)
{
	(void)state;
	chosen(3, false, "", "4");
	chosen(0, false, "", "1");
	chosen(6, true, "", "3");
	chosen(1, true, "", "3");
}

static void deleted(void **state)
{
	(void)state;
	chosen(2, true, "3", "3");
	chosen(2, true, "*", "3");
	chosen(2, true, "1-6", "3");
	chosen(2, true, "1", "1: no such message");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_bad),
		cmocka_unit_test(default_moves),
		cmocka_unit_test(deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
