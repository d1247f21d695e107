#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/mailbox.h"
#include "store/maildir_name.h"

static struct maildir_entry of(const char *name)
{
	return maildir_entry_of(span_of(name), false);
}

static bool same(const char *a, const char *b)
{
	struct maildir_entry x = of(a), y = of(b);

	return maildir_entry_same(&x, &y);
}

static int order(const char *a, const char *b)
{
	struct maildir_entry x = of(a), y = of(b);

	return maildir_entry_order(&x, &y);
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct maildir_entry), 20);
	assert_true(same("1.a.h", "1.a.h:2,S"));
	assert_true(same("1.a.h,S=3,W=5", "1.a.h:2,RS"));
	assert_true(same("1.a.h,W=5,S=3:2,a", "1.a.h,S=3,W=5;2,"));
	assert_true(same("1.a.h,x,S=3", "1.a.h,x"));
	assert_false(same("1.a.h,W=5", "1.a.h,W=6"));
	assert_int_equal(order("1.a.h,W=5", "1.a.h,W=6"), 0);
	assert_false(same("1.a.h", "1.b.h"));
	assert_false(same("1.a.h,x", "1.a.h,y"));
	assert_false(same("", "1"));
	assert_true(same("", ":2,S"));
}

static void test_order(void **state)
{
	static const char *const names[] = {
		"nonsense", "7", "999.M5P1.h", "1000.1.h", "1000.2.h",
		"1001.M000001P9.h", "1001.M000099P1.h", "1001.M999999P1.h",
		"1002.V801I99M5P9.h", "1002.V801I11M500000P3.h",
		"1764000000.1x8ha2bcdef00-1.h", "1764000001.a.h",
		"99999999999999999999.a.h"
	};

	(void)state;
	for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++)
		assert_true(order(names[i - 1], names[i]) < 0);
}

/*
 * Ids as the spool makes them, delivered in one second: by the time they came,
 * in it or in the one before.
 */
static void test_ids(void **state)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	char name[64], before[64] = "";

	(void)state;
	for (uint64_t us = 1763999998200000; us < 1764000001000000;
			us += 49999) {
		char id[12] = "";

		for (int i = 0; i < 11; i++)
			id[i] = digits[us >> (50 - 5 * i) & 31];
		snprintf(name, sizeof(name), "1764000000.%szz-0.h", id);
		if (before[0])
			assert_true(order(before, name) < 0);
		strcpy(before, name);
	}
	/* among those of others; what waited for hours is before all */
	assert_true(order("1764000000.M999999P1.h", name) > 0);
	assert_true(order(name, "1764000000.M000001P1.h") > 0);
	assert_true(order("1764000000.00000000001zz-0.h",
			"1764000000.M000001P1.h") < 0);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(of("12.a.h").when, 12);
	assert_int_equal(of("x").when, 0);
	assert_int_equal(of("4294967296.a").when, UINT32_MAX);
	assert_int_equal(of("1.a,W=77").size, 77);
	assert_int_equal(of("1.a,S=5").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(of("1.a,W=").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(of("1.a,W=1x").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(of("1.a,W=-1").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(of("1.a,W=4294967296").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(of("1.a:2,W=5").size, MAILDIR_SIZE_UNKNOWN);
	assert_int_equal(maildir_size_of(SPAN("1.a,S=5,W=6"), "S="), 5);
}

static void test_flags(void **state)
{
	char out[MAILDIR_FLAGS_SIZE];

	(void)state;
	assert_int_equal(of("1.a:2,FRSTaz").low & MAILDIR_FLAG_BITS,
			MAILBOX_FLAGGED | MAILBOX_ANSWERED | MAILBOX_SEEN);
	assert_int_equal(of("1.a:1,S").low & MAILDIR_FLAG_BITS, 0);
	assert_int_equal(maildir_entry_of(SPAN("1.a"), true).low
			& MAILDIR_FLAG_BITS, MAILBOX_OLD);
	maildir_flags_put(out, SPAN("1.a:2,TSPa"), MAILBOX_FLAGGED);
	assert_string_equal(out, "FPTa");
	maildir_flags_put(out, SPAN("1.a"), 0);
	assert_string_equal(out, "");
}

static void test_sort(void **state)
{
	enum { MANY = 1000 };
	struct maildir_entry list[MANY];
	char name[64];

	(void)state;
	for (unsigned n = 0; n < MANY; n = n * 3 / 2 + 1) {
		for (unsigned i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "%u.M%u.h", i * 7919 % 97,
					i * 104729 % 1000 * 100);
			list[i] = of(name);
		}
		maildir_entry_sort(list, n);
		for (unsigned i = 1; i < n; i++)
			assert_true(maildir_entry_order(&list[i - 1], &list[i])
					<= 0);
	}
	/* what is newer comes last */
	list[0] = maildir_entry_of(SPAN("1.a:2,"), true);
	list[1] = maildir_entry_of(SPAN("1.a"), false);
	maildir_entry_sort(list, 2);
	assert_int_equal(list[1].low & MAILDIR_FLAG_BITS, MAILBOX_OLD);
}

/* The entry in the middle of what is left is always the first one. */
static void test_sort_at_worst(void **state)
{
	enum { MANY = 20000 };
	static struct maildir_entry list[MANY];

	(void)state;
	for (unsigned n = 1; n <= MANY; n++) {
		struct maildir_entry *p = list + MANY - n, e = p[(n - 1) / 2];

		p[0] = e;
		p[(n - 1) / 2] = (struct maildir_entry){ .when = MANY - n };
	}
	maildir_entry_sort(list, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(list[i].when, i);
	/* in order, and from behind */
	maildir_entry_sort(list, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(list[i].when, i);
		list[i].when = MANY - i;
	}
	maildir_entry_sort(list, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(list[i].when, i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity), cmocka_unit_test(test_order),
		cmocka_unit_test(test_ids), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_flags), cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_at_worst)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
