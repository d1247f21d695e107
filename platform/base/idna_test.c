#include "base/idna.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void assert_ascii(const char *name, const char *want)
{
	char out[IDNA_SIZE] = "x";

	if (idna_ascii(out, span_of(name)) != (want != NULL))
		fail_msg("%s: %s", name, want ? "refused" : "taken");
	assert_string_equal(out, want ? want : "");
}

static void ascii(void **state)
{
	(void)state;
	assert_ascii("", "");
	assert_ascii("A.Example", "a.example");
	assert_ascii("a_b.example.", "a_b.example.");
	assert_ascii("[IPv6:::1]", "[ipv6:::1]");
	assert_ascii("B\xc3\xbc" "cher.Example", "xn--bcher-kva.example");
	assert_ascii("xn--BCHER-kva.example", "xn--bcher-kva.example");
	assert_ascii("www.b\xc3\xbc" "cher.example.",
			"www.xn--bcher-kva.example.");
	/* RFC 5891: not what IDNA2003 made of it */
	assert_ascii("fa\xc3\x9f.example", "xn--fa-hia.example");
	assert_ascii("\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3"
			"\x83\x88", "xn--r8jz45g.xn--zckzah");
}

static void same(void **state)
{
	static const char *const pairs[][2] = {
		{ "B\xc3\x9c" "CHER.example", "xn--bcher-kva.EXAMPLE" },
		{ "\xc5\xb8\xc4\x80\xc5\xbd", "\xc3\xbf\xc4\x81\xc5\xbe" },
		/* ΆΩΈΉΊΌΎΏΪΫ, as in RFC 5895's lower case */
		{ "\xce\x86\xce\xa9\xce\x88\xce\x89\xce\x8a\xce\x8c\xce\x8e"
			"\xce\x8f\xce\xaa\xce\xab", "\xce\xac\xcf\x89\xce\xad"
			"\xce\xae\xce\xaf\xcf\x8c\xcf\x8d\xcf\x8e\xcf\x8a"
			"\xcf\x8b" },
		/* МОСКВА, ЁЏ; ѠҊӀӁӐ; Armenian */
		{ "\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90.ru",
			"\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0.RU" },
		{ "\xd0\x81\xd0\x8f", "\xd1\x91\xd1\x9f" },
		{ "\xd1\xa0\xd2\x8a\xd3\x80\xd3\x81\xd3\x90",
			"\xd1\xa1\xd2\x8b\xd3\x8f\xd3\x82\xd3\x91" },
		{ "\xd4\xb1\xd5\x96", "\xd5\xa1\xd6\x86" },
		/* ƠƯ */
		{ "\xc6\xa0\xc6\xaf", "\xc6\xa1\xc6\xb0" },
		{ "\xe1\xba\xa0\xe1\xb8\x80", "\xe1\xba\xa1\xe1\xb8\x81" },
	};
	static const char *const others[][2] = {
		{ "b\xc3\xbc" "cher", "bucher" }, { "\xc4\xb0", "i" },
		{ "\xc3\x9f", "ss" }, { "\xcf\x82", "\xcf\x83" },
		{ "\xff", "\xfe" }, { "\xc4\xb1", "i" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!idna_same(span_of(pairs[i][0]), span_of(pairs[i][1])))
			fail_msg("%s is not %s", pairs[i][0], pairs[i][1]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (idna_same(span_of(others[i][0]), span_of(others[i][1])))
			fail_msg("%s is %s", others[i][0], others[i][1]);
	assert_true(idna_same(SPAN("A.b"), SPAN("a.B")));
	assert_false(idna_same(SPAN("a"), SPAN("a.")));
}

static void refused(void **state)
{
	static const char *const bad[] = {
		/* no UTF-8, overlong, surrogate, over 10FFFF */
		"b\xfc", "a\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		/* NEL, no-break and ideographic space, joiner, bidi, BOM */
		"\xc2\x85", "a\xc2\xa0" "b", "a\xe3\x80\x80" "b",
		"a\xe2\x80\x8b" "b", "\xe2\x80\xae" "a", "\xef\xbb\xbf" "a",
		/* other dots, a fullwidth A */
		"a\xe3\x80\x82" "b", "a\xef\xbc\x8e" "b", "\xef\xbc\xa1",
		/* hyphens; ASCII that no name has */
		"-\xc3\xbc", "\xc3\xbc-", "ab--\xc3\xbc", "\xc3\xbc@b",
		"\xc3\xbc b", "\xc3\xbc/b", "\xc3\xbc\tb", "xn--\xc3\xbc",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_ascii(bad[i], NULL);
}

static void lengths(void **state)
{
	char name[600], out[IDNA_SIZE];

	(void)state;
	/* a label: 59 code points of one digit each and "xn--"; then more */
	memset(name, 'a', 52);
	strcpy(name + 52, "\xc3\xbc");
	assert_true(idna_ascii(out, span_of(name)));
	assert_int_equal(strlen(out), 60);
	memset(name, 'a', 59);
	strcpy(name + 59, "\xc3\xbc");
	assert_false(idna_ascii(out, span_of(name)));
	/* 20 signs are 60 octets here and fewer there */
	name[0] = '\0';
	for (int i = 0; i < 30; i++)
		memcpy(name + 3 * i, "\xe4\xb8\xad", 4);
	assert_true(idna_ascii(out, span_of(name)));
	assert_true(strlen(out) <= 63);
	/* a name */
	memset(name, 'a', 254);
	assert_true(idna_ascii(out, span_make(name, 253)));
	assert_false(idna_ascii(out, span_make(name, 254)));
}

static void assert_text(const char *name, const char *want)
{
	struct str out;

	str_init(&out, 1000);
	idna_text(&out, span_of(name));
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void text(void **state)
{
	(void)state;
	assert_text("www.XN--bcher-KVA.example.",
			"www.b\xc3\xbc" "cher.example.");
	assert_text("a.example", "a.example");
	assert_text("xn--r8jz45g", "\xe4\xbe\x8b\xe3\x81\x88");
	/* looks like one and is none: nothing decodes, ASCII, upper case, a control, a dot */
	assert_text("xn--", "xn--");
	assert_text("xn--99999999", "xn--99999999");
	assert_text("xn--abc-", "xn--abc-");
	assert_text("xn--tca", "xn--tca");
	assert_text("xn--ab-r13a", "xn--ab-r13a");
	assert_text("xn--ab-g4t", "xn--ab-g4t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii),
		cmocka_unit_test(same),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
		cmocka_unit_test(text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
