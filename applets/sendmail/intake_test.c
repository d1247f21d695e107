#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/file.h"
#include "sendmail/sendmail.h"

/* What stdin holds, and what became of it: header and body, recipients. */
struct rig {
	struct sendmail_message m;
	struct err err;
	struct str text, rcpts;
	int rc;
};

static void feed(struct rig *r, struct span in, bool dot_ends)
{
	FILE *f = tmpfile();
	char buf[4096];
	ssize_t n;

	assert_non_null(f);
	assert_int_equal(file_write(fileno(f), in.p, in.n), 0);
	assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
	r->rc = sendmail_intake(&r->m, fileno(f), dot_ends, &r->err);
	fclose(f);
	str_clear(&r->text);
	str_clear(&r->rcpts);
	for (uint64_t at = 0; at < r->m.size; at += (uint64_t)n) {
		n = file_pread(r->m.fd, buf, sizeof(buf), (int64_t)at);
		assert_true(n > 0);
		str_add(&r->text, span_make(buf, (size_t)n));
	}
	for (unsigned i = 0; i < r->m.out.nrcpt; i++)
		str_addf(&r->rcpts, "%s ", r->m.out.rcpt[i]);
	if (r->m.fd >= 0)
		close(r->m.fd);
	r->m.size = 0;
	r->m.out.nrcpt = 0;
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->m.out.host = "mail.a.test";
	r->m.out.domain = "a.test";
	r->m.out.now = INT64_C(1800000000);
	r->m.out.arena = arena_new(1 << 20);
	r->m.out.full_name = "Me \"the\" One";
	r->m.out.from = "me@a.test";
	r->m.fd = -1;
	str_init(&r->text, 1 << 20);
	str_init(&r->rcpts, 1 << 16);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	arena_free(r->m.out.arena);
	str_free(&r->text);
	str_free(&r->rcpts);
	free(r);
	return 0;
}

#define WHOLE "From: x@y\nTo: z@y\nDate: d\nMessage-ID: <i>\n"

static const struct {
	const char *in, *out;
	bool dot_ends;
} same[] = {
	{ WHOLE "\nbody\n", WHOLE "\nbody\n", true },
	{ WHOLE "\nbody", WHOLE "\nbody\n", true },
	{ WHOLE "\n", WHOLE "\n", true },
	{ WHOLE, WHOLE "\n", true },
	{ WHOLE "\nbody\r\nmore\r\n", WHOLE "\nbody\nmore\n", true },
	{ WHOLE "\n10%\r20%\rdone\n", WHOLE "\n10%\n20%\ndone\n", true },
	{ WHOLE "\nbody\r", WHOLE "\nbody\n", true },
	{ WHOLE "\na\n.\nb\n", WHOLE "\na\n", true },
	{ WHOLE "\na\r\n.\r\nb\n", WHOLE "\na\n", true },
	{ WHOLE "\na\n.", WHOLE "\na\n", true },
	{ WHOLE "\na\n.\nb\n", WHOLE "\na\n.\nb\n", false },
	{ WHOLE "\na\n.", WHOLE "\na\n.\n", false },
	{ WHOLE "\n.a\n..\n", WHOLE "\n.a\n..\n", true },
	{ "From me Tue Nov 24\n" WHOLE "\nb\n", WHOLE "\nb\n", true },
	{ WHOLE "X: 1\n\t2\n\nb\n", WHOLE "X: 1\n\t2\n\nb\n", true },
	{ WHOLE "no field\nb\n", WHOLE "\nno field\nb\n", true },
	{ WHOLE "Bcc: s@y,\n t@y\nReturn-Path: <q>\nX: 1\n\nb\n",
		WHOLE "X: 1\n\nb\n", true },
	{ WHOLE "\nb\n\nFrom: c\n", WHOLE "\nb\n\nFrom: c\n", true },
};

static void test_same(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		feed(r, span_of(same[i].in), same[i].dot_ends);
		assert_int_equal(r->rc, 0);
		assert_string_equal(str_c(&r->text), same[i].out);
		assert_string_equal(str_c(&r->rcpts), "");
	}
}

static void test_missing(void **state)
{
	struct rig *r = *state;

	feed(r, SPAN("just text\n"), true);
	assert_int_equal(r->rc, 0);
	assert_true(span_starts(str_span(&r->text),
			"From: \"Me \\\"the\\\" One\" <me@a.test>\n"
			"To: undisclosed-recipients:;\nDate: "));
	assert_true(span_ends(str_span(&r->text), "@mail.a.test>\n\n"
			"just text\n"));
	feed(r, SPAN(""), true);
	assert_int_equal(r->rc, 0);
	assert_true(span_starts(str_span(&r->text), "From: "));
}

static void test_recipients(void **state)
{
	struct rig *r = *state;

	r->m.out.from_header = true;
	feed(r, SPAN("To: al, Bea <bea@y>\nCc: \"c\"@y\nBcc: d@y, (x) e\n"
			"Subject: f@y\n\nTo: g@y\n"), true);
	assert_string_equal(str_c(&r->rcpts), "al@a.test bea@y c@y d@y "
			"e@a.test ");
	assert_non_null(strstr(str_c(&r->text),
			"To: al@a.test, Bea <bea@y>\n"));
	assert_null(strstr(str_c(&r->text), "d@y"));
	assert_int_equal(r->m.out.broken, 0);
	feed(r, SPAN("To: al\nResent-To: re@y\nResent-Bcc: rb@y\n\n"), true);
	assert_string_equal(str_c(&r->rcpts), "re@y rb@y ");
	feed(r, SPAN("To: a b, c@y\n\n"), true);
	assert_string_equal(str_c(&r->rcpts), "c@y ");
	assert_int_equal(r->m.out.broken, 1);
}

static void test_many(void **state)
{
	struct rig *r = *state;
	struct str in;

	str_init(&in, 1 << 20);
	str_adds(&in, "To: a0@y");
	for (int i = 1; i < 1000; i++)
		str_addf(&in, ",\n\ta%d@y", i);
	str_adds(&in, "\n\nbody\n");
	r->m.out.from_header = true;
	feed(r, str_span(&in), true);
	assert_int_equal(r->rc, 0);
	assert_true(span_ends(str_span(&r->rcpts), " a999@y "));
	str_free(&in);
}

static void test_header_too_long(void **state)
{
	struct rig *r = *state;
	struct str in;

	str_init(&in, 1 << 20);
	str_adds(&in, "X: ");
	while (in.n <= OUTGOING_HEADER_MOST)
		str_adds(&in, "0123456789");
	feed(r, str_span(&in), true);
	assert_int_equal(r->rc, -1);
	assert_int_equal(r->err.kind, ERR_PERM);
	str_free(&in);
}

static void test_big(void **state)
{
	struct rig *r = *state;
	struct str in;

	str_init(&in, 1 << 20);
	str_adds(&in, WHOLE "\n");
	for (int i = 0; i < 50000; i++)
		str_addf(&in, "line %d\r\n", i);
	feed(r, str_span(&in), true);
	assert_int_equal(r->rc, 0);
	assert_int_equal(r->text.n, in.n - 50000);
	assert_true(span_ends(str_span(&r->text), "\nline 49999\n"));
	str_free(&in);
}

static const char *address(struct rig *r, const char *text)
{
	return outgoing_address(&r->m.out, span_of(text));
}

static void test_complete(void **state)
{
	struct rig *r = *state;

	assert_string_equal(address(r, "x"), "x@a.test");
	assert_string_equal(address(r, "<x@y>"), "x@y");
	assert_string_equal(address(r, "<x>"), "x@a.test");
	assert_string_equal(address(r, "A, \\\"B <x@y> (z)"), "A@a.test");
	assert_string_equal(address(r, "\"A, B\" <x@y> (z)"), "x@y");
	assert_string_equal(address(r, "<>"), "");
	assert_string_equal(address(r, " "), "");
	assert_null(address(r, "x@"));
	assert_null(address(r, "x y"));
	assert_null(address(r, "x@y\n> SIZE=1"));
	assert_string_equal(outgoing_account(&r->m.out, SPAN("w \"d")),
			"\"w \\\"d\"@a.test");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same),
		TEST(test_missing),
		TEST(test_recipients),
		TEST(test_many),
		TEST(test_header_too_long),
		TEST(test_big),
		TEST(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
