#include "mail/select.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "mail/find.h"
#include "store/mailbox.h"

/* A mailbox of six, the third one deleted; 2 and 4 were listed before. */
static const unsigned char note[7] = { 0, 1, 128, 2, 129, 0, 0 };
static const struct {
	const char *from, *to, *subject, *body;
	unsigned char flags;
	int day, size;
} box[7] = {
	{ NULL, NULL, NULL, NULL, 0, 0, 0 },
	{ "alice@a.com", "me", "Disk full", "first", MAILBOX_SEEN, 1, 100 },
	{ "bob@b.com", "me", "lunch", "second body",
		MAILBOX_OLD | MAILBOX_FLAGGED, 2, 200 },
	{ "bob@b.com", "me", "deleted", "third", MAILBOX_DELETED, 3, 300 },
	{ "cary@c.com", "list", "Re: Disk full", "fourth", 0, 4, 400 },
	{ "bob@x.com", "me", "(x) y", "fifth", MAILBOX_SEEN | MAILBOX_OLD |
		MAILBOX_ANSWERED, 5, 500 },
	{ "from@d.com", "list", "to do", "sixth", 0, 6, 600 }
};

#define DAY 86400
#define NOW (INT64_C(20784) * DAY + 3600)	/* 2026-11-27, a Friday */

static bool has(const char *text, struct span what)
{
	struct mail_find f;

	mail_find_init(&f, what);
	return mail_find_feed(&f, span_of(text));
}

static bool in_field(unsigned n, const struct mail_criterion *c)
{
	struct span names = c->name;

	while (names.n) {
		struct span name = span_cut(&names, ',');

		if ((span_is(name, "from") && has(box[n].from, c->text)) ||
		    (span_is(name, "to") && has(box[n].to, c->text)) ||
		    (span_is(name, "subject") && has(box[n].subject, c->text)))
			return true;
	}
	return false;
}

static bool match(void *arg, unsigned n, const struct mail_criterion *c)
{
	int64_t at = c->key == MAIL_KEY_SIZE ? box[n].size :
			NOW - (int64_t)(10 - box[n].day) * DAY;

	(void)arg;
	assert_in_range(n, 1, 6);
	switch (c->key) {
	case MAIL_KEY_SENDER: return has(box[n].from, c->text);
	case MAIL_KEY_FIELD: return in_field(n, c);
	case MAIL_KEY_BODY: return has(box[n].body, c->text);
	case MAIL_KEY_TEXT: return has(box[n].body, c->text) ||
			has(box[n].subject, c->text);
	case MAIL_KEY_STATE: return (box[n].flags & c->set) == c->set &&
			!(box[n].flags & c->clear);
	case MAIL_KEY_ARRIVED:
	case MAIL_KEY_SENT:
	case MAIL_KEY_SIZE: return at >= c->from && at < c->to;
	case MAIL_KEY_LISTED: return note[n] & 128;
	case MAIL_KEY_PARENT: return n == 1;
	case MAIL_KEY_THREAD: return n >= c->from;
	default: return false;
	}
}

static struct mail_select base = {
	.count = 6, .dot = 2, .before = 5, .note = note, .mask = 2,
	.now = NOW, .match = match
};

/* want: the numbers chosen, or the error's text. */
static void chosen_of(const struct mail_select *s, const char *words,
		const char *want)
{
	unsigned char set[7];
	struct err err;
	char got[300] = "";
	int rc = mail_select(s, span_of(words), set, &err);

	for (unsigned i = 1; rc == 0 && i <= 6; i++)
		if (set[i])
			snprintf(got + strlen(got), 8, "%u", i);
	if (rc < 0)
		snprintf(got, sizeof(got), "%s", err.text);
	if (strcmp(got, want) != 0)
		print_error("%s: %s, not %s\n", words, got, want);
	assert_string_equal(got, want);
}

static void chosen(unsigned dot, bool deleted, const char *words,
		const char *want)
{
	struct mail_select s = base;

	s.dot = dot;
	s.want = deleted ? 2 : 0;
	chosen_of(&s, words, want);
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
	chosen(2, false, "'$'", "6");
	chosen(2, false, "4-$", "456");
	chosen(2, false, ".-4", "24");
	chosen(2, false, "^-.", "12");
	chosen(2, false, "5-2", "245");
	chosen(2, false, ".-+", "24");
	chosen(2, false, "*", "12456");
	chosen(2, false, "+", "4");
	chosen(4, false, "-", "2");
	chosen(2, false, " \t1\t", "1");
	chosen(2, false, "6 1 6", "16");
	chosen(2, false, ";", "5");
	chosen(2, false, ".-;", "245");
	chosen(2, false, ",", "1");
	chosen(2, false, "`", "24");
}

static void numbers_bad(void **state)
{
	static const char *const bad[] = {
		"0", "7", "1-7", "1-", "99999999999999999999", "3",
		"nobody", "/nothing", "1x", "-4", ":d", "1-1-1", "\\.x"
	};
	char want[100];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(want, sizeof(want), "%s: no such message",
				bad[i] + (bad[i][0] == '\\'));
		chosen(2, false, bad[i], want);
	}
	chosen(3, false, ".", ".: no such message");
	chosen(6, false, "+", "+: no such message");
	chosen(1, false, "-", "-: no such message");
	chosen(0, false, "-", "-: no such message");
	chosen(0, false, ".", ".: no such message");
	chosen(2, false, "1 7", "7: no such message");
	chosen(2, false, "'1", "A word of the list is too long, or its quotes "
			"do not end");
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
	struct mail_select s = base;

	(void)state;
	chosen(2, true, "3", "3");
	chosen(2, true, "*", "3");
	chosen(2, true, "1-6", "3");
	chosen(2, true, "+", "3");
	chosen(6, true, "-", "3");
	chosen(2, true, "^", "3");
	chosen(2, true, "$", "3");
	chosen(2, true, "/deleted", "3");
	chosen(2, true, ":d", "3");
	chosen(2, true, "1", "1: no such message");
	s.shows = true;
	chosen_of(&s, ":d", "3");
	chosen_of(&s, "*", "12456");
}

static void empty(void **state)
{
	struct mail_select s = base;
	static const char *const lists[] = {
		"1", ".", "*", "^", "$", "1-2", "+", "-", ":u", "bob", "&",
		"from bob", "(all)", "`", ";"
	};
	unsigned char set[1];
	struct err err;

	(void)state;
	s.count = s.dot = s.before = 0;
	assert_int_equal(mail_select(&s, SPAN(""), set, &err), -1);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		assert_int_equal(mail_select(&s, span_of(lists[i]), set, &err),
				-1);
}

static void contents(void **state)
{
	struct mail_select s = base;

	(void)state;
	chosen(2, false, "bob", "25");
	chosen(2, false, "BOB@B", "2");
	chosen(2, false, "bob alice", "125");
	chosen(2, false, "/disk", "14");
	chosen(2, false, "'/disk full'", "14");
	chosen(2, false, "/\"disk full\"", "14");
	chosen(2, false, "/disk\\ full 2", "124");
	chosen(2, false, ":n", "46");
	chosen(2, false, ":o", "2");
	chosen(2, false, ":r", "15");
	chosen(2, false, ":u", "246");
	chosen(2, false, ":f", "2");
	chosen(2, false, ":a", "5");
	chosen(2, false, ":fa", "25");
	chosen(2, false, ":q", ":q: no such state of messages: d n o r u a f");
	chosen(2, false, "/to:list", "/to:list: no such message");
	s.fields = true;
	chosen_of(&s, "/to:list", "46");
	chosen_of(&s, "/disk", "14");
}

/* In an order numbers stay, and ranges and signs follow it. */
static void sorted(void **state)
{
	static const unsigned at[7] = { 0, 6, 2, 3, 1, 5, 4 };
	static const unsigned place[7] = { 0, 4, 2, 3, 6, 5, 1 };
	struct mail_select s = base;

	(void)state;
	s.at = at;
	s.place = place;
	chosen_of(&s, "6-2", "26");
	chosen_of(&s, "2-6", "26");
	chosen_of(&s, "2-5", "125");
	chosen_of(&s, "+", "1");
	chosen_of(&s, "-", "6");
	chosen_of(&s, "^", "6");
	chosen_of(&s, "$", "4");
	chosen_of(&s, "*", "12456");
	chosen_of(&s, ".-$", "1245");
	chosen_of(&s, "&5", "56");
}

static void words(void **state)
{
	(void)state;
	chosen(2, false, "from bob", "25");
	chosen(2, false, "from bob subject lunch", "2");
	chosen(2, false, "from bob or subject disk", "1245");
	chosen(2, false, "from bob and not subject lunch", "5");
	chosen(2, false, "not from bob", "146");
	chosen(2, false, "from bob unread", "2");
	chosen(2, false, "from bob 1 6", "1256");
	chosen(2, false, "1 from bob", "125");
	chosen(2, false, "body \"second body\"", "2");
	chosen(2, false, "text full", "14");
	chosen(2, false, "to list since 5d", "6");
	chosen(2, false, "larger 499", "56");
	chosen(2, false, "smaller 1k larger 300 not larger 400", "4");
	chosen(2, false, "from from", "6");
	chosen(2, false, "from", "6");	/* an address: nothing follows */
	chosen(2, false, "'from' 1", "16");
	chosen(2, false, "subject '(x) y'", "5");
	chosen(2, false, "header subject lunch", "2");
	chosen(2, false, "not (from bob) or from bob", "12456");
	chosen(2, false, "from bob to", "to: what is to be found?");
	chosen(2, false, "since nonsense", "nonsense: no such day: today, 7d, "
			"monday, 2026-11-30");
	chosen(2, false, "larger x", "x: no such size: 5000, 20k, 1M");
	chosen(2, false, "from nobody", "from nobody: no such message");
}

static void parentheses(void **state)
{
	char deep[200] = "";

	(void)state;
	chosen(2, false, "(from bob)", "25");
	chosen(2, false, "(from bob) (from alice)", "125");
	chosen(2, false, "(or (from bob) (subject disk))", "1245");
	chosen(2, false, "(or from bob subject disk unseen)", "24");
	chosen(2, false, "(not (from bob))", "146");
	chosen(2, false, "(from bob subject lunch)", "2");
	chosen(2, false, "(from \"bob\" (not flagged))", "5");
	chosen(2, false, "(FLAGGED)", "2");
	chosen(2, false, "'(from bob)' 1", "125");
	chosen(2, false, "'(subject \"disk full\")'", "14");
	chosen(2, false, "(answered)1", "15");
	chosen(2, false, "(header subject \"(x)\")", "5");
	chosen(2, false, "(subject ')')", "5");
	chosen(2, false, "(all)", "12456");
	chosen(2, false, "(from bob", "(from bob: a parenthesis is missing");
	chosen(2, false, "()", "(): a criterion is missing");
	chosen(2, false, "(bob)", "bob: no such criterion");
	chosen(2, false, "(or from bob)", "(or from bob): a criterion is "
			"missing");
	memset(deep, '(', 150);
	chosen(2, false, deep, "(((((((((((((((((((((((((((((((((((((((((((((("
			"((((((((((((((((((((((((((((((((((: too many "
			"parentheses");
}

static void at_signs(void **state)
{
	(void)state;
	chosen(2, false, "@disk", "14");
	chosen(2, false, "@from@bob", "25");
	chosen(2, false, "@from,to@list", "46");
	chosen(2, false, "'@subject@Disk full'", "14");
	chosen(2, false, "@body@second", "2");
	chosen(2, false, "@>@second", "2");
	chosen(2, false, "@=@lunch", "2");
	chosen(2, false, "@@lunch", "2");
}

static void wide(void **state)
{
	struct mail_select s = base;

	(void)state;
	s.wide = true;
	chosen_of(&s, "disk", "14");
	chosen_of(&s, "disk full", "14");
	chosen_of(&s, "bob lunch", "2");
	chosen_of(&s, "list", "46");
	chosen_of(&s, "unread", "246");
	chosen_of(&s, "disk unread", "4");
	chosen_of(&s, "'unread'",
			"'unread': no such message");
	chosen_of(&s, "5 1", "15");
	chosen_of(&s, ":n", "46");
	chosen_of(&s, "lunch or alice", "12");
	chosen_of(&s, "(from bob)", "25");
	chosen_of(&s, "from", "from: what is to be found?");
}

static int64_t day(const char *text)
{
	int64_t out = -1;

	return mail_day(span_of(text), NOW, &out) ? NOW / DAY - out / DAY : -1;
}

static void days(void **state)
{
	static const char *const bad[] = {
		"", "x", "1", "0-Nov-2026", "31-Feb-2026", "2026-13-01",
		"2026-00-01", "1-Nov-26", "d", "-1d", "99999d", "2026-11-31",
		"1-Nov-2026-1", "2026-11", "yesterdays", "-"
	};

	(void)state;
	assert_int_equal(day("today"), 0);
	assert_int_equal(day("Yesterday"), 1);
	assert_int_equal(day("0d"), 0);
	assert_int_equal(day("3d"), 3);
	assert_int_equal(day("2W"), 14);
	assert_int_equal(day("1y"), 365);
	assert_int_equal(day("friday"), 0);
	assert_int_equal(day("Thu"), 1);
	assert_int_equal(day("sat"), 6);
	assert_int_equal(day("2026-11-26"), 1);
	assert_int_equal(day("26-Nov-2026"), 1);
	assert_int_equal(day("1-nov"), 26);
	assert_int_equal(day("28-November"), 364);
	assert_int_equal(day("2025-11-27"), 365);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(day(bad[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_bad),
		cmocka_unit_test(default_moves),
		cmocka_unit_test(deleted),
		cmocka_unit_test(empty),
		cmocka_unit_test(contents),
		cmocka_unit_test(sorted),
		cmocka_unit_test(words),
		cmocka_unit_test(parentheses),
		cmocka_unit_test(at_signs),
		cmocka_unit_test(wide),
		cmocka_unit_test(days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
