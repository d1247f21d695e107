#include "mime/param.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void is(const char *value, const char *name, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	assert_int_equal(param_text(&out, span_of(value), name), want != NULL);
	assert_string_equal(str_c(&out), want ? want : "");
	str_free(&out);
}

static void plain(void **state)
{
	(void)state;
	is("attachment; filename=a.txt", "filename", "a.txt");
	is("attachment; FileName=\"a b.txt\"; size=1", "filename", "a b.txt");
	is("x; filename=\"a\\\"b\\\\c\"", "filename", "a\"b\\c");
	is("x; filename=my report.pdf ; size=1", "filename", "my report.pdf");
	is("x; filename=a=b/c.pdf", "filename", "a=b/c.pdf");
	is("x; filename=a.txt (comment)", "filename", "a.txt");
	is("x; filename=\"a\n\tb\"", "filename", "a b");
	is("x; filename=\"a\x1b[2Jb\r\nX: y\"", "filename", "a [2JbX: y");
	is("x; filename=\"caf\xe9\"", "filename", "café");
	is("x; filename=\"caf\xc3\xa9\"", "filename", "café");
	is("x; filename=", "filename", "");
	is("x; file", "filename", NULL);
	is("", "filename", NULL);
}

/* RFC 2231 3, 4 and 4.1, with its own examples. */
static void extended(void **state)
{
	(void)state;
	is("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2A"
			"fun%2A%2A%2A", "title", "This is ***fun***");
	is("application/x-stuff;\n title*0*=us-ascii'en'This%20is%20even%20"
			"more%20;\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\n "
			"title*2=\"isn't it!\"", "title",
			"This is even more ***fun*** isn't it!");
	is("message/external-body; access-type=URL; URL*0=\"ftp://\"; "
			"URL*1=\"cs.utk.edu/pub/\"", "url",
			"ftp://cs.utk.edu/pub/");
	is("x; filename*=UTF-8''%e2%82%ac%20rates", "filename", "€ rates");
	is("x; filename*=iso-8859-1'en'%A3%20rates", "filename", "£ rates");
	/* in any order, and a character cut between two */
	is("x; n*1*=%A4.txt; n*0*=utf-8''%C3", "n", "ä.txt");
	/* the extended one is the real one */
	is("x; filename=\"EURO.txt\"; filename*=utf-8''%e2%82%ac", "filename",
			"€");
	is("x; n*0*=koi8-r''%F0%D2; n*1*=%C9", "n", "При");
	is("x; n*0=a; n*2=c", "n", "a");
	is("x; n*=plain", "n", "plain");
	is("x; n*=utf-8''%zz%4", "n", "%zz%4");
	is("x; n*=utf-8''a%0Ab%00", "n", "a b ");
	is("x; n*0*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D", "n", "=?utf-8?q?x?=");
}

/* RFC 2047 5 forbids it, and Outlook does it. */
static void encoded_words(void **state)
{
	(void)state;
	is("x; name=\"=?utf-8?B?w6Q=?=.txt\"", "name", "ä.txt");
	is("x; name==?iso-8859-1?Q?=E4?=", "name", "ä");
	is("x; name=\"=?iso-8859-1?Q?a=E4_?=\n =?iso-8859-1?Q?b.pdf?=\"",
			"name", "aä b.pdf");
}

static void file_names(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 1000);
	assert_true(param_file_name(&out, SPAN("Content-Type: a/b; name=n\n"
			"Content-Disposition: inline; filename*=utf-8''%C3%A4"
			"\n\n")));
	assert_string_equal(str_c(&out), "ä");
	str_clear(&out);
	assert_true(param_file_name(&out, SPAN("Content-Type: a/b; name=n\n"
			"Content-Disposition: inline\n\n")));
	assert_string_equal(str_c(&out), "n");
	str_clear(&out);
	assert_false(param_file_name(&out, SPAN("Content-Type: a/b\n\n")));
	str_free(&out);
}

static void put(const char *text, const char *want)
{
	struct str out;

	str_init(&out, 10000);
	param_put(&out, "filename", span_of(text));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void writing(void **state)
{
	(void)state;
	put("a.txt", ";\n filename=a.txt");
	put("", ";\n filename=\"\"");
	put("a b.txt", ";\n filename=\"a b.txt\"");
	put("a\"\\;.txt", ";\n filename=\"a\\\"\\\\;.txt\"");
	put("=?x.txt", ";\n filename*=UTF-8''%3D%3Fx.txt");
	put("käse*.txt", ";\n filename*=UTF-8''k%C3%A4se%2A.txt");
	put("a\r\nBcc: x", ";\n filename*=UTF-8''a%20%20Bcc%3A%20x");
	put("a\xff", ";\n filename*=UTF-8''a%EF%BF%BD");
	put("ääääääääää.txt", ";\n filename*0*=UTF-8''%C3%A4%C3%A4%C3%A4"
			"%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4;\n "
			"filename*1*=%C3%A4.txt");
}

/* What was written reads the same, and no line is too long. */
static void both_ways(void **state)
{
	struct str name, out, back;

	(void)state;
	str_init(&name, 2000);
	str_init(&out, 10000);
	str_init(&back, 10000);
	for (int i = 0; i < 200; i++) {
		struct span rest, line;

		str_adds(&name, i % 3 ? "x" : i % 2 ? "你" : "\" ;'*%");
		str_clear(&out);
		str_clear(&back);
		str_adds(&out, "attachment");
		param_put(&out, "filename", str_span(&name));
		assert_true(param_text(&back, str_span(&out), "filename"));
		assert_string_equal(str_c(&back), str_c(&name));
		for (rest = str_span(&out); rest.n; ) {
			line = span_cut(&rest, '\n');
			assert_true(line.n <= 76);
		}
	}
	str_free(&name);
	str_free(&out);
	str_free(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(extended),
		cmocka_unit_test(encoded_words),
		cmocka_unit_test(file_names),
		cmocka_unit_test(writing),
		cmocka_unit_test(both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
