#include "mime/header_utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *text;
	bool found;
} samples[] = {
	{ "", false },
	{ "Subject: x\r\n\r\n\xc3\xbc\r\n", false },
	{ "Subject: \xc3\xbc\r\n\r\nx\r\n", true },
	{ "Subject: x\r\n \xc3\xbc\r\n\r\nx\r\n", true },
	{ "Subject: x\n\n\xc3\xbc\n", false },
	{ "Subject: x\nFrom: \xc3\xbc@b\n\n", true },
	{ "\r\n\xc3\xbc: x\r\n", false },
	/* parts */
	{ "A: b\r\n\r\n--x\r\nContent-Type: a; name=\xc3\xbc\r\n\r\n", true },
	{ "A: b\r\n\r\n--x\r\ncontent-type: a;\r\n name=\xc3\xbc\r\n", true },
	{ "A: b\r\n\r\n--x\r\nContent-Type: a\r\nX: \xc3\xbc\r\n", true },
	{ "A: b\r\n\r\n--x\r\nContent-Type: a\r\n\r\n\xc3\xbc\r\n", false },
	{ "A: b\r\n\r\n--x\r\nContent-Type: a\r\n\r\nx\r\n--x\r\n"
		"Content-Type: \xc3\xbc\r\n", true },
	/* what is no part */
	{ "A: b\r\n\r\n-- \r\nContent-Type: \xc3\xbc\r\n", false },
	{ "A: b\r\n\r\n--\r\nContent-Type: \xc3\xbc\r\n", false },
	{ "A: b\r\n\r\n---\r\nNote: \xc3\xbc\r\n", false },
	{ "A: b\r\n\r\n---\r\n\r\nContent-Type: \xc3\xbc\r\n", false },
	{ "A: b\r\n\r\nx--y\r\nContent-Type: \xc3\xbc\r\n", false },
	{ "A: b\r\n\r\n-x-\r\nContent-Type: \xc3\xbc\r\n", false },
};

static void whole_and_bytewise(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct span s = span_of(samples[i].text);
		struct header_utf8 whole, bytes;

		header_utf8_init(&whole);
		header_utf8_init(&bytes);
		header_utf8_feed(&whole, s);
		for (; s.n; s = span_rest(s, 1))
			header_utf8_feed(&bytes, span_sub(s, 0, 1));
		if (whole.found != samples[i].found)
			fail_msg("%s", samples[i].text);
		assert_int_equal(bytes.found, whole.found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_bytewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
