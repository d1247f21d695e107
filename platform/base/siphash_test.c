#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/siphash.h"

/* the key and the texts 00 01 02 ... of the authors' test vectors */
static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void test_vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} known[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 2, 0x0d6c8009d9a94f5a }, { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 }
	};
	char text[16];

	(void)state;
	for (char i = 0; i < 16; i++)
		text[(int)i] = i;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_true(siphash(key, span_make(text, known[i].n))
				== known[i].hash);
}

static void test_key_matters(void **state)
{
	const uint64_t other[2] = { key[0], key[1] + 1 };

	(void)state;
	assert_true(siphash(key, SPAN("x")) != siphash(other, SPAN("x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
