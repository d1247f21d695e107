#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void vectors(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const rows[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};
	char plain[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i][0]);
		struct str s;

		str_init(&s, BASE64_SIZE(n) - 1);
		base64_put(&s, span_of(rows[i][0]));
		assert_false(s.bad);
		assert_string_equal(str_c(&s), rows[i][1]);
		assert_int_equal(base64_get(plain, n, str_span(&s)), n);
		assert_memory_equal(plain, rows[i][0], n);
		str_free(&s);
	}
}

/* All bytes at all places, and rooms one byte too small. */
static void there_and_back(void **state)
{
	unsigned char in[300], out[300];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(in); n++) {
		struct str s;

		str_init(&s, BASE64_SIZE(sizeof(in)));
		base64_put(&s, span_make((char *)in, n));
		assert_int_equal(s.n, BASE64_SIZE(n) - 1);
		assert_int_equal(base64_get(out, n, str_span(&s)), n);
		assert_memory_equal(out, in, n);
		if (n)
			assert_int_equal(base64_get(out, n - 1, str_span(&s)),
					-1);
		str_free(&s);
	}
}

static void rejects(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zm8", "Zg===", "====", "=", "Zg==Zg==",
		"Zm=v", "Z===", "=m9v", "Zm9v=", " Zm9v", "Zm9v\r\n", "Zm-v",
		"Zm_v", "Zm9\xff", "Zh==", "Zm9=", "Zm8=Zm9v", "Zm8==",
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_get(out, sizeof(out),
				span_of(bad[i])), -1);
	assert_int_equal(base64_get(out, sizeof(out), SPAN("Zm9\0")), -1);
	assert_int_equal(base64_get(NULL, 0, SPAN("")), 0);
}

/* Of the 256 bytes, 64 are digits of the code wherever they stand. */
static void alphabet(void **state)
{
	(void)state;
	for (int at = 0; at < 4; at++) {
		int good = 0;

		for (int c = 0; c < 256; c++) {
			char text[] = "AAAA", out[3];

			text[at] = (char)c;
			good += base64_get(out, 3, span_make(text, 4)) == 3;
		}
		assert_int_equal(good, 64);
	}
}

static void full_string_turns_bad(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 7);
	base64_put(&s, SPAN("foob"));
	assert_true(s.bad);
	str_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(rejects),
		cmocka_unit_test(alphabet),
		cmocka_unit_test(full_string_turns_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
