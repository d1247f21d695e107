#include "base/scram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/base64.h"

/* RFC 7677 section 3: user "user", password "pencil" */
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
static const char message[] =
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=" SALT ",i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static struct scram_keys pencil(void)
{
	unsigned char salt[SCRAM_SALT_SIZE];
	struct scram_keys keys;

	assert_int_equal(base64_get(salt, sizeof(salt), SPAN(SALT)),
			sizeof(salt));
	scram_derive(&keys, SPAN("pencil"), salt, 4096);
	return keys;
}

static struct span bytes(const unsigned char *p)
{
	return span_make((const char *)p, SHA256_SIZE);
}

/* ... and of the password itself, as the client has it. */
static void rfc_client(const unsigned char want_proof[SHA256_SIZE],
		const unsigned char want[SHA256_SIZE])
{
	unsigned char salt[SCRAM_SALT_SIZE], salted[SHA256_SIZE],
			proof[SHA256_SIZE], signature[SHA256_SIZE];

	base64_get(salt, sizeof(salt), SPAN(SALT));
	sha256_pbkdf2(salted, SPAN("pencil"), span_make((char *)salt,
			sizeof(salt)), 4096);
	scram_client(salted, span_of(message), proof, signature);
	assert_memory_equal(proof, want_proof, SHA256_SIZE);
	assert_memory_equal(signature, want, SHA256_SIZE);
}

/* The example's two signatures come out of our two keys. */
static void rfc_example(void **state)
{
	struct scram_keys keys = pencil();
	unsigned char want[SHA256_SIZE], got[SHA256_SIZE], proof[SHA256_SIZE];

	(void)state;
	assert_int_equal(base64_get(want, sizeof(want), SPAN(SIGNATURE)),
			sizeof(want));
	sha256_hmac(got, bytes(keys.server), span_of(message));
	assert_memory_equal(got, want, sizeof(got));
	assert_int_equal(base64_get(proof, sizeof(proof), SPAN(PROOF)),
			sizeof(proof));
	memset(got, 0, sizeof(got));
	assert_true(scram_proof(&keys, span_of(message), proof, got));
	assert_memory_equal(got, want, sizeof(got));
	rfc_client(proof, want);
	proof[31] ^= 1;
	assert_false(scram_proof(&keys, span_of(message), proof, got));
	proof[31] ^= 1;
	assert_false(scram_proof(&keys, span_sub(span_of(message), 0,
			strlen(message) - 1), proof, got));
	keys.stored[0] ^= 1;
	assert_false(scram_proof(&keys, span_of(message), proof, got));
}

static void verifies(void **state)
{
	struct scram_keys keys = pencil();

	(void)state;
	assert_true(scram_verify(&keys, SPAN("pencil")));
	assert_false(scram_verify(&keys, SPAN("Pencil")));
	assert_false(scram_verify(&keys, SPAN("pencil ")));
	assert_false(scram_verify(&keys, SPAN("")));
	assert_false(scram_verify(&keys, span_make(NULL, 0)));
	keys.rounds++;
	assert_false(scram_verify(&keys, SPAN("pencil")));
}

static void text_there_and_back(void **state)
{
	struct scram_keys keys = pencil(), again;
	char text[SCRAM_TEXT_SIZE], short_text[SCRAM_TEXT_SIZE];

	(void)state;
	scram_print(text, &keys);
	assert_memory_equal(text, "{SCRAM-SHA-256}4096," SALT ",", 45);
	assert_true(scram_parse(&again, span_of(text)));
	assert_int_equal(again.rounds, 4096);
	assert_memory_equal(again.salt, keys.salt, sizeof(keys.salt));
	assert_memory_equal(again.stored, keys.stored, sizeof(keys.stored));
	assert_memory_equal(again.server, keys.server, sizeof(keys.server));
	/* no beginning of it is good */
	for (size_t n = 0; n < strlen(text); n++) {
		memcpy(short_text, text, n);
		assert_false(scram_parse(&again, span_make(short_text, n)));
	}
	keys.rounds = 4294967295U;
	scram_print(text, &keys);
	assert_true(strlen(text) > 100);
}

static void text_rejects(void **state)
{
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ID "{SCRAM-SHA-256}"
	static const char *const bad[] = {
		ID "0," SALT "," KEY "," KEY,
		ID "," SALT "," KEY "," KEY,
		ID "10000001," SALT "," KEY "," KEY,
		ID "-1," SALT "," KEY "," KEY,
		ID "4096," SALT "," KEY "," KEY ",",
		ID "4096," SALT "," KEY "," KEY "," KEY,
		ID "4096," SALT "," KEY "," KEY " ",
		ID "4096," SALT "," KEY,
		ID "4096," KEY "," KEY "," KEY,
		ID "4096," SALT "," SALT "," KEY,
		ID "4096,," KEY "," KEY,
		"{SCRAM-SHA-1}4096," SALT "," KEY "," KEY,
		"4096," SALT "," KEY "," KEY,
	};
	struct scram_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(scram_parse(&keys, span_of(bad[i])));
	assert_true(scram_parse(&keys, SPAN(ID "1," SALT "," KEY "," KEY)));
	assert_true(scram_parse(&keys, SPAN(ID "10000000," SALT "," KEY ","
			KEY)));
}

static void compares(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(scram_same(a, b, 0));
	assert_true(scram_same(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a) * 8; i++) {
		b[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_false(scram_same(a, b, sizeof(a)));
		b[i / 8] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_example),
		cmocka_unit_test(verifies),
		cmocka_unit_test(text_there_and_back),
		cmocka_unit_test(text_rejects),
		cmocka_unit_test(compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
