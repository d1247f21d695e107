#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/sha1.h"

static void check(struct span in, const char *hex)
{
	unsigned char out[SHA1_SIZE];
	char text[2 * SHA1_SIZE + 1];

	sha1(out, in);
	for (int i = 0; i < SHA1_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", out[i]);
	assert_string_equal(text, hex);
}

/* Around a block's end, where the length has to go into one more. */
static void all_lengths(void **state)
{
	static const struct { size_t n; const char *hex; } rows[] = {
		{ 0,
			"da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ 55,
			"c1c8bbdc22796e28c0e15163d20899b65621d65a" },
		{ 56,
			"c2db330f6083854c99d4b5bfb6e8f29f201be699" },
		{ 63,
			"03f09f5b158a7a8cdad920bddc29b81c18a551f5" },
		{ 64,
			"0098ba824b5c16427bd7a1122a5a442a25ec644d" },
		{ 111,
			"ac877859d427d9192054eea8feb3b8a403ef83a5" },
		{ 112,
			"689993727ba37386bb032495e9dbdfb4dd1ba744" },
		{ 127,
			"89d95fa32ed44a7c610b7ee38517ddf57e0bb975" },
		{ 128,
			"ad5b3fdbcb526778c2839d2f151ea753995e26a0" },
		{ 1000,
			"291e9a6c66994949b57ba5e650361e98fc36b1ba" },
	};
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(span_make(text, rows[i].n), rows[i].hex);
	check(SPAN("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_lengths) };

	return cmocka_run_group_tests_name("base/sha1", tests, NULL, NULL);
}
