#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_hex(const unsigned char *hash, const char *hex)
{
	char text[2 * SHA256_SIZE + 1];

	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(text, hex);
}

/* FIPS 180-4's examples, as NIST published them */
static void hashes(void **state)
{
	static const char *const rows[][2] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
			"27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
			"b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039"
			"a33ce45964ff2167f6ecedd419db06c1" },
	};
	unsigned char out[SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sha256(out, span_of(rows[i][0]));
		assert_hex(out, rows[i][1]);
	}
	sha256(out, span_make(NULL, 0));
	assert_hex(out, rows[0][1]);
}

static void hashes_a_million(void **state)
{
	unsigned char out[SHA256_SIZE];
	char *text = malloc(1000000);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 1000000);
	sha256(out, span_make(text, 1000000));
	assert_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
			"f1809a48a497200e046d39ccc7112cd0");
	free(text);
}

/* Lengths 0 to 299, so each way that padding can fall; checked by Python. */
static void every_length(void **state)
{
	unsigned char in[300], all[300 * SHA256_SIZE], out[SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n < sizeof(in); n++)
		sha256(all + n * SHA256_SIZE, span_make((char *)in, n));
	sha256(out, span_make((char *)all, sizeof(all)));
	assert_hex(out, "43016a920b6cf73fdec25796614855fe"
			"eba21146dc202839cd4959c9e3df8e5d");
}

/* RFC 4231, test cases 1, 2, 6, 7 */
static void hmac(void **state)
{
	unsigned char out[SHA256_SIZE];
	char key[131];

	(void)state;
	memset(key, 0x0b, 20);
	sha256_hmac(out, span_make(key, 20), SPAN("Hi There"));
	assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b"
			"881dc200c9833da726e9376c2e32cff7");
	sha256_hmac(out, SPAN("Jefe"), SPAN("what do ya want for nothing?"));
	assert_hex(out, "5bdcc146bf60754e6a042426089575c7"
			"5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	sha256_hmac(out, span_make(key, sizeof(key)), SPAN("Test Using "
			"Larger Than Block-Size Key - Hash Key First"));
	assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f"
			"8e0bc6213728c5140546040f0ee37f54");
	sha256_hmac(out, span_make(key, sizeof(key)), SPAN("This is a test "
			"using a larger than block-size key and a larger than "
			"block-size data. The key needs to be hashed before "
			"being used by the HMAC algorithm."));
	assert_hex(out, "9b09ffa71b942fcb27635fbcd5b0e944"
			"bfdc63644f0713938a7f51535c3a35e2");
	sha256_hmac(out, span_make(NULL, 0), span_make(NULL, 0));
	assert_hex(out, "b613679a0814d9ec772f95d778c35fc5"
			"ff1697c493715653c6c712144292c5ad");
}

/* RFC 7914 section 11, the first of the two blocks there */
static void pbkdf2(void **state)
{
	unsigned char out[SHA256_SIZE];

	(void)state;
	sha256_pbkdf2(out, SPAN("passwd"), SPAN("salt"), 1);
	assert_hex(out, "55ac046e56e3089fec1691c22544b605"
			"f94185216dde0465e68b9d57c20dacbc");
	sha256_pbkdf2(out, SPAN("Password"), SPAN("NaCl"), 80000);
	assert_hex(out, "4ddcd8f60b98be21830cee5ef22701f9"
			"641a4418d04c0414aeff08876b34ab56");
}

static void pbkdf2_in_slices(void **state)
{
	unsigned char out[SHA256_SIZE];
	struct sha256_slow *s = sha256_slow_new(SPAN("Password"),
			SPAN("NaCl"), 80000);
	unsigned turns = 1;

	(void)state;
	while (!sha256_slow_go(s, 1999, out))
		turns++;
	assert_int_equal(turns, 41);
	assert_hex(out, "4ddcd8f60b98be21830cee5ef22701f9"
			"641a4418d04c0414aeff08876b34ab56");
	sha256_slow_free(s);
	s = sha256_slow_new(SPAN("passwd"), SPAN("salt"), 1);
	assert_true(sha256_slow_go(s, 1, out));
	assert_hex(out, "55ac046e56e3089fec1691c22544b605"
			"f94185216dde0465e68b9d57c20dacbc");
	sha256_slow_free(s);
	sha256_slow_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(hashes_a_million),
		cmocka_unit_test(every_length),
		cmocka_unit_test(hmac),
		cmocka_unit_test(pbkdf2),
		cmocka_unit_test(pbkdf2_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
