#include "mail/select.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A mailbox of six: who, what, state letters ("d": deleted). */
static const struct {
	const char *sender, *subject, *states;
} box[] = {
	{ "alice@a.com", "Budget", "r" },
	{ "bob@b.com", "lunch", "n" },
	{ "alice@a.com", "Lunch?", "nd" },
	{ "cary@c.com", "re: budget", "u" },
	{ "bob@b.com", "two words", "ro" },
	{ "12monkeys@z.com", "", "n" },
};

static bool has(const char *text, struct span want)
{
	struct span all = span_of(text);

	for (size_t i = 0; i + want.n <= all.n; i++)
		if (span_caseeq(span_sub(all, i, want.n), want))
			return true;
	return false;
}

static bool match(void *arg, unsigned n, enum mail_select_kind kind,
		struct span text)
{
	(void)arg;
	assert_in_range(n, 1, 6);
	if (kind == MAIL_SELECT_DELETED)
		return strchr(box[n - 1].states, 'd');
	if (kind == MAIL_SELECT_STATE)
		return strchr(box[n - 1].states, text.p[0]);
	return has(kind == MAIL_SELECT_SENDER ? box[n - 1].sender :
			box[n - 1].subject, text);
}

/* want: the numbers chosen, or the error's text. */
static void chosen(unsigned dot, bool deleted, const char *words,
		const char *want)
{
	struct mail_select s = {
		.count = 6, .dot = dot, .deleted = deleted, .match = match
	};
	unsigned char set[7];
	struct err err;
	char got[300] = "";
	int n = mail_select(&s, span_of(words), set, &err);

	for (unsigned i = 1; n > 0 && i <= 6; i++)
		if (set[i])
			snprintf(got + strlen(got), 8, "%u", i);
	if (n > 0)
		assert_int_equal(n, strlen(got));
	else
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
	(void)state;
	chosen(2, false, "0", "0: Invalid message number");
	chosen(2, false, "7", "7: Invalid message number");
	chosen(2, false, "1-7", "1-7: Invalid message number");
	chosen(2, false, "4-2", "4-2: Invalid message number");
	chosen(2, false, "1-", "1-: Invalid message number");
	chosen(2, false, "99999999999999999999", "99999999999999999999: "
			"Invalid message number");
	chosen(2, false, "3", "3: Inappropriate message");
	chosen(3, false, ".", "3: Inappropriate message");
	chosen(6, false, "+", "Referencing beyond EOF");
	chosen(1, false, "-", "Referencing before 1");
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
	chosen(2, true, "1", "1: Inappropriate message");
	chosen(2, true, "lunch", "No applicable messages");
	chosen(2, true, "/lunch", "3");
}

static void filters(void **state)
{
	(void)state;
	chosen(1, false, "alice", "1");
	chosen(1, false, "BOB@B", "25");
	chosen(1, false, "alice bob", "125");
	chosen(1, false, "/budget", "14");
	chosen(1, false, "/budget bob", "1245");
	chosen(1, false, "\"/two words\"", "5");
	chosen(1, false, "'12monkeys'", "12monkeys: Invalid message number");
	chosen(1, false, "1-4 bob", "2");
	chosen(1, false, "nobody", "No applicable messages");
}

static void states(void **state)
{
	(void)state;
	chosen(1, false, ":n", "26");
	chosen(1, false, ":r", "15");
	chosen(1, false, ":u", "4");
	chosen(1, false, ":o", "5");
	chosen(1, false, ":d", "3");
	chosen(1, false, ":n :u", "246");
	chosen(1, false, "bob :n", "2");
	chosen(1, false, "4-6 :n", "6");
	chosen(1, false, ":x", ":x: Unknown state");
	chosen(1, false, ":", ":: Unknown state");
}

static void words(void **state)
{
	struct span rest = SPAN("  one 'two three' \"four\" five\"six ''");

	(void)state;
	assert_true(span_is(mail_select_word(&rest), "one"));
	assert_true(span_is(mail_select_word(&rest), "two three"));
	assert_true(span_is(mail_select_word(&rest), "four"));
	assert_true(span_is(mail_select_word(&rest), "five\"six"));
	assert_int_equal(mail_select_word(&rest).n, 0);
	assert_int_equal(mail_select_word(&rest).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_bad),
		cmocka_unit_test(default_moves),
		cmocka_unit_test(deleted),
		cmocka_unit_test(filters),
		cmocka_unit_test(states),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
