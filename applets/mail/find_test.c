#include "mail/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* In one piece, and in all pairs of pieces, and octet by octet. */
static void check(const char *text, const char *in, bool want)
{
	struct span all = span_of(in);
	struct mail_find f;
	bool found;

	mail_find_init(&f, span_of(text));
	for (size_t i = 0; i <= all.n; i++) {
		mail_find_begin(&f);
		mail_find_feed(&f, span_sub(all, 0, i));
		assert_int_equal(mail_find_feed(&f, span_rest(all, i)), want);
	}
	mail_find_begin(&f);
	found = mail_find_feed(&f, SPAN(""));
	for (size_t i = 0; i < all.n; i++)
		found = mail_find_feed(&f, span_sub(all, i, 1));
	assert_int_equal(found, want);
}

static void finds(void **state)
{
	(void)state;
	check("disk", "the Disk is full", true);
	check("DISK", "the disk", true);
	check("disk", "the dis k", false);
	check("aab", "aaaab", true);
	check("abcabd", "abcabcabd", true);
	check("abcabd", "abcabcab", false);
	check("", "anything", true);
	check("x", "", false);
	check("disk full", "disk\n   full", true);
	check("disk \t full", "disk\r\nfull", true);
	check(" disk ", "adisk", true);
}

static void folds(void **state)
{
	(void)state;
	check("stra\xC3\x9F" "e", "STRA\xC3\x9F" "E", true);
	check("\xC3\xBC" "ber", "\xC3\x9C" "BER", true);
	check("\xD0\xBF\xD1\x80\xD0\xB8", "\xD0\x9F\xD0\xA0\xD0\x98", true);
	check("\xCE\xA3\xCE\xA3", "\xCF\x83\xCF\x82", true);
	check("\xE4\xB8\xAD", "x\xE4\xB8\xADy", true);
	check("\xE4\xB8\xAD", "x\xE4\xB8\xAEy", false);
	check("\xF0\x9F\x98\x80", "a\xF0\x9F\x98\x80", true);
	/* what is no UTF-8 is like itself: the one sign for it */
	check("a\xFFz", "A\xFEZ", true);
	check("\xC3z", "\xC3z", true);
	assert_int_equal(mail_find_fold(0x178), 0xFF);
	assert_int_equal(mail_find_fold(0xD7), 0xD7);
	assert_int_equal(mail_find_fold(0x101), 0x101);
	assert_int_equal(mail_find_fold(0x100), 0x101);
	assert_int_equal(mail_find_fold(0x14A), 0x14B);
}

static void long_text(void **state)
{
	struct mail_find f;
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	mail_find_init(&f, span_make(text, sizeof(text)));
	assert_false(mail_find_feed(&f, span_make(text, MAIL_FIND_MOST - 1)));
	assert_true(mail_find_feed(&f, span_make(text, 1)));
	assert_true(mail_find_feed(&f, SPAN("b")));
	mail_find_begin(&f);
	assert_false(mail_find_feed(&f, SPAN("b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(folds),
		cmocka_unit_test(long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
