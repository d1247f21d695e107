#include "mime/srs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY INT64_C(86400)
#define NOW (20000 * DAY + 5)

static const struct srs ours = {
	.domain = "a.test", .n = 1, .secret = { "0123456789abcdef" }
};
static const struct srs other = {
	.domain = "other.test", .n = 1, .secret = { "another secret..." }
};

static struct str out, back;

static struct span forward(const struct srs *s, const char *sender,
		int64_t now)
{
	str_free(&out);
	str_init(&out, 1000);
	return srs_forward(&out, s, span_of(sender), now) ? str_span(&out) :
		span_of("");
}

static enum srs_result reverse(const struct srs *s, struct span address,
		int64_t now)
{
	str_free(&back);
	str_init(&back, 1000);
	return srs_reverse(&back, s, span_sub(address, 0,
			span_rfind(address, '@')), now);
}

static void test_there_and_back(void **state)
{
	static const char *const senders[] = {
		"bob@b.test", "a.b+c=d@b.test", "\"b b\"@b.test",
		"\"b\\\"b\"@b.test", "x@[192.0.2.1]", "x@[ipv6:2001:db8::1]",
		"\"a..b\"@b.test", "=@b.test", "SRS@b.test", "srs0@b.test",
		"SRS2=x@b.test"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct span s = forward(&ours, senders[i], NOW);

		assert_true(s.n > 0);
		assert_true(span_ends(s, "@a.test"));
		assert_int_equal(reverse(&ours, s, NOW), SRS_GOOD);
		assert_string_equal(str_c(&back), senders[i]);
	}
}

static void test_form(void **state)
{
	struct span s = forward(&ours, "bob@B.test", NOW);

	(void)state;
	/* day 20000 % 1024 = 544 = "ra" */
	assert_int_equal(s.n, sizeof("SRS0=hhhhh=ra=b.test=bob@a.test") - 1);
	assert_memory_equal(s.p, "SRS0=", 5);
	assert_memory_equal(s.p + 10, "=ra=b.test=bob@a.test", 21);
}

static void test_case_of_hosts_on_the_way(void **state)
{
	char text[200];
	struct span s = forward(&ours, "Bob@b.test", NOW);

	(void)state;
	for (size_t i = 0; i <= s.n; i++)
		text[i] = ascii_lower(s.p[i]);
	assert_int_equal(reverse(&ours, span_of(text), NOW), SRS_GOOD);
	assert_string_equal(str_c(&back), "bob@b.test");
	for (size_t i = 0; i < s.n; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] -= 32;
	assert_int_equal(reverse(&ours, span_of(text), NOW), SRS_GOOD);
}

static void test_forged(void **state)
{
	char text[200];
	struct span s = forward(&ours, "bob@b.test", NOW);

	(void)state;
	assert_int_equal(reverse(&other, s, NOW), SRS_BAD);
	/* each octet behind "SRS0=" counts */
	for (size_t i = 5; i + sizeof("@a.test") - 1 < s.n; i++) {
		str_copy(text, sizeof(text), s);
		text[i] = text[i] == 'x' ? 'y' : 'x';
		assert_int_equal(reverse(&ours, span_of(text), NOW), SRS_BAD);
		str_copy(text, sizeof(text), s);
		memmove(text + i, text + i + 1, strlen(text + i));
		assert_int_equal(reverse(&ours, span_of(text), NOW), SRS_BAD);
	}
	for (size_t i = 6; i < s.n; i++)
		assert_int_equal(reverse(&ours, span_sub(s, 0, i), NOW),
				i + 7 < s.n ? SRS_BAD : SRS_GOOD);
	assert_int_equal(reverse(&ours, SPAN("SRS0=@a.test"), NOW), SRS_NONE);
	assert_int_equal(reverse(&ours, SPAN("alice@a.test"), NOW), SRS_NONE);
	assert_int_equal(reverse(&ours, SPAN("srs1=x==@a.test"), NOW), SRS_BAD);
}

static void test_age(void **state)
{
	char text[200];

	(void)state;
	str_copy(text, sizeof(text), forward(&ours, "bob@b.test", NOW));
	for (int day = -2; day < 1024; day++) {
		bool good = day >= -1 && day <= SRS_DAYS;

		good |= day == 1023;		/* -1, 1024 days later */
		assert_int_equal(reverse(&ours, span_of(text), NOW +
				day * DAY), good ? SRS_GOOD : SRS_BAD);
	}
	assert_int_equal(reverse(&ours, span_of(text), -1), SRS_GOOD);
}

static void test_rotation(void **state)
{
	struct srs next = ours;
	char text[200];
	struct span s;

	(void)state;
	str_copy(text, sizeof(text), forward(&ours, "bob@b.test", NOW));
	strcpy(next.secret[1], ours.secret[0]);
	strcpy(next.secret[0], "the new one");
	next.n = 2;
	assert_int_equal(reverse(&next, span_of(text), NOW), SRS_GOOD);
	s = forward(&next, "bob@b.test", NOW);
	assert_int_equal(reverse(&next, s, NOW), SRS_GOOD);
	assert_int_equal(reverse(&ours, s, NOW), SRS_BAD);
	next.n = 0;
	assert_int_equal(reverse(&next, s, NOW), SRS_BAD);
	assert_int_equal(forward(&next, "bob@b.test", NOW).n, 0);
}

/* One more hop leads back to who was first; two more do not grow. */
static void test_srs1(void **state)
{
	static const struct srs third = {
		.domain = "third.test", .n = 1, .secret = { "the third one" }
	};
	char first[200], second[200];

	(void)state;
	str_copy(first, sizeof(first), forward(&other, "bob@b.test", NOW));
	str_copy(second, sizeof(second), forward(&ours, first, NOW));
	assert_memory_equal(second, "SRS1=", 5);
	assert_non_null(strstr(second, "=other.test=="));
	assert_int_equal(reverse(&ours, span_of(second), NOW), SRS_GOOD);
	assert_string_equal(str_c(&back), first);
	forward(&third, second, NOW);
	assert_int_equal(out.n, strlen(second) + 4);	/* third for a */
	assert_int_equal(reverse(&third, str_span(&out), NOW), SRS_GOOD);
	assert_string_equal(str_c(&back), first);
	/* who was first has another separator */
	assert_true(forward(&ours, "srs0+ab=cd=b.test=bob@other.test", NOW).n);
	assert_int_equal(reverse(&ours, str_span(&out), NOW), SRS_GOOD);
	assert_string_equal(str_c(&back), "SRS0+ab=cd=b.test=bob@other.test");
	assert_int_equal(forward(&ours, "SRS1=x@b.test", NOW).n, 0);
}

static void test_what_stays(void **state)
{
	char sender[300];

	(void)state;
	assert_int_equal(forward(&ours, "", NOW).n, 0);
	assert_int_equal(forward(&ours, "postmaster", NOW).n, 0);
	/* a local part of 64 octets is one, and what becomes of it goes back */
	snprintf(sender, sizeof(sender), "%064d@b.test", 1);
	assert_true(forward(&ours, sender, NOW).n > 64 + 7);
	assert_int_equal(reverse(&ours, str_span(&out), NOW), SRS_GOOD);
	assert_string_equal(str_c(&back), sender);
	/* a path has 254 octets without its brackets */
	snprintf(sender, sizeof(sender), "%064d@%060d.%060d.%050d.test", 1, 1,
			1, 1);
	assert_int_equal(forward(&ours, sender, NOW).n, 0);
}

static int free_all(void **state)
{
	(void)state;
	str_free(&out);
	str_free(&back);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_case_of_hosts_on_the_way),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_srs1),
		cmocka_unit_test(test_what_stays)
	};

	return cmocka_run_group_tests(tests, NULL, free_all);
}
