#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/vacation.h"

static bool is_own(void *arg, struct span address)
{
	(void)arg;
	return span_caseeq(address, SPAN("bob@a.test"));
}

static bool answers(const char *header, const char *sender)
{
	return !vacation_why_not(span_of(header), sender, is_own, NULL);
}

static void test_senders(void **state)
{
	static const char *const no[] = {
		"", "x", "@b.test", "MAILER-DAEMON@b.test", "owner-x@b.test",
		"X-Owner@b.test", "l-request@b.test", "noreply@b.test",
		"no-reply+123@b.test", "do-not-reply@b.test", "bob@a.test",
		"list-bounces+bob=a.test@b.test", "bounce-17@b.test",
		"postmaster@b.test",
		"shop-noreply@b.test", "bounces@b.test"
	};
	static const char *const yes[] = {
		"x@b.test", "owner@b.test", "requests@b.test", "nora@b.test",
		"x+noreply@b.test", "\"a b\"@b.test",
		/* who forwards speaks for him */
		"SRS0=aa=bb=c.test=x@b.test"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (answers("To: bob@a.test\n\n", no[i]))
			fail_msg("%s", no[i]);
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!answers("To: bob@a.test\n\n", yes[i]))
			fail_msg("%s", yes[i]);
}

static void test_fields(void **state)
{
	static const char *const no[] = {
		"", "Subject: bob@a.test\n", "To: x@y.test\n",
		"To: \"bob@a.test\" <x@y.test>\n",
		"To: (bob@a.test) x@y.test\n",
		"X-To: bob@a.test\n", "\nTo: bob@a.test\n",
		"To: bob@a.test\nAuto-Submitted: auto-replied\n",
		"AUTO-SUBMITTED: nope\nTo: bob@a.test\n",
		"To: bob@a.test\nPrecedence:\n bulk\n",
		"To: bob@a.test\nList-Post: NO\n",
		"To: bob@a.test\nContent-Type: Multipart/Report; x=y\n",
		"To: bob@a.test\nX-Spam-Flag: Yes, score=9\n",
	};
	static const char *const yes[] = {
		"To: bob@a.test", "cc: x@y.test,\n\tBob <BOB@a.TEST>\n",
		"To: u: x@y, bob@a.test;\n", "Resent-To: bob@a.test\n",
		"To: bob@a.test\nAuto-Submitted: NO\n",
		"To: bob@a.test\nAuto-Submitted: no; x=y (z)\n",
		"To: bob@a.test\n\nPrecedence: bulk\n",
		"To: bob@a.test\nPrecedence: urgent\nListing: x\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (answers(no[i], "x@b.test"))
			fail_msg("%s", no[i]);
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!answers(yes[i], "x@b.test"))
			fail_msg("%s", yes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
