#include "os/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "base/span.h"

/* Each of n bytes changes within some calls, and none around them does. */
static void fills_all(void **state)
{
	unsigned char buf[600];

	(void)state;
	for (size_t n = 0; n < 300; n += 37) {
		unsigned char seen[300] = { 0 };

		for (int round = 0; round < 8; round++) {
			memset(buf, 0, sizeof(buf));
			rand_bytes(buf + 100, n);
			for (size_t i = 0; i < n; i++)
				seen[i] |= buf[100 + i];
			for (size_t i = 0; i < 100; i++)
				assert_int_equal(buf[i], 0);
			for (size_t i = 100 + n; i < sizeof(buf); i++)
				assert_int_equal(buf[i], 0);
		}
		for (size_t i = 0; i < n; i++)
			assert_int_not_equal(seen[i], 0);
	}
}

static void below_is_even(void **state)
{
	int counts[6] = { 0 };

	(void)state;
	for (int i = 0; i < 6000; i++) {
		uint32_t value = rand_below(6);

		assert_true(value < 6);
		counts[value]++;
	}
	for (int i = 0; i < 6; i++)	/* 10 standard deviations */
		assert_in_range(counts[i], 700, 1300);
	assert_int_equal(rand_below(1), 0);
	for (int i = 0; i < 100; i++)
		assert_true(rand_below(0xffffffffU) < 0xffffffffU);
	/* just over half of all values: every second draw is thrown away */
	for (int i = 0; i < 100; i++)
		assert_true(rand_below(0x80000001U) < 0x80000001U);
}

static void words(void **state)
{
	char word[41], other[41];
	bool seen[256] = { false };
	int kinds = 0;

	(void)state;
	memset(word, '?', sizeof(word));
	rand_word(word, 0);
	assert_string_equal(word, "");
	assert_int_equal(word[1], '?');
	for (int i = 0; i < 100; i++) {
		rand_word(word, 40);
		assert_int_equal(strlen(word), 40);
		for (char *p = word; *p; p++) {
			assert_true(ascii_isalnum(*p));
			seen[(unsigned char)*p] = true;
		}
	}
	for (int i = 0; i < 256; i++)
		kinds += seen[i];
	assert_int_equal(kinds, 62);
	rand_word(other, 40);
	assert_string_not_equal(word, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_all),
		cmocka_unit_test(below_is_even),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
