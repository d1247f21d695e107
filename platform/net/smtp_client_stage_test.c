/* Every stage of a session, and everything a server can do there: each
 * recipient has one result, and the client ends or goes on. */
#include "net/smtp_client_test.h"

enum { GREETING, EHLO, MAIL, RCPT, DATA, DOT, STAGES };

static const char *const good[STAGES] = {
	"<220 mx", "<250 mx", "<250 ok", "<250 ok", "<354 go", "<250 ok"
};
static const char *const says[STAGES] = {
	">EHLO a.test", ">MAIL FROM:<me@a.test>", ">RCPT TO:<one@b.test>",
	">DATA", "*", ">QUIT"
};

/* What it does at one stage, and what must come of it. */
static const struct trick {
	const char *items[3];
	enum err_kind kind;		/* of the message */
	bool ends;			/* the connection does */
} tricks[] = {
	{ { "!close" }, ERR_TEMP, true },
	{ { "!reset" }, ERR_TEMP, true },
	{ { "<421 4.3.2 going down" }, ERR_TEMP, true },
	{ { "<199 what" }, ERR_PROTO, true },
	{ { "<600 what" }, ERR_PROTO, true },
	{ { "<999 what" }, ERR_PROTO, true },
	{ { "<000 what" }, ERR_PROTO, true },
	{ { "<25" }, ERR_PROTO, true },
	{ { "<" }, ERR_PROTO, true },
	{ { "<2500 what" }, ERR_PROTO, true },
	{ { "<250+what" }, ERR_PROTO, true },
	{ { "<\xff\xff\xff" }, ERR_PROTO, true },
	{ { "<250-one", "<251 two" }, ERR_PROTO, true },
	{ { "<250-one", "<550 two" }, ERR_PROTO, true },
	{ { "<250-one", "!close" }, ERR_TEMP, true },
	{ { "!raw", "250 half", "!close" }, ERR_TEMP, true }
};

static void play(struct fixture *f, unsigned stage, const struct trick *t)
{
	const char *script[3 * STAGES + 4];
	unsigned n = 0;

	for (unsigned i = 0; i < stage; i++) {
		script[n++] = good[i];
		script[n++] = says[i];
	}
	for (unsigned i = 0; i < 3 && t->items[i]; i++)
		script[n++] = t->items[i];
	script[n] = NULL;
	memset(f->results, 0, sizeof(f->results));
	f->gone = false;
	f->messages = 1;
	run(f, script);
}

static void expect(struct fixture *f, unsigned stage, const struct trick *t)
{
	bool begun = stage >= MAIL;

	if (!f->gone || f->results[0] != begun)
		fail_msg("%s at %u: %d results", t->items[0], stage,
				f->results[0]);
	if ((begun ? f->result[0].kind : f->end.kind) != t->kind)
		fail_msg("%s at %u: %d %s", t->items[0], stage,
				f->end.kind, f->end.text);
	/* only what may have been taken is said to be so */
	if (begun && f->result[0].maybe && stage != DOT)
		fail_msg("%s at %u: maybe", t->items[0], stage);
	if (stage == DOT && !f->result[0].code && !f->result[0].maybe)
		fail_msg("%s at %u: surely not?", t->items[0], stage);
}

static void test_every_trick_at_every_stage(void **state)
{
	struct fixture *f = *state;

	for (unsigned stage = GREETING; stage < STAGES; stage++) {
		for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]);
				i++) {
			play(f, stage, &tricks[i]);
			expect(f, stage, &tricks[i]);
			if (f->conn)
				conn_abort(f->conn);
			f->conn = NULL;
		}
	}
}

/* 354 where it does not belong, and 250 where 354 does. */
static void test_replies_of_another_stage(void **state)
{
	struct fixture *f = *state;
	static const struct trick more = { { "<354 go" }, ERR_PROTO, true };
	static const struct trick fine = { { "<250 ok" }, ERR_PROTO, true };

	for (unsigned stage = GREETING; stage < STAGES; stage++) {
		if (stage != DATA) {
			play(f, stage, &more);
			expect(f, stage, &more);
		}
		if (stage == GREETING || stage == DATA) {
			play(f, stage, &fine);
			expect(f, stage, &fine);
		}
	}
}

static void test_greeting_without_end(void **state)
{
	struct fixture *f = *state;
	char *big = test_malloc(60000);
	const char *script[] = { "!raw", big, NULL };
	const char *many[120];

	memset(big, 'x', 59999);
	big[59999] = '\0';
	memcpy(big, "220 ", 4);
	run(f, script);
	assert_int_equal(f->end.kind, ERR_PROTO);
	assert_string_equal(f->end.text, "a reply without end");
	test_free(big);
	for (int i = 0; i < 119; i++)
		many[i] = "<220-and on";
	many[119] = NULL;
	f->gone = false;
	run(f, many);
	assert_int_equal(f->end.kind, ERR_PROTO);
}

/* 5xx to DATA behind a recipient that was taken; 4xx and 5xx side by side. */
static void test_mixed_fates(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 4;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">RCPT TO:<four@b.test>", ">DATA",
		"<250 ok", "<450 4.2.1 later", "<550 5.1.1 never", "<251 ok",
		"<252 perhaps", "<554 5.7.1 not this", ">RSET", "<250 ok",
		BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 4);
	assert_int_equal(f->result[0].code, 450);
	assert_int_equal(f->result[1].code, 550);
	assert_int_equal(f->result[2].code, 554);
	assert_int_equal(f->result[3].code, 554);
}

static void test_login_demanded_late(void **state)
{
	struct fixture *f = *state;

	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>",
		"<530 5.7.0 Authentication required", BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 1);
	assert_int_equal(f->result[0].code, 530);
	assert_true(f->result[0].about & SMTP_ABOUT_ANONYMOUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_trick_at_every_stage),
		TEST(test_replies_of_another_stage),
		TEST(test_greeting_without_end),
		TEST(test_mixed_fates),
		TEST(test_login_demanded_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
