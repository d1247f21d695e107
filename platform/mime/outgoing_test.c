#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mime/outgoing.h"

/* What the header section became, and who gets it. */
struct rig {
	struct outgoing o;
	struct str out, rcpts;
};

static void begin(struct rig *r, bool from_header)
{
	*r = (struct rig){ .o = {
		.arena = arena_new(4 << 20), .domain = "a.test",
		.host = "mail.a.test", .from = "me@a.test",
		.full_name = "M\xc3\xa9", .now = INT64_C(1800000000),
		.from_header = from_header } };
	assert_non_null(r->o.arena);
	str_init(&r->out, 4 << 20);
	str_init(&r->rcpts, 1 << 20);
}

static void end(struct rig *r)
{
	arena_free(r->o.arena);
	str_free(&r->out);
	str_free(&r->rcpts);
}

static void feed(struct rig *r, const char *header)
{
	outgoing_header(&r->o, span_of(header), &r->out);
	assert_false(r->out.bad);
	for (unsigned i = 0; i < r->o.nrcpt; i++)
		str_addf(&r->rcpts, "%s ", r->o.rcpt[i]);
}

/* Nothing is missing in it but what comes before. */
#define REST "Date: d\nMessage-ID: <i>\n"
#define FROM "From: x@y\n"

static const struct {
	const char *in, *out, *rcpts;
} rows[] = {
	{ FROM "To: b\n" REST, FROM "To: b@a.test\n" REST, "b@a.test " },
	/* comments, groups, folding, quotes and routes stay where they are */
	{ "From: root (Cron Daemon)\nTo: root\n" REST,
		"From: root@a.test (Cron Daemon)\nTo: root@a.test\n" REST,
		"root@a.test " },
	{ FROM "To: Team: al, Bea <bea>,\n\t\"c d\"@y;, e (not f@y,)\n" REST,
		FROM "To: Team: al@a.test, Bea <bea@a.test>,\n\t\"c d\"@y;, "
		"e@a.test (not f@y,)\n" REST,
		"al@a.test bea@a.test \"c d\"@y e@a.test " },
	{ FROM "To: undisclosed-recipients:;\nBcc: x@y\n" REST,
		FROM "To: undisclosed-recipients:;\n" REST, "x@y " },
	{ FROM "To: <@r1,@r2:x@y>, <z>\n" REST,
		FROM "To: <@r1,@r2:x@y>, <z@a.test>\n" REST, "x@y z@a.test " },
	/* several of a kind; who is named twice gets it once */
	{ FROM "To: b@y\nto : c@y, b@y\nCC: b@y\nBcc:d@y\nbcc: c@y\n" REST,
		FROM "To: b@y\nto : c@y, b@y\nCC: b@y\n" REST,
		"b@y c@y d@y " },
	/* sent again: only these count */
	{ "Resent-From: r@y\nResent-To: s@y\nResent-Date: d\n"
		"Resent-Message-ID: <r>\nResent-Bcc: t\n" FROM "To: b@y\n"
		REST,
		"Resent-From: r@y\nResent-To: s@y\nResent-Date: d\n"
		"Resent-Message-ID: <r>\n" FROM "To: b@y\n" REST,
		"s@y t@a.test " },
	/* no address, and none with one */
	{ "From: My Router\nTo: b@y\n" REST,
		"From: My Router <me@a.test>\nTo: b@y\n" REST, "b@y " },
	{ "From: \"x\" <>\nTo: b@y\n" REST,
		"From: \"\\\"x\\\" <>\" <me@a.test>\nTo: b@y\n" REST, "b@y " },
	{ "From: Rout\xc3\xa9r\n 7\nTo: b@y\n" REST,
		"From: =?UTF-8?B?Um91dMOpcg==?= 7 <me@a.test>\nTo: b@y\n" REST,
		"b@y " },
	{ "From:\nTo: b@y\n" REST,
		"From: =?UTF-8?B?TcOp?= <me@a.test>\nTo: b@y\n" REST,
		"b@y " },
	{ "From: one@y, two\nFrom: three@y\nTo: b@y\n" REST,
		"From: one@y, two@a.test\nTo: b@y\n" REST, "b@y " },
	{ FROM "Sender: x y\nReply-To: me\nTo: b@y\n" REST,
		FROM "Sender: x y\nReply-To: me@a.test\nTo: b@y\n" REST,
		"b@y " },
};

static void test_rows(void **state)
{
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&r, true);
		feed(&r, rows[i].in);
		assert_string_equal(str_c(&r.out), rows[i].out);
		assert_string_equal(str_c(&r.rcpts), rows[i].rcpts);
		assert_int_equal(r.o.broken, 0);
		end(&r);
	}
}

static void test_resent_missing(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, false);
	feed(&r, "Resent-To: s\n" FROM "To: b@y\n" REST);
	assert_true(span_starts(str_span(&r.out), "Resent-From: "
			"=?UTF-8?B?TcOp?= <me@a.test>\nResent-Date: "));
	assert_non_null(strstr(str_c(&r.out), "\nResent-Message-ID: <"));
	assert_true(span_ends(str_span(&r.out), "@mail.a.test>\n"
			"Resent-To: s@a.test\n" FROM "To: b@y\n" REST));
	assert_int_equal(r.o.nrcpt, 0);
	end(&r);
}

static void test_no_clock(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, false);
	r.o.now = 0;
	feed(&r, FROM "To: b@y\nMessage-ID: <i>\n");
	assert_string_equal(str_c(&r.out), FROM "To: b@y\nMessage-ID: <i>\n");
	end(&r);
}

/* A line may hold 998 octets: one that grows too long is folded. */
static void test_long_line(void **state)
{
	struct rig r;
	struct str in;
	struct span rest;

	(void)state;
	begin(&r, true);
	str_init(&in, 1 << 20);
	str_adds(&in, FROM "To: a0");
	for (int i = 1; i < 150; i++)
		str_addf(&in, ", a%d", i);
	str_adds(&in, "\n" REST);
	feed(&r, str_c(&in));
	rest = str_span(&r.out);
	while (rest.n)
		assert_true(span_cut(&rest, '\n').n <= 998);
	assert_non_null(strstr(str_c(&r.out), "a148@a.test, a149@a.test\n"));
	assert_int_equal(r.o.nrcpt, 150);
	str_free(&in);
	end(&r);
}

static void test_limit(void **state)
{
	struct rig r;
	struct str in;

	(void)state;
	begin(&r, true);
	str_init(&in, 4 << 20);
	for (int i = 0; i < OUTGOING_RCPT_MOST + 7; i++)
		str_addf(&in, "a%d@y,", i);
	outgoing_recipients(&r.o, str_span(&in));
	assert_int_equal(r.o.nrcpt, OUTGOING_RCPT_MOST);
	assert_int_equal(r.o.broken, 7);
	/* those it knows take no room */
	outgoing_recipients(&r.o, str_span(&in));
	assert_int_equal(r.o.nrcpt, OUTGOING_RCPT_MOST);
	assert_int_equal(r.o.broken, 14);
	str_free(&in);
	end(&r);
}

/* Whatever a program names itself, it stays in its field. */
static void test_hostile_name(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, false);
	r.o.full_name = "a\r\nBcc: victim@y\r\n\r\nb\x01\x7f";
	feed(&r, "To: b@y\n" REST);
	assert_string_equal(str_c(&r.out), "To: b@y\n" REST
			"From: \"a Bcc: victim@y b\" <me@a.test>\n");
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_resent_missing),
		cmocka_unit_test(test_no_clock),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_hostile_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
