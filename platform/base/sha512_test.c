#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/sha512.h"

static void check(struct span in, const char *hex)
{
	unsigned char out[SHA512_SIZE];
	char text[2 * SHA512_SIZE + 1];

	sha512(out, in);
	for (int i = 0; i < SHA512_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", out[i]);
	assert_string_equal(text, hex);
}

/* Around a block's end, where the length has to go into one more. */
static void all_lengths(void **state)
{
	static const struct { size_t n; const char *hex; } rows[] = {
		{ 0,
			"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921"
			"d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81"
			"a538327af927da3e" },
		{ 55,
			"b0220c772cbf6c1822e2cb38a437d0e1d58772417a4bbb21c961364f"
			"8b6143e05aa6316dca8d1d7b19e16448419076395f6086cb55101fbd"
			"6d5497b148e1745f" },
		{ 56,
			"962b64aae357d2a4fee3ded8b539bdc9d325081822b0bfc55583133a"
			"ab44f18bafe11d72a7ae16c79ce2ba620ae2242d5144809161945f13"
			"67f41b3972e26e04" },
		{ 63,
			"c1b0f5c6d3b03dfe4a2602e67242f54e344090b66e01100a469b129f"
			"583f016c7e27dddeaa438393dcc7ec54b0b57c9ba7af007f9b56db5f"
			"6fb677d972a31362" },
		{ 64,
			"01d35c10c6c38c2dcf48f7eebb3235fb5ad74a65ec4cd016e2354c63"
			"7a8fb49b695ef3c1d6f7ae4cd74d78cc9c9bcac9d4f23a73019998a7"
			"f73038a5c9b2dbde" },
		{ 111,
			"fa9121c7b32b9e01733d034cfc78cbf67f926c7ed83e82200ef86818"
			"196921760b4beff48404df811b953828274461673c68d04e297b0eb7"
			"b2b4d60fc6b566a2" },
		{ 112,
			"c01d080efd492776a1c43bd23dd99d0a2e626d481e16782e75d54c25"
			"03b5dc32bd05f0f1ba33e568b88fd2d970929b719ecbb152f58f130a"
			"407c8830604b70ca" },
		{ 127,
			"828613968b501dc00a97e08c73b118aa8876c26b8aac93df128502ab"
			"360f91bab50a51e088769a5c1eff4782ace147dce364255419987637"
			"4291f5d921629502" },
		{ 128,
			"b73d1929aa615934e61a871596b3f3b33359f42b8175602e89f7e06e"
			"5f658a243667807ed300314b95cacdd579f3e33abdfbe351909519a8"
			"46d465c59582f321" },
		{ 1000,
			"67ba5535a46e3f86dbfbed8cbbaf0125c76ed549ff8b0b9e03e0c88c"
			"f90fa634fa7b12b47d77b694de488ace8d9a65967dc96df599727d32"
			"92a8d9d447709c97" },
	};
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(span_make(text, rows[i].n), rows[i].hex);
	check(SPAN("abc"), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee6"
			"4b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
			"2a9ac94fa54ca49f");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_lengths) };

	return cmocka_run_group_tests_name("base/sha512", tests, NULL, NULL);
}
