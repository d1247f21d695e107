#include "mime/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* root anywhere in router.lan, and without a domain, is me. */
static bool map(void *arg, const struct addr *a, struct str *out)
{
	(void)arg;
	if (a->domain.n && !span_is(a->domain, "router.lan"))
		return false;
	if (span_is(a->local, "root"))
		str_adds(out, "me@provider.example");
	else if (span_is(a->local, "\"odd one\""))
		str_adds(out, "\"odd one\"@provider.example");
	return out->n;
}

static const struct rewrite by_map = { .map = map };
static const struct rewrite by_from = {
	.map = map, .from = "box@provider.example"
};

static void check(const struct rewrite *r, const char *in, const char *want)
{
	struct str out;
	size_t n;
	bool changed;

	str_init(&out, 1 << 16);
	changed = rewrite_header(&out, span_of(in), r, &n);
	assert_false(out.bad);
	if (!want) {
		assert_false(changed);
	} else {
		assert_true(changed);
		str_adds(&out, in + n);
		assert_string_equal(str_c(&out), want);
	}
	str_free(&out);
}

static const struct {
	const char *value, *want;	/* NULL: it stays */
} lists[] = {
	{ "root@router.lan", "me@provider.example" },
	{ "ROOT@Router.LAN", "me@provider.example" },
	{ "root", "me@provider.example" },
	{ "<root>", "<me@provider.example>" },
	{ "root@router.lan (Cron Daemon)", "me@provider.example (Cron Daemon)" },
	{ "\"Cron\" <root@router.lan>", "\"Cron\" <me@provider.example>" },
	{ "=?utf-8?Q?J=C3=B6rg?= <root@router.lan>",
		"=?utf-8?Q?J=C3=B6rg?= <me@provider.example>" },
	{ "J\xc3\xb6rg <root@router.lan>", "J\xc3\xb6rg <me@provider.example>" },
	{ "root@other.lan <root@router.lan>",
		"root@other.lan <me@provider.example>" },
	{ "\"root@router.lan, b\" <x@y.z>, root@router.lan",
		"\"root@router.lan, b\" <x@y.z>, me@provider.example" },
	{ "\"a \\\" root@router.lan\" <root@router.lan>",
		"\"a \\\" root@router.lan\" <me@provider.example>" },
	{ "a@b.c,root@router.lan,\r\n\troot@router.lan ,x@y.z",
		"a@b.c,me@provider.example,\r\n\tme@provider.example ,x@y.z" },
	{ "\"long\r\n name\" <root@router.lan>",
		"\"long\r\n name\" <me@provider.example>" },
	{ "staff: root@router.lan, x@y.z;, root",
		"staff: me@provider.example, x@y.z;, me@provider.example" },
	{ "undisclosed-recipients:;", NULL },
	{ "(root@router.lan) x@y.z", NULL },
	{ "(a (root@router.lan) \\) b) x@y.z", NULL },
	{ "root (at) @ (home) router.lan", "me@provider.example" },
	{ "root\r\n @\r\n router.lan", "me@provider.example" },
	{ "<@a.b,@c.d:root@router.lan>", "<@a.b,@c.d:me@provider.example>" },
	{ "\"root\"@router.lan", NULL },
	{ "\"odd one\"@router.lan", "\"odd one\"@provider.example" },
	{ "Root User <(who) root@router.lan (that)>",
		"Root User <(who) me@provider.example (that)>" },
	{ "cron daemon root", NULL },
	{ "root@[192.0.2.1]", NULL },
	{ "a@[IPv6:2001:db8::1], root", "a@[IPv6:2001:db8::1], me@provider.example" },
	{ "<root@router.lan", NULL },
	{ "root@router.lan>", NULL },
	{ "\"root@router.lan", NULL },
	{ "(root@router.lan", NULL },
	{ "root@@router.lan, root", "root@@router.lan, me@provider.example" },
	{ ";;,,: root", ";;,,: me@provider.example" },
	{ "", NULL }, { "<>", NULL }, { "\\", NULL }, { "[", NULL },
	{ "root@other.lan", NULL }, { "xroot@router.lan", NULL },
};

static void test_lists(void **state)
{
	char in[300], want[300];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(in, sizeof(in), "Subject: root@router.lan\r\n"
				"To: %s\r\nX: y\r\n\r\nroot\r\n",
				lists[i].value);
		if (lists[i].want)
			snprintf(want, sizeof(want), "Subject: root@router.lan"
					"\r\nTo: %s\r\nX: y\r\n\r\nroot\r\n",
					lists[i].want);
		check(&by_map, in, lists[i].want ? want : NULL);
	}
}

static void test_which_fields(void **state)
{
	static const char *const yes[] = {
		"From", "Sender", "Reply-To", "To", "CC", "Bcc", "Resent-From",
		"Resent-Sender", "Resent-To", "Resent-Cc", "Errors-To",
		"Disposition-Notification-To", "from "
	}, *const no[] = {
		"Subject", "Return-Path", "Received", "Message-ID",
		"X-Original-To", "Delivered-To", "List-Id", "DKIM-Signature"
	};
	char in[100], want[100];

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		snprintf(in, sizeof(in), "%s: <root@router.lan>\r\n", yes[i]);
		snprintf(want, sizeof(want), "%s: <me@provider.example>\r\n",
				yes[i]);
		check(&by_map, in, want);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		snprintf(in, sizeof(in), "%s: <root@router.lan>\r\n\r\n",
				no[i]);
		check(&by_map, in, NULL);
	}
}

static void test_one_from(void **state)
{
	(void)state;
	/* the name stays, answers go where they would have gone */
	check(&by_from, "From: \"Al\" <al@a.test>\r\nTo: b@b.test\r\n\r\nx",
		"From: \"Al\" <box@provider.example>\r\nTo: b@b.test\r\n"
		"Reply-To: \"Al\" <al@a.test>\r\n\r\nx");
	/* what it would have been, is what is kept */
	check(&by_from, "From: root\r\nSender: root@a.test\r\n\r\n",
		"From: box@provider.example\r\nSender: box@provider.example\r\n"
		"Reply-To: me@provider.example\r\n\r\n");
	check(&by_from, "Reply-To: <r@a.test>\r\nFrom: <al@a.test>\r\n\r\n",
		"Reply-To: <r@a.test>\r\nFrom: <box@provider.example>\r\n"
		"X-Original-From: <al@a.test>\r\n\r\n");
	check(&by_from, "From: Box <box@provider.example>\r\n\r\nx", NULL);
	check(&by_from, "Subject: x\r\n\r\nx",
		"Subject: x\r\nFrom: <box@provider.example>\r\n\r\nx");
	check(&by_from, "From: nobody in particular\r\n\r\n",
		"From: <box@provider.example>\r\n"
		"X-Original-From: nobody in particular\r\n\r\n");
	check(&by_from, "From: a@a.test, b@a.test\r\n\r\n",
		"From: box@provider.example, box@provider.example\r\n"
		"Reply-To: a@a.test, b@a.test\r\n\r\n");
	check(&by_from, "From: a@a.test", "From: box@provider.example\r\n"
		"Reply-To: a@a.test\r\n");
	check(&by_from, "From: \"A\r\n b\" <a@a.test>\r\n\r\n",
		"From: \"A\r\n b\" <box@provider.example>\r\n"
		"Reply-To: \"A\r\n b\" <a@a.test>\r\n\r\n");
	check(&by_from, "From: \r\nX: y\r\n\r\n",
		"From:<box@provider.example> \r\nX: y\r\n\r\n");
	check(&by_from, " text: x\r\n", NULL);
	check(&by_from, "\r\nbody", "From: <box@provider.example>\r\n\r\nbody");
}

/* Only whole fields are looked at when there is more than is here. */
static void test_cut(void **state)
{
	struct rewrite r = by_from;
	struct str out;
	size_t n;
	const char in[] = "From: a@a.test\r\nTo: root\r\nCc: root@rou";

	(void)state;
	r.cut = true;
	str_init(&out, 1000);
	assert_true(rewrite_header(&out, span_of(in), &r, &n));
	assert_int_equal(n, 26);
	assert_string_equal(str_c(&out), "From: box@provider.example\r\n"
			"To: me@provider.example\r\n"
			"X-Original-From: a@a.test\r\n");
	str_free(&out);
}

static void test_nul_and_no_field(void **state)
{
	static const char in[] = "To: a\0b@x.y,root\r\nX: \0\r\n\r\n";
	struct str out;
	size_t n;

	(void)state;
	str_init(&out, 1000);
	assert_true(rewrite_header(&out, span_make(in, sizeof(in) - 1),
				&by_map, &n));
	assert_int_equal(n, sizeof(in) - 3);
	assert_string_equal(str_c(&out), "To: ab@x.y,me@provider.example\r\n"
			"X: \r\n");
	str_free(&out);
	/* what is behind a line that is no field is text */
	check(&by_map, "To: root\r\nno field\r\nTo: root\r\n",
		"To: me@provider.example\r\nno field\r\nTo: root\r\n");
	check(&by_map, "no field\r\nTo: root\r\n", NULL);
}

static void test_no_room(void **state)
{
	struct str out;
	size_t n;

	(void)state;
	str_init(&out, 20);
	rewrite_header(&out, SPAN("To: root\r\nCc: root\r\n\r\n"), &by_map,
			&n);
	assert_true(out.bad);
	str_free(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_which_fields),
		cmocka_unit_test(test_one_from),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nul_and_no_field),
		cmocka_unit_test(test_no_room)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
