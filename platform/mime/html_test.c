#include "mime/html.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static bool add(void *arg, struct span text)
{
	str_add(arg, text);
	return true;
}

static void render(struct str *out, struct span in, const char *charset,
		unsigned width, size_t piece)
{
	struct html h;

	str_clear(out);
	html_init(&h, width, span_of(charset), add, out);
	for (; in.n; in = span_rest(in, piece))
		html_put(&h, span_sub(in, 0, piece));
	html_end(&h);
}

static void gives(struct span in, const char *charset, unsigned width,
		const char *want)
{
	static const size_t pieces[] = { 100000, 1, 2, 3, 7 };
	struct str out;

	str_init(&out, 1000000);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		render(&out, in, charset, width, pieces[i]);
		assert_string_equal(str_c(&out), want);
	}
	str_free(&out);
}

static void is(const char *in, const char *want)
{
	gives(span_of(in), "utf-8", 40, want);
}

static void text(void **state)
{
	(void)state;
	is("", "");
	is("plain", "plain\n");
	is(" a \n\t b\r\nc ", "a b c\n");
	is("<p>one<p>two</p>three", "one\n\ntwo\n\nthree\n");
	is("<div>one</div><div>two</div>", "one\ntwo\n");
	is("a<br>b<br/>c</br>d", "a\nb\nc\nd\n");
	is("a<br><br><br>b<div><br></div>c", "a\n\nb\n\nc\n");
	is("<h1>Title</h1>text<hr>end", "Title\n\ntext\n"
			"----------------------------------------\nend\n");
	is("<b>b</b><i>i</i> <u>u</u>", "bi u\n");
	is("aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeee",
			"aaaaaaaaaa bbbbbbbbbb cccccccccc\ndddddddddd eeee\n");
	is("x https://example.com/a-long-way/to-go/for-it y",
			"x\nhttps://example.com/a-long-way/to-go/for-it\ny\n");
	is("<p>&nbsp;</p>a<p> </p><p></p>b", "a\n\nb\n");
}

static void entities(void **state)
{
	(void)state;
	is("&lt;p&gt; &amp;amp; &quot;&apos;", "<p> &amp; \"'\n");
	is("&auml;&Auml;&szlig;&yuml;&euro;&hellip;", "äÄßÿ€…\n");
	is("&alpha;&Omega;&sigma;&sigmaf;", "αΩσς\n");
	is("&#228;&#xE4;&#x20ac;&#128;&#150;&#X1F600;", "ää€€–😀\n");
	is("&amp &lt &copy 1", "& < © 1\n");
	is("AT&T & &; &nosuch; &#; &#x; &#xzz;",
			"AT&T & &; &nosuch; &#; &#x; &#xzz;\n");
	is("a&#0;b&#1114112;&#xD800;&#99999999999;", "a\xef\xbf\xbd"
			"b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
	is("a&#27;[2J&#10;b&#8232;c", "a[2J bc\n");
	is("so&shy;ft&zwnj;&#847; &#8203;x", "soft\xe2\x80\x8c x\n");
	is("&thisnameisfarfarfartoolongtobeanentity;x",
			"&thisnameisfarfarfartoolongtobeanentity;x\n");
	/* the ends of the lists, and what is between two names */
	is("&iexcl;&yuml;&Alpha;&Omega;&alpha;&omega;&check;&or;&NewLine;x",
			"¡ÿΑΩαω✓∨ x\n");
	is("&a; &cent pound; &ce; &-; &ent;", "&a; ¢ pound; &ce; &-; &ent;\n");
}

static void broken(void **state)
{
	(void)state;
	is("a < b <3 <- c", "a < b <3 <- c\n");
	is("a<b", "a\n");
	is("a</>b</ x>c", "abc\n");
	is("a<b c=\"x>y\" d='>' e=f>g", "ag\n");
	is("a<!-- > -- --->b<!-->c<!>d<?php x ?>e", "abcde\n");
	is("a<!-- never closed <p>b", "a\n");
	is("a</p></div></ul></blockquote></pre></table></a>b",
			"a\n\nb\n");
	is("<P>a</P><DiV>b", "a\n\nb\n");
	is("a<img alt=x", "a\n");
	is("a&", "a&\n");
	is("a&amp", "a&\n");
	is("a<", "a\n");
	gives(SPAN("a\0b\xff"), "utf-8", 40, "ab\xef\xbf\xbd\n");
}

static void left_out(void **state)
{
	(void)state;
	is("<html><head><title>t</title><style>p { x: y } </p></style>"
			"</head><body>a</body></html>", "a\n");
	is("a<script>if (1 < 2) { x = '</scr' + 'ipt>'; } </p></script>b",
			"ab\n");
	is("a<STYLE>x</style >b", "ab\n");
	is("<div style='color:red; DISPLAY : None !important'>x<div>y</div>"
			"z</div>a", "a\n");
	is("<p style=\"visibility:hidden\">x<p>a", "a\n");
	is("<span hidden>x<style></span></style></span>a", "a\n");
	is("<br style='display:none'>a<img hidden alt=x>", "a\n");
	is("<img alt=Logo src=x><img alt='' src=y><img width=1 alt=t>",
			"[Logo]\n");
}

static void blocks(void **state)
{
	(void)state;
	is("a<ul><li>one<li><p>two</p></li><li></li></ul>b",
			"a\n\n* one\n* two\n\nb\n");
	is("<ol start=9><li>a<ul><li>b</ul><li>c dddddddddddddddddddddd eeeeee"
			" ffffffffff</ol>", " 9. a\n    * b\n"
			"10. c dddddddddddddddddddddd eeeeee\n"
			"    ffffffffff\n");
	is("<blockquote>a<br>bbbbbbbbbbbbbbbbbbbbb cccccccccccccccc dd"
			"<p>c<blockquote>d</blockquote></blockquote>e",
			"> a\n> bbbbbbbbbbbbbbbbbbbbb cccccccccccccccc\n> dd\n"
			">\n> c\n> > d\n\ne\n");
	is("<pre>\n a\tb\n\n\n   c  <b>d</b>\n</pre>e",
			" a      b\n\n\n   c  d\n\ne\n");
	is("<table><tr><th>A</th><th>B</th></tr><tr><td><p>1</p></td><td>"
			"<div>2</div></td></tr><tr><td></td><td>x</td></tr>"
			"</table>b", "A | B\n1 | 2\nx\nb\n");
	is("<table><tr><td>A<td>B<tr><td>C<td></table>", "A | B\nC\n");
	is("<li>alone", "* alone\n");
}

static void links(void **state)
{
	(void)state;
	is("<a href=\"https://a.com/?x=1&amp;y=2&copy=3\">here</a>.",
			"here[1].\n\n[1] https://a.com/?x=1&y=2&copy=3\n");
	is("<a href=http://a.com/>a.com</a> <a href='mailto:x@y.z'>x@y.z</a>",
			"a.com x@y.z\n");
	is("<a href=http://evil.com>http://bank.com</a>",
			"http://bank.com <http://evil.com>\n");
	is("<a href=http://a.b>x</a> <a href=http://c.d>y</a> "
			"<a href=http://a.b>z</a>",
			"x[1] y[2] z[1]\n\n[1] http://a.b\n[2] http://c.d\n");
	is("<a href='javascript:x'>a</a> <a href=' JAVA\nSCRIPT:x'>b</a> "
			"<a href=data:x>c</a> <a href=#d>d</a> <a name=e>e</a>",
			"a b c d e\n");
	is("<a href=http://a.b><img src=x></a>", "[1]\n\n[1] http://a.b\n");
	is("<a href=http://a.b><div>x</div></a>y", "x[1]\ny\n\n"
			"[1] http://a.b\n");
	is("<a href=' http://a.b/\nc d&#27; '>x</a>",
			"x[1]\n\n[1] http://a.b/c%20d\n");
	is("<a href=http://a.b>never closed", "never closed[1]\n\n"
			"[1] http://a.b\n");
}

static void wide(void **state)
{
	(void)state;
	gives(SPAN("你好世界你好。世界 ab你"), "utf-8", 9,
			"你好世界\n你好。世\n界 ab你\n");
	gives(SPAN("\xc4\xe3\xba\xc3"), "gb2312", 40, "你好\n");
	/* the document says it, but only where the header does not */
	gives(SPAN("<meta charset=\"koi8-r\">\xf0\xd2\xc9"), "", 40, "При\n");
	gives(SPAN("<META content='text/html; charset=koi8-r'>\xf0"), "us-ascii",
			40, "П\n");
	gives(SPAN("<meta charset=koi8-r>caf\xe9"), "iso-8859-1", 40, "café\n");
	gives(SPAN("<meta charset=utf-16>caf\xc3\xa9"), "", 40, "café\n");
	gives(SPAN("<meta charset=no-such>caf\xe9"), "", 40, "café\n");
}

/* What has no end takes no memory: nesting, words, links. */
static void limits(void **state)
{
	struct str in, out;
	struct html h;

	(void)state;
	str_init(&in, 10000000);
	str_init(&out, 10000000);
	for (int i = 0; i < 1000; i++)
		str_adds(&in, "<blockquote><ul><li><table><tr><td><ol>");
	str_adds(&in, "deep ");
	for (int i = 0; i < 100000; i++)
		str_addc(&in, 'x');
	for (int i = 0; i < 3000; i++)
		str_addf(&in, " <a href=\"http://a.com/%d\">y</a>", i);
	render(&out, str_span(&in), "utf-8", 40, 1000);
	assert_non_null(strstr(str_c(&out), "deep\n"));
	assert_non_null(strstr(str_c(&out), "[3000] http://a.com/2999\n"));
	assert_true(out.n > 100000);
	html_init(&h, 40, SPAN("utf-8"), add, &out);
	html_put(&h, str_span(&in));
	assert_true(h.links.size <= 2 * HTML_LINKS);
	assert_true(h.word.size + h.value.size + h.label.size < 20000);
	html_end(&h);
	str_free(&in);
	str_free(&out);
}

static bool stop(void *arg, struct span text)
{
	(void)text;
	++*(int *)arg;
	return false;
}

static void enough(void **state)
{
	struct html h;
	int calls = 0;

	(void)state;
	html_init(&h, 40, SPAN(""), stop, &calls);
	for (int i = 0; i < 100; i++)
		html_put(&h, SPAN("<p>text <a href=http://a.b>x</a></p>"));
	html_end(&h);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(entities),
		cmocka_unit_test(broken),
		cmocka_unit_test(left_out),
		cmocka_unit_test(blocks),
		cmocka_unit_test(links),
		cmocka_unit_test(wide),
		cmocka_unit_test(limits),
		cmocka_unit_test(enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
