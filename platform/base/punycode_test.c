#include "base/punycode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

/* RFC 3492 7.1, and what we meet */
static const struct {
	const char *text, *code;
} samples[] = {
	{ "3\xe5\xb9\xb4" "B\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88"
		"\xe7\x94\x9f", "3B-ww4c5e180e575a65lsy2b" },
	{ "\xe3\x81\x9d\xe3\x81\xae\xe3\x82\xb9\xe3\x83\x94\xe3\x83\xbc\xe3"
		"\x83\x89\xe3\x81\xa7", "d9juau41awczczp" },
	{ "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4"
		"\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87",
		"ihqwcrb4cv8a8dqg056pqjye" },
	{ "Pro\xc4\x8dprost\xc4\x9bnemluv\xc3\xad\xc4\x8d" "esky",
		"Proprostnemluvesky-uyb24dma41a" },
	{ "-> $1.00 <-", "-> $1.00 <--" },
	{ "b\xc3\xbc" "cher", "bcher-kva" },
	{ "\xc3\xbc", "tda" },
	{ "\xf0\x9f\x93\xa9", "fu8h" },
	{ "\xf4\x8f\xbf\xbf\xc2\x80", "a97093t" },
};

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static size_t points_of(uint32_t out[PUNYCODE_MOST], const char *text)
{
	struct span s = span_of(text);
	size_t n = 0;

	while (s.n)
		out[n++] = utf8_next(&s);
	return n;
}

static void put(void **state)
{
	uint32_t points[PUNYCODE_MOST];
	char out[PUNYCODE_SIZE];

	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t n = points_of(points, samples[i].text);

		assert_true(punycode_put(out, points, n));
		assert_string_equal(out, samples[i].code);
	}
	assert_false(punycode_put(out, points, PUNYCODE_MOST + 1));
	for (uint32_t i = 0; i < PUNYCODE_MOST; i++)
		points[i] = 'a';
	assert_false(punycode_put(out, points, PUNYCODE_MOST));
	assert_true(punycode_put(out, points, PUNYCODE_MOST - 1));
	assert_int_equal(strlen(out), PUNYCODE_SIZE - 1);
}

static void get(void **state)
{
	uint32_t want[PUNYCODE_MOST], points[PUNYCODE_MOST];

	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t n = points_of(want, samples[i].text);

		assert_int_equal(punycode_get(points,
					span_of(samples[i].code)), n);
		assert_memory_equal(points, want, n * sizeof(*want));
	}
	/* digits have no case */
	assert_int_equal(punycode_get(points, SPAN("bcher-KVA")), 6);
	assert_int_equal(points[1], 0xfc);
}

static void get_nonsense(void **state)
{
	static const char *const bad[] = {
		"", "bcher-kv", "99999999", "a-99999a", "bcher-k!a", "_",
		"bcher-kv\xc3\xbc", "b\xfc" "cher-kva",
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"
		"tda"
	};
	uint32_t points[PUNYCODE_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (punycode_get(points, span_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put),
		cmocka_unit_test(get),
		cmocka_unit_test(get_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
