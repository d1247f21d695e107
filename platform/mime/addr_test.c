#include "mime/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *span_text(struct span s)
{
	static char text[4][600];
	static int at;
	char *out = text[at = (at + 1) % 4];

	snprintf(out, sizeof(text[0]), "%.*s", SPAN_ARG(s));
	return out;
}

/* -- paths -- */

static const struct {
	const char *in, *local, *domain, *rest;
} good[] = {
	{ "<a@b.c>", "a", "b.c", "" },
	{ "<a@b.c> SIZE=1", "a", "b.c", " SIZE=1" },
	{ "<>", "", "", "" },
	{ "<> BODY=7BIT", "", "", " BODY=7BIT" },
	{ "<postmaster>", "postmaster", "", "" },
	{ "<PostMaster>", "PostMaster", "", "" },
	{ "<postmaster@b.c>", "postmaster", "b.c", "" },
	{ "<@x.y,@z:a@b.c>", "a", "b.c", "" },
	{ "<@[192.0.2.1]:a@b.c>", "a", "b.c", "" },
	{ "<a.b.c@d>", "a.b.c", "d", "" },
	{ "<!#$%&'*+-/=?^_`{|}~@d>", "!#$%&'*+-/=?^_`{|}~", "d", "" },
	{ "<\"a b\"@d>", "\"a b\"", "d", "" },
	{ "<\"a\\\"b>@\"@d>", "\"a\\\"b>@\"", "d", "" },
	{ "<\"\"@d>", "\"\"", "d", "" },
	{ "<a@[192.0.2.1]>", "a", "[192.0.2.1]", "" },
	{ "<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]", "" },
	{ "<a@1-2.3x>", "a", "1-2.3x", "" },
	{ "<a@b.c>>", "a", "b.c", ">" },
	{ "<a@b.c.>", "a", "b.c", "" },
};

static void test_good_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct span in = span_of(good[i].in);
		struct addr a;

		if (!addr_path(&in, &a, false))
			fail_msg("refused: %s", good[i].in);
		assert_string_equal(span_text(a.local), good[i].local);
		assert_string_equal(span_text(a.domain), good[i].domain);
		assert_string_equal(span_text(in), good[i].rest);
	}
}

/* A forwarder's is as long as it comes, the path is not. */
static void test_srs(void **state)
{
	char text[400];
	struct addr a;

	(void)state;
	for (int n = 50; n < 300; n++) {
		bool fits = n + (int)sizeof("SRS0=@b.c<>") - 1 <= ADDR_MAX;

		snprintf(text, sizeof(text), "SRS0=%0*d@b.c", n, 1);
		assert_int_equal(addr_parse(span_of(text), &a, false), fits);
		snprintf(text, sizeof(text), "\"srs1=%0*d\"@b.c", n - 2, 1);
		assert_int_equal(addr_parse(span_of(text), &a, false), fits);
		snprintf(text, sizeof(text), "xSRS0=%0*d@b.c", n, 1);
		assert_int_equal(addr_parse(span_of(text), &a, false),
				n + 6 <= 64);
	}
}

static const char *const bad[] = {
	"", "<", ">", "a@b.c", "<a@b.c", "a@b.c>", "<a>", "<@>", "<a@>",
	"<@b.c>", "< >", "< a@b.c>", "<a@b.c >", "<a @b.c>", "<a@ b.c>",
	"<.a@b>", "<a.@b>", "<a..b@c>", "<a@.b>", "<a@b..>", "<a@b..c>",
	"<a@-b>", "<a@b->", "<a@b_c>", "<a@b@c>", "<a(b)@c>", "<a,b@c>",
	"<\"a@b>", "<\"a\"b@c>", "<a\"b\"@c>", "<\"a\\\">", "<\"a\x01\"@b>",
	"<\"a\x7f\"@b>", "<a\x01@b>", "<@x:>", "<@x:@y:>", "<@x>", "<@x,:a@b>",
	"<@x a@b>", "<@:a@b>", "<a@[192.0.2]>", "<a@[192.0.2.256]>",
	"<a@[192.0.2.1>", "<a@192.0.2.1]>", "<a@[2001:db8::1]>",
	"<a@[IPv6:192.0.2.1]>", "<a@[]>", "<a@[x]y>", "<a@.>",
	"<a@[192.0.2.1].>", "<\xe4@b>", "<a@\xe4>",
	"<\"\xe4\"@b>", "<postmaster@>", "<a@b.c\0>",
};

static void test_bad_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct span in = span_of(bad[i]), before = in;
		struct addr a;

		if (addr_path(&in, &a, false))
			fail_msg("taken: %s", bad[i]);
		assert_ptr_equal(in.p, before.p);
		assert_int_equal(in.n, before.n);
	}
}

static void test_nul(void **state)
{
	struct span in = SPAN("<a\0b@c>");
	struct addr a;

	(void)state;
	assert_false(addr_path(&in, &a, false));
	assert_false(addr_parse(SPAN("a@b\0"), &a, false));
}

static bool parses(int local, int label, int labels)
{
	char text[600];
	int n = 0;
	struct addr a;

	while (local--)
		text[n++] = 'a';
	text[n++] = '@';
	while (labels--) {
		for (int i = 0; i < label; i++)
			text[n++] = 'b';
		text[n++] = labels ? '.' : 'c';
	}
	return addr_parse(span_make(text, (size_t)n), &a, false);
}

/* RFC 5321 4.5.3.1 */
static void test_limits(void **state)
{
	(void)state;
	assert_true(parses(64, 10, 1));
	assert_false(parses(65, 10, 1));
	assert_true(parses(1, 62, 1));
	assert_false(parses(1, 63, 1));		/* and the c: 64 */
	assert_true(parses(1, 62, 4));		/* 4 * 63 = 252 */
	assert_false(parses(1, 62, 5));
	/* 256 octets with the brackets */
	assert_false(parses(2, 62, 4));
}

#define UE4 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
#define UE16 UE4 UE4 UE4 UE4	/* 32 octets */

static void test_utf8(void **state)
{
	struct addr a;

	(void)state;
	assert_true(addr_parse(SPAN("b\xc3\xbcro@b\xc3\xbc" "cher.example"), &a,
				true));
	assert_false(addr_parse(SPAN("b\xc3\xbcro@b.example"), &a, false));
	assert_false(addr_parse(SPAN("b\xfcro@b.example"), &a, true));
	/* limits are in octets: 64, and 63 of an A-label */
	assert_true(addr_parse(SPAN(UE16 UE16 "@b"), &a, true));
	assert_false(addr_parse(SPAN(UE16 UE16 "a@b"), &a, true));
	assert_true(addr_parse(SPAN("a@" UE16 UE16), &a, true));
	assert_false(addr_parse(SPAN("a@" UE16 UE16 UE16 UE16), &a, true));
	/* quoted; overlong, surrogate, C1 (NEL), line separator, a bidi domain */
	assert_true(addr_parse(SPAN("\"b \xc3\xbc\"@b"), &a, true));
	assert_false(addr_parse(SPAN("b\xc0\xafro@b"), &a, true));
	assert_false(addr_parse(SPAN("b\xed\xa0\x80ro@b"), &a, true));
	assert_false(addr_parse(SPAN("b\xf4\x90\x80\x80@b"), &a, true));
	assert_false(addr_parse(SPAN("b\xc2\x85ro@b"), &a, true));
	assert_false(addr_parse(SPAN("\"b\xe2\x80\xa8ro\"@b"), &a, true));
	assert_false(addr_parse(SPAN("b\xc3"), &a, true));
	assert_false(addr_parse(SPAN("b@\xe2\x80\xae" "b"), &a, true));
	assert_false(addr_parse(SPAN("b@b\xc3"), &a, true));
	assert_false(addr_parse(SPAN("b@-\xc3\xbc"), &a, true));
}

static void test_both_forms(void **state)
{
	struct addr a = addr_split(SPAN("b\xc3\xbcro@b\xc3\xbc" "cher.example"));
	struct str out;

	(void)state;
	str_init(&out, 200);
	addr_put_ascii(&out, &a);
	assert_string_equal(str_c(&out), "b\xc3\xbcro@xn--bcher-kva.example");
	str_clear(&out);
	a = addr_split(SPAN("\"a@b\"@C.example"));
	addr_put_ascii(&out, &a);
	assert_string_equal(str_c(&out), "\"a@b\"@C.example");
	str_free(&out);
	assert_true(addr_same(SPAN("b\xc3\xbcro@b\xc3\xbc" "cher.example"),
			SPAN("b\xc3\xbcro@XN--bcher-kva.example")));
	/* a local part's octets are what they are (RFC 5321 2.4) */
	assert_false(addr_same(SPAN("b\xc3\x9cro@b"), SPAN("b\xc3\xbcro@b")));
	assert_false(addr_same(SPAN("A@b"), SPAN("a@b")));
}

static void test_parse(void **state)
{
	struct addr a;

	(void)state;
	assert_true(addr_parse(SPAN("a@b"), &a, false));
	assert_false(addr_parse(SPAN("<a@b>"), &a, false));
	assert_false(addr_parse(SPAN("a"), &a, false));
	assert_false(addr_parse(SPAN("a@b c"), &a, false));
	assert_false(addr_parse(SPAN(""), &a, false));
}

static void test_domain(void **state)
{
	char label[64];

	(void)state;
	memset(label, 'a', sizeof(label));
	assert_true(addr_domain(SPAN("a")));
	assert_true(addr_domain(SPAN("a-b.c1.example")));
	assert_false(addr_domain(SPAN("")));
	assert_false(addr_domain(SPAN("a.")));
	assert_false(addr_domain(SPAN(".")));
	assert_false(addr_domain(SPAN("a_b")));
	assert_true(addr_domain(span_make(label, 63)));
	assert_false(addr_domain(span_make(label, 64)));
	assert_true(addr_literal(SPAN("[IPv6:::]")));
	assert_false(addr_literal(SPAN("[")));
	assert_false(addr_literal(SPAN("]")));
	assert_false(addr_literal(SPAN("")));
}

/* -- normal forms -- */

static const struct {
	const char *in, *out;
} plain[] = {
	{ "a.b", "a.b" },
	{ "\"a.b\"", "a.b" },
	{ "\"a\\b\"", "ab" },
	{ "\"a b\"", "\"a b\"" },
	{ "\"a\\ b\"", "\"a b\"" },
	{ "\"a\\\"b\"", "\"a\\\"b\"" },
	{ "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "\".a\"", "\".a\"" },
	{ "\"\"", "\"\"" },
	{ "a b", "\"a b\"" },
	{ "", "" },
};

static void test_plain(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 100);
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		str_clear(&out);
		addr_local_plain(&out, span_of(plain[i].in));
		assert_false(out.bad);
		assert_string_equal(str_c(&out), plain[i].out);
	}
	str_clear(&out);
	addr_put(&out, &(struct addr){ SPAN("\"x.y\""), SPAN("d.e") });
	assert_string_equal(str_c(&out), "x.y@d.e");
	str_clear(&out);
	addr_put(&out, &(struct addr){ SPAN("x"), { NULL, 0 } });
	assert_string_equal(str_c(&out), "x");
	str_free(&out);
}

/* -- lists -- */

static bool collect(void *arg, const struct addr_entry *e)
{
	struct str *out = arg;

	str_addf(out, "{%.*s|%.*s|%.*s}", SPAN_ARG(e->name),
			SPAN_ARG(e->addr.local), SPAN_ARG(e->addr.domain));
	return true;
}

static const struct {
	const char *in, *out;
	int broken;
} lists[] = {
	{ "", "", 0 },
	{ " \t ", "", 0 },
	{ "a@b", "{|a|b}", 0 },
	{ "root", "{|root|}", 0 },
	{ "a@b, c@d", "{|a|b}{|c|d}", 0 },
	{ ",, a@b ,, c@d,", "{|a|b}{|c|d}", 0 },
	{ "Al Bee <a@b>", "{Al Bee|a|b}", 0 },
	{ "<a@b>", "{|a|b}", 0 },
	{ "\"Bee, Al\" <a@b>, c@d", "{\"Bee, Al\"|a|b}{|c|d}", 0 },
	{ "J. R. \"Bob\" D. <a@b>", "{J. R. \"Bob\" D.|a|b}", 0 },
	{ "=?utf-8?Q?B=C3=BC?= <a@b>", "{=?utf-8?Q?B=C3=BC?=|a|b}", 0 },
	{ "B\xc3\xbc <a@b>", "{B\xc3\xbc|a|b}", 0 },
	{ "a@b (Al, the (nested \\) ) one), c@d", "{|a|b}{|c|d}", 0 },
	{ "(x) Al (y) <(z) a (1) @ (2) b (3)> (4), c@d",
		"{Al|a|b}{|c|d}", 0 },
	{ "a@b\r\n ,\r\n\tc@d", "{|a|b}{|c|d}", 0 },
	{ "team: a@b, Cee <c@d>; , e@f", "{|a|b}{Cee|c|d}{|e|f}", 0 },
	{ "undisclosed-recipients:;", "", 0 },
	{ "\"q s\"@b", "{|\"q s\"|b}", 0 },
	{ "<@r.s:a@b>", "{|a|b}", 0 },
	{ "root (Cron Daemon)", "{|root|}", 0 },
	{ "Al Bee, a@b", "{|a|b}", 1 },
	{ "Al <a@>, c@d", "{|c|d}", 1 },
	{ "a@b c@d, e@f", "{|e|f}", 1 },
	{ "<a@b, c@d>, e@f", "{|e|f}", 2 },
	{ "Al <a@b> junk, c@d", "{|c|d}", 1 },
	{ "@b, c@d", "{|c|d}", 1 },
	{ "\"open, c@d", "{|c|d}", 1 },
	{ "(open, c@d", "", 0 },
	{ "<>", "", 1 },
};

static void test_lists(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 1000);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		str_clear(&out);
		assert_int_equal(addr_each(span_of(lists[i].in), collect,
					&out), lists[i].broken);
		assert_string_equal(str_c(&out), lists[i].out);
	}
	str_free(&out);
}

static bool stop(void *arg, const struct addr_entry *e)
{
	(void)e;
	return ++*(int *)arg < 2;
}

static void test_stop(void **state)
{
	int seen = 0;

	(void)state;
	addr_each(SPAN("a@b, c@d, e@f"), stop, &seen);
	assert_int_equal(seen, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_srs),
		cmocka_unit_test(test_good_paths),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_both_forms),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
