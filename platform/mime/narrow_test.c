#include "mime/narrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

static struct str out;
static bool needed, impossible;
static uint64_t growth;

static void keep(void *arg, struct span piece)
{
	(void)arg;
	str_add(&out, piece);
}

static const char *fed(struct span in, bool seven, size_t step)
{
	struct narrow *n = narrow_new(seven);

	str_free(&out);
	str_init(&out, 1 << 24);
	for (size_t at = 0; at < in.n; at += step)
		narrow_look(n, span_sub(in, at, step));
	narrow_look_end(n);
	needed = narrow_needed(n);
	impossible = narrow_impossible(n);
	growth = narrow_growth(n);
	for (size_t at = 0; at < in.n; at += step)
		narrow_write(n, span_sub(in, at, step), keep, NULL);
	narrow_write_end(n, keep, NULL);
	narrow_free(n);
	return str_c(&out);
}

/* Whole, octet by octet, and in threes it comes out as want. */
static void expect_octets(struct span in, const char *want)
{
	assert_string_equal(fed(in, true, in.n), want);
	assert_true(needed);
	assert_true(in.n + growth + 10 >= strlen(want));
	assert_string_equal(fed(in, true, 1), want);
	assert_string_equal(fed(in, true, 3), want);
}

static void expect(const char *in, const char *want)
{
	expect_octets(span_of(in), want);
}

static void expect_same(const char *in, bool seven)
{
	assert_string_equal(fed(span_of(in), seven, 7), in);
	assert_false(needed);
	assert_int_equal(growth, 0);
}

#define TEXT "From: a@b\r\nMIME-Version: 1.0\r\n" \
	"Content-Type: text/plain; charset=iso-8859-1\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"

static void nothing_to_do(void **state)
{
	(void)state;
	expect_same(TEXT "\r\nplain\r\n", true);
	expect_same(TEXT "Content-Transfer-Encoding: 8bit\r\n\r\nt\xe9\r\n",
			false);
	expect_same("Subject: raw \xe9\r\n\r\n.\r\n", true);
	expect_same("Subject: x\r\n\r\n", true);
	assert_string_equal(fed(SPAN(""), true, 1), "");
	assert_string_equal(fed(SPAN("Subject: x"), true, 1), "Subject: x\r\n");
}

static void text(void **state)
{
	(void)state;
	expect(TEXT "Content-Transfer-Encoding: 8bit\r\nX: y\r\n\r\n"
		"\xe9t\xe9 = a \r\n.\r\nFrom x\r\n\r\n-- \r\nm\t\r\nend",
		TEXT "X: y\r\n" QP "\r\n"
		"=E9t=E9 =3D a=20\r\n=2E\r\n=46rom x\r\n\r\n--=20\r\nm=09\r\n"
		"end");
	/* LF lines; the field may be folded and have a comment */
	expect("MIME-Version: 1.0\nContent-Transfer-Encoding:\n (as is) 8bit\n"
		"Content-Type: text/html\n\n<p>\xe9</p>\n",
		"MIME-Version: 1.0\r\nContent-Type: text/html\r\n" QP "\r\n"
		"<p>=E9</p>\r\n");
}

static void text_without_mime(void **state)
{
	(void)state;
	expect("Subject: x\r\n\r\nj\xc3\xb6rg\r\n",
		"Subject: x\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n" QP "\r\n"
		"j=C3=B6rg\r\n");
	expect("Subject: x\r\n\r\nj\xf6rg\r\n",
		"Subject: x\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
		"j=F6rg\r\n");
	/* no blank line, then no header at all */
	expect("Subject: x\r\nno \xc3\xb6 field\r\n",
		"Subject: x\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n" QP "\r\n"
		"no =C3=B6 field\r\n");
}

static void nul_and_bare_cr(void **state)
{
	static const char in[] = TEXT "\r\na\0b\rc\r\n";

	(void)state;
	expect_octets(SPAN(TEXT "\r\na\0b\rc\r\n"),
		TEXT QP "\r\na=00b=0Dc\r\n");
	fed(span_make(in, sizeof(in) - 1), false, 100);
	assert_true(needed);
}

static void other_types_become_base64(void **state)
{
	(void)state;
	expect("MIME-Version: 1.0\r\nContent-Type: application/x-y\r\n"
		"Content-Transfer-Encoding: binary\r\n\r\n\xff\xfe\r\nab\r\n",
		"MIME-Version: 1.0\r\nContent-Type: application/x-y\r\n"
		BASE64 "\r\n//4NCmFiDQo=\r\n");
}

static void tree(void **state)
{
	(void)state;
	expect("MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"
		"Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n"
		"pr\xe9\r\n--b b\r\n"
		"Content-Type: image/png\r\n\r\n\xff\r\n\r\n--b b  \r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\nascii\r\n--b b\r\n"
		"Content-Type: message/rfc822\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"Subject: y\r\n\r\n\xc3\xa9\r\n--b b--\r\n\xe9pilogue\r\n",
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=\"b b\"\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
		"pr?\r\n--b b\r\n"
		"Content-Type: image/png\r\n" BASE64 "\r\n/w0K\r\n--b b  \r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\nascii\r\n--b b\r\n"
		"Content-Type: message/rfc822\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
		"Subject: y\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n" QP "\r\n"
		"=C3=A9\r\n--b b--\r\n?pilogue\r\n");
}

static void digest_and_lost_delimiters(void **state)
{
	(void)state;
	expect("Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n"
		"Content-Type: multipart/digest; boundary=in\r\n\r\n--in\r\n\r\n"
		"Subject: z\r\nContent-Type: text/x\r\n\r\n\xe9\r\n--out\r\n\r\n"
		"\xe9\r\n--inner\r\n",
		"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n"
		"Content-Type: multipart/digest; boundary=in\r\n\r\n--in\r\n\r\n"
		"Subject: z\r\nContent-Type: text/x\r\nMIME-Version: 1.0\r\n" QP
		"\r\n=E9\r\n--out\r\n"
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
		"=E9\r\n--inner\r\n");
}

static void what_is_encoded_already(void **state)
{
	(void)state;
	expect(TEXT QP "\r\na=E9\xe9=\r\nb=3D\r\n",
		TEXT QP "\r\na=E9=E9=\r\nb=3D\r\n");
	expect(TEXT BASE64 "\r\nQUFB\xe9QUFB\r\n",
		TEXT BASE64 "\r\nQUFBQUFB\r\n");
}

static void what_cannot_be_encoded(void **state)
{
	(void)state;
	expect_same("Content-Type: multipart/mixed\r\n\r\n\xe9\r\n", true);
	expect_same("Content-Type: message/partial\r\n\r\n\xe9\r\n", true);
	expect_same("Content-Transfer-Encoding: x-uuencode\r\n\r\n\xe9\r\n",
			true);
	assert_false(impossible);
}

/* -- long lines -- */

static struct str long_in;

static const char *long_text(const char *before, char c, size_t n,
		const char *after)
{
	str_free(&long_in);
	str_init(&long_in, 1 << 20);
	str_adds(&long_in, before);
	while (n--)
		str_addc(&long_in, c);
	str_adds(&long_in, after);
	return str_c(&long_in);
}

/* No line of the result is longer than that. */
static void expect_lines(const char *in, size_t most)
{
	struct span rest, line;

	fed(span_of(in), false, 1000);
	assert_true(needed);
	rest = str_span(&out);
	while (rest.n) {
		line = span_cut(&rest, '\n');
		assert_true(line.n && line.p[line.n - 1] == '\r');
		assert_true(line.n - 1 <= most);
	}
}

static void long_lines(void **state)
{
	(void)state;
	expect_same(long_text(TEXT "\r\n", 'x', 998, "\r\n"), false);
	expect_lines(long_text(TEXT "\r\n", 'x', 999, "\r\n"), 76);
	assert_non_null(strstr(str_c(&out), QP));
	expect_lines(long_text(TEXT "\r\nx", '-', 5000, "\r\n"), 76);
	assert_null(strstr(str_c(&out), "\n--"));
	expect_lines(long_text(TEXT BASE64 "\r\n", 'Q', 4000, "\r\n"), 76);
	expect_lines(long_text("X: ", 'x', 4000, "\r\n\r\n"), 998);
	assert_memory_equal(out.p + 998, "\r\n x", 4);
	expect_lines(long_text("Content-Type: multipart/x\r\n\r\n", 'x', 4000,
				"\r\n"), 998);
}

/* A code point may lie across two pieces of a long line. */
static void long_utf8(void **state)
{
	struct str in;

	(void)state;
	for (unsigned shift = 0; shift < 8; shift++) {
		str_init(&in, 100000);
		str_adds(&in, "Subject: x\n\n");
		for (unsigned i = 0; i < shift; i++)
			str_addc(&in, 'x');
		for (unsigned i = 0; i < 2000; i++)
			str_adds(&in, i % 3 ? "\xe6\x97\xa5" : "\xc3\xa9");
		str_addc(&in, '\n');
		fed(str_span(&in), true, 1000);
		assert_non_null(strstr(str_c(&out), "charset=utf-8"));
		in.p[in.n - 3] = '\xff';
		fed(str_span(&in), true, 1000);
		assert_non_null(strstr(str_c(&out), "charset=unknown-8bit"));
		str_free(&in);
	}
}

static void scan(void **state)
{
	struct narrow_scan s;
	const char *in = long_text("a\r\n", 'x', 998, "\r\nb");

	(void)state;
	for (size_t step = 1; step < 1100; step += 7) {
		narrow_scan_init(&s);
		for (size_t at = 0; at < long_in.n; at += step)
			narrow_scan(&s, span_sub(span_of(in), at, step));
		assert_false(s.long_line || s.nul || s.eight_bit || s.ends);
		narrow_scan(&s, SPAN("\xe9\0\n"));
		assert_true(s.nul && s.eight_bit && s.ends);
	}
	long_text("a\n", 'x', 1000, "\n");
	for (size_t step = 1; step < 1100; step += 7) {
		narrow_scan_init(&s);
		for (size_t at = 0; at < long_in.n; at += step)
			narrow_scan(&s, span_sub(str_span(&long_in), at, step));
		assert_true(s.long_line && s.ends);
	}
}

/* -- limits -- */

static void nested_too_deep(void **state)
{
	struct str in;

	(void)state;
	for (unsigned depth = 18; depth < 24; depth++) {
		str_init(&in, 100000);
		for (unsigned i = 0; i < depth; i++)
			str_addf(&in, "Content-Type: multipart/x; boundary=b%u"
				"\r\n\r\n--b%u\r\n", i, i);
		str_adds(&in, "\r\nt\xe9\r\n");
		fed(str_span(&in), true, 500);
		assert_int_equal(impossible, depth > 20);
		str_free(&in);
		str_init(&in, 100000);
		for (unsigned i = 0; i < depth; i++)
			str_adds(&in, "Content-Type: message/rfc822\n\n");
		str_adds(&in, "\nt\xe9\n");
		fed(str_span(&in), true, 500);
		assert_int_equal(impossible, depth > 20);
		str_free(&in);
	}
}

static void too_many_parts(void **state)
{
	struct str in;

	(void)state;
	str_init(&in, 1000000);
	str_adds(&in, "Content-Type: multipart/x; boundary=b\n\n");
	for (unsigned i = 0; i < 1100; i++)
		str_addf(&in, "--b\nContent-Type: text/x\n\n%s\n",
				i == 1050 ? "\xe9" : "x");
	fed(str_span(&in), true, 500);
	assert_true(needed && !impossible);
	assert_null(memchr(out.p, '\xe9', out.n));
	assert_non_null(strstr(str_c(&out), "=E9"));
	str_free(&in);
}

static int wipe(void **state)
{
	(void)state;
	str_free(&out);
	str_free(&long_in);
	narrow_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_do), cmocka_unit_test(text),
		cmocka_unit_test(text_without_mime),
		cmocka_unit_test(nul_and_bare_cr),
		cmocka_unit_test(other_types_become_base64),
		cmocka_unit_test(tree),
		cmocka_unit_test(digest_and_lost_delimiters),
		cmocka_unit_test(what_is_encoded_already),
		cmocka_unit_test(what_cannot_be_encoded),
		cmocka_unit_test(long_lines), cmocka_unit_test(long_utf8),
		cmocka_unit_test(scan),
		cmocka_unit_test(nested_too_deep),
		cmocka_unit_test(too_many_parts)
	};

	return cmocka_run_group_tests_name("mime/narrow", tests, NULL, wipe);
}
