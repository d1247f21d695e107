#include "mime/part.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* What part_each gives, as text: "type/subtype name depth [a] <body>" a line. */
static bool describe(void *arg, const struct part *p)
{
	struct str *out = arg;

	str_addf(out, "%.*s/%.*s %.*s %u%s <%.*s>\n", SPAN_ARG(p->type),
			SPAN_ARG(p->subtype), SPAN_ARG(p->name), p->depth,
			p->attachment ? " a" : "", SPAN_ARG(p->body));
	return true;
}

static void has_parts(const char *message, const char *want)
{
	struct str out;

	str_init(&out, 100000);
	part_each(span_of(message), describe, &out);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void single(void **state)
{
	(void)state;
	has_parts("", "text/plain  0 <>\n");
	has_parts("Subject: x\n\nhello\n", "text/plain  0 <hello\n>\n");
	has_parts("Content-Type: TEXT/Html; charset=x\n\nhi",
			"TEXT/Html  0 <hi>\n");
	has_parts("Content-Type: nonsense\n\nhi", "text/plain  0 <hi>\n");
	has_parts("Content-Type: application/pdf;\n name=\"a b.pdf\"\n"
			"Content-Disposition: attachment\n\nx",
			"application/pdf a b.pdf 0 a <x>\n");
	has_parts("Content-Disposition: inline; filename=i.png\n"
			"Content-Type: image/png; name=other\n\nx",
			"image/png i.png 0 <x>\n");
}

#define MULTI(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

static void multipart(void **state)
{
	(void)state;
	has_parts(MULTI("b") "preamble\n--b\n\none\n--b\n"
			"Content-Type: text/html\n\ntwo\n\n--b--\nepilogue\n",
			"text/plain  1 <one>\ntext/html  1 <two\n>\n");
	has_parts(MULTI("\"b c\"") "--b c  \r\n\r\none\r\n--b c--\r\n",
			"text/plain  1 <one>\n");
	/* a longer line is no delimiter; neither is one inside a line */
	has_parts(MULTI("b") "--b\n\n--bc\nx--b\n--b--", "text/plain  1 "
			"<--bc\nx--b>\n");
	/* the end is missing */
	has_parts(MULTI("b") "--b\n\none\n--b\n\ntwo", "text/plain  1 <one>\n"
			"text/plain  1 <two>\n");
	has_parts(MULTI("b") "--b\n\none\n--b\n", "text/plain  1 <one>\n");
}

static void nested(void **state)
{
	(void)state;
	has_parts(MULTI("o") "--o\nContent-Type: multipart/alternative; "
			"boundary=i\n\n--i\n\nplain\n--i\n"
			"Content-Type: text/html\n\nhtml\n--i--\n--o\n\nlast\n"
			"--o--\n",
			"text/plain  2 <plain>\ntext/html  2 <html>\n"
			"text/plain  1 <last>\n");
	has_parts("Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
			"Subject: x\n\ny\n--b--\n",
			"message/rfc822  1 <Subject: x\n\ny>\n");
}

/* What cannot be taken apart is given as it is. */
static void broken(void **state)
{
	(void)state;
	has_parts("Content-Type: multipart/mixed\n\nx",
			"multipart/mixed  0 <x>\n");
	has_parts(MULTI("b") "no delimiter at all\n",
			"multipart/mixed  0 <no delimiter at all\n>\n");
	has_parts(MULTI("\"\"") "--\n\nx\n----\n",
			"multipart/mixed  0 <--\n\nx\n----\n>\n");
}

struct count {
	unsigned parts, depth, stop;
};

static bool count(void *arg, const struct part *p)
{
	struct count *c = arg;

	c->parts++;
	c->depth = p->depth > c->depth ? p->depth : c->depth;
	return c->parts != c->stop;
}

static void limits(void **state)
{
	struct count c = { 0 };
	struct str m;

	(void)state;
	str_init(&m, 1000000);
	for (int i = 0; i < 1000; i++)
		str_addf(&m, MULTI("x%d") "--x%d\n", i, i);
	part_each(str_span(&m), count, &c);
	assert_int_equal(c.parts, 1);
	assert_int_equal(c.depth, 20);
	str_clear(&m);
	str_adds(&m, MULTI("b"));
	for (int i = 0; i < 3000; i++)
		str_adds(&m, "--b\n\nx\n");
	c = (struct count){ 0 };
	part_each(str_span(&m), count, &c);
	assert_int_equal(c.parts, 1000);
	c = (struct count){ .stop = 7 };
	part_each(str_span(&m), count, &c);
	assert_int_equal(c.parts, 7);
	str_free(&m);
}

static void param_is(const char *value, const char *name, const char *want)
{
	struct span got = part_param(span_of(value), name);

	assert_true(span_eq(got, span_of(want)));
}

static void params(void **state)
{
	(void)state;
	param_is("text/plain; charset=utf-8", "charset", "utf-8");
	param_is("text/plain;CHARSET=\"utf-8\"; x=y", "charset", "utf-8");
	param_is("text/plain; a=b; charset = x", "charset", "x");
	param_is("text/plain; a=\"; charset=no\"; charset=yes", "charset", "yes");
	param_is("text/plain (a; charset=no); charset=yes", "charset", "yes");
	param_is("text/plain; charset=\n\tfolded", "charset", "folded");
	param_is("x/y; name=\"a\\\"b\"", "name", "a\\\"b");
	param_is("x/y; name=\"no end", "name", "no end");
	param_is("x/y; name=", "name", "");
	param_is("x/y; name", "name", "");
	param_is("x/y; ;; name=z", "name", "z");
	param_is("x/y", "name", "");
	param_is("", "name", "");
	param_is("x/y; name=\"\\", "name", "\\");
}

static bool decode(void *arg, const struct part *p)
{
	part_decode(arg, p);
	return false;
}

static void content_is(const char *message, const char *want)
{
	struct str out;

	str_init(&out, 1000);
	part_each(span_of(message), decode, &out);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

#define B64 "Content-Transfer-Encoding: BASE64\n"

static void contents(void **state)
{
	(void)state;
	content_is("\nas it is", "as it is");
	content_is("Content-Transfer-Encoding: quoted-printable\n"
			"Content-Type: text/plain; charset=iso-8859-1\n\n"
			"caf=E9", "café");
	content_is("Content-Transfer-Encoding: QUOTED-PRINTABLE (x)\n\n=41",
			"A");
	content_is(B64 "\naGVs\nbG8=\n", "hello");
	/* lenient, as RFC 2045 6.8 has it */
	content_is(B64 "\na G*V\r\nsbG8", "hello");
	content_is(B64 "\naGk=aGk=", "hihi");
	content_is(B64 "\n====", "");
	content_is(B64 "\naGVsbG8=a", "hello");
	/* the charset is for text alone */
	content_is(B64 "Content-Type: image/x; charset=iso-8859-1\n\n6Q==",
			"\xe9");
	content_is("Content-Transfer-Encoding: no-such\n\nx", "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single),
		cmocka_unit_test(multipart),
		cmocka_unit_test(nested),
		cmocka_unit_test(broken),
		cmocka_unit_test(limits),
		cmocka_unit_test(params),
		cmocka_unit_test(contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
