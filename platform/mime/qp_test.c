#include "mime/qp.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void decodes(const char *in, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	qp_decode(&out, span_of(in));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void decode(void **state)
{
	(void)state;
	decodes("a=3Db=c3=A9", "a=bé");
	decodes("soft=\nbreak", "softbreak");
	decodes("soft=\r\nbreak", "softbreak");
	decodes("soft= \t\nbreak", "softbreak");
	decodes("end=", "end");
	/* blanks that were added on the way (RFC 2045 6.7 (3)) */
	decodes("a  \nb\t\r\nc ", "a\nb\r\nc");
	decodes("a b\tc", "a b\tc");
	decodes("a =20\n", "a  \n");
}

/* What is no escape stays as it is. */
static void decode_bad(void **state)
{
	(void)state;
	decodes("=", "");
	decodes("=A", "=A");
	decodes("=G1 =1G ==41", "=G1 =1G =A");
	decodes("100% = x", "100% = x");
	decodes("", "");
}

static void encodes(const char *in, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	qp_encode(&out, span_of(in));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void encode(void **state)
{
	(void)state;
	encodes("plain text\n", "plain text\n");
	encodes("a=b\n", "a=3Db\n");
	encodes("é\n", "=C3=A9\n");
	encodes("end \nend\t\nend ", "end=20\nend=09\nend=20");
	encodes("\r\n", "=0D\n");
	/* what mbox, dots and relays would change */
	encodes("From me\n.\n..\n.x\nFromage\n",
			"=46rom me\n=2E\n..\n.x\nFromage\n");
	encodes("", "");
}

/* No line over 76, and what comes back is what went in. */
static void round_trip(struct span text)
{
	struct str code, back;
	struct span rest;

	str_init(&code, 100000);
	str_init(&back, 100000);
	qp_encode(&code, text);
	rest = str_span(&code);
	while (rest.n)
		assert_true(span_cut(&rest, '\n').n <= 76);
	qp_decode(&back, str_span(&code));
	assert_true(span_eq(str_span(&back), text));
	str_free(&code);
	str_free(&back);
}

static void lines(void **state)
{
	char text[1000];

	(void)state;
	for (size_t n = 70; n < 160; n++) {
		memset(text, 'x', sizeof(text));
		round_trip(span_make(text, n));
		text[n - 1] = '=';
		round_trip(span_make(text, n));
		text[n - 2] = ' ';
		text[n - 1] = '\n';
		round_trip(span_make(text, n));
	}
	/* a soft break must not leave "From " or a dot at a line's start alone */
	memset(text, 'x', 75);
	memcpy(text + 75, "From .", 6);
	round_trip(span_make(text, 81));
	for (size_t i = 0; i < 256; i++)
		text[i] = (char)i;
	round_trip(span_make(text, 256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(decode_bad),
		cmocka_unit_test(encode),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
