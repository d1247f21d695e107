#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "sendmail/mailq.h"

static void expect(struct span in, const char *out)
{
	struct str text;

	str_init(&text, 1024);
	json_string(&text, in);
	assert_string_equal(str_c(&text), out);
	str_free(&text);
}

static void test_string(void **state)
{
	(void)state;
	expect(SPAN(""), "\"\"");
	expect(SPAN("a/b"), "\"a/b\"");
	expect(SPAN("\"\\\b\t\n"), "\"\\\"\\\\\\u0008\\u0009\\u000a\"");
	expect(SPAN("\0\x1f\x7f"), "\"\\u0000\\u001f\\u007f\"");
	expect(SPAN("\xc3\xa9\xf0\x9f\x98\x80"),
			"\"\xc3\xa9\xf0\x9f\x98\x80\"");
	expect(SPAN("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	expect(SPAN("\xed\xa0\x80"),
			"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Any pair of bytes: valid UTF-8, nothing that ends the string early. */
static void test_any_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		char two[2] = { (char)(i >> 8), (char)i };
		struct span s;
		struct str text;

		str_init(&text, 64);
		json_string(&text, span_make(two, 2));
		assert_false(text.bad);
		assert_true(utf8_valid(str_span(&text)));
		s = span_sub(str_span(&text), 1, text.n - 2);
		for (size_t k = 0; k < s.n; k++) {
			assert_true((unsigned char)s.p[k] >= ' ');
			assert_true(s.p[k] != '"');
			if (s.p[k] == '\\')
				k += s.p[k + 1] == 'u' ? 5 : 1;
		}
		str_free(&text);
	}
}

static void test_message(void **state)
{
	struct span field[MAILQ_FIELDS] = {
		[MAILQ_ID] = SPAN("1k"), [MAILQ_SIZE] = SPAN("17"),
		[MAILQ_CREATED] = SPAN("3"), [MAILQ_NEXT] = SPAN("4"),
		[MAILQ_ATTEMPTS] = SPAN("nonsense"),
		[MAILQ_STATE] = SPAN("waiting"), [MAILQ_SENDER] = SPAN("\"@b"),
	};
	struct str text;

	(void)state;
	str_init(&text, 1024);
	json_message(&text, field);
	json_rcpt(&text, true, SPAN("a"), SPAN(""));
	json_rcpt(&text, false, SPAN("b"), SPAN("450"));
	json_end(&text);
	assert_string_equal(str_c(&text), "{\"id\":\"1k\",\"state\":\"waiting\","
			"\"size\":17,\"created\":3,\"next_try\":4,"
			"\"attempts\":0,\"sender\":\"\\\"@b\",\"recipients\":["
			"{\"address\":\"a\",\"reason\":null},"
			"{\"address\":\"b\",\"reason\":\"450\"}]}\n");
	str_clear(&text);
	field[MAILQ_STATE] = SPAN("held");
	json_message(&text, field);
	assert_non_null(strstr(str_c(&text), "\"next_try\":null,"));
	str_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
