#include "mime/word.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

static void decodes(const char *in, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	word_decode(&out, span_of(in));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

/* The examples of RFC 2047 8, and what clients write. */
static void decode(void **state)
{
	(void)state;
	decodes("(=?ISO-8859-1?Q?a?=)", "(a)");
	decodes("(=?ISO-8859-1?Q?a?= b)", "(a b)");
	decodes("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)");
	decodes("(=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=)", "(ab)");
	decodes("(=?ISO-8859-1?Q?a_b?=)", "(a b)");
	decodes("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)");
	decodes("=?utf-8?q?caf=C3=A9?=", "café");
	decodes("=?UTF-8?B?5L2g5aW9?= x", "你好 x");
	decodes("=?UTF-8*en?B?aGk=?=", "hi");
	decodes("a=?utf-8?q?b?=c", "abc");
	decodes("plain", "plain");
	/* raw octets have no charset */
	decodes("caf\xe9 \x93=\x94 =?utf-8?q?caf=C3=A9?= caf\xc3\xa9", "café “=” café café");
	decodes("", "");
}

/* Characters cut between two words of one charset come together again. */
static void decode_split(void **state)
{
	(void)state;
	decodes("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é");
	decodes("=?utf-8?b?5L0=?= =?utf-8?b?oOWlvQ==?=", "你好");
	decodes("=?utf-8?q?=C3?= =?utf-8?b?qQ==?=", "é");
}

static void decode_bad(void **state)
{
	(void)state;
	decodes("=?utf-8?q?no end", "=?utf-8?q?no end");
	decodes("=?utf-8?x?y?=", "=?utf-8?x?y?=");
	decodes("=?utf-8?q?a b?=", "=?utf-8?q?a b?=");
	decodes("=?", "=?");
	decodes("=??q?x?=", "=??q?x?=");
	decodes("=?utf-8?q?=ZZ=4?=", "=ZZ=4");
	decodes("=?utf-8?b?!!!?=", "");
	decodes("=?no-such?q?a=E9?=", "a\xef\xbf\xbd");
	decodes("=?utf-8?q?" "?=", "");
}

/* Line ends out of a word would make a header field of what follows. */
static void decode_forged(void **state)
{
	(void)state;
	decodes("=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x");
	decodes("=?utf-8?b?AAobWw==?=", "   [");
}

static void encodes(const char *in, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	word_encode(&out, span_of(in));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void encode(void **state)
{
	(void)state;
	encodes("plain words", "plain words");
	encodes("", "");
	encodes("x café au lait", "x =?UTF-8?B?Y2Fmw6k=?= au lait");
	encodes("é und ü da", "=?UTF-8?B?w6kgdW5kIMO8?= da");
	encodes("你好", "=?UTF-8?B?5L2g5aW9?=");
	/* what would be decoded although it was typed so */
	encodes("=?utf-8?q?x?=", "=?UTF-8?B?PT91dGYtOD9xP3g/PQ==?=");
	encodes("a\nBcc: x", "=?UTF-8?B?YSBCY2M6?= x");
	encodes("\xff", "=?UTF-8?B?77+9?=");
}

/* Words of 75 at most, no character cut, and back it is the same. */
static void round_trip(const char *text)
{
	struct str code, back;
	struct span rest, word;

	str_init(&code, 100000);
	str_init(&back, 100000);
	word_encode(&code, span_of(text));
	assert_true(utf8_ascii(str_span(&code)));
	rest = str_span(&code);
	while ((word = span_word(&rest)).n) {
		assert_true(word.n <= 75);
		str_clear(&back);
		word_decode(&back, word);
		assert_true(utf8_valid(str_span(&back)));
	}
	str_clear(&back);
	word_decode(&back, str_span(&code));
	assert_string_equal(str_c(&back), text);
	str_free(&code);
	str_free(&back);
}

static void lengths(void **state)
{
	char text[600];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 90; i++) {
		static const char *const bits[] = { "é", "x", "你", " ", "😀" };
		const char *bit = bits[i % 5];

		memcpy(text + n, bit, strlen(bit) + 1);
		n += strlen(bit);
		round_trip(text);
	}
	memset(text, 'a', 500);
	memcpy(text + 300, "é", 2);
	text[500] = '\0';
	round_trip(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(decode_split),
		cmocka_unit_test(decode_bad),
		cmocka_unit_test(decode_forged),
		cmocka_unit_test(encode),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
