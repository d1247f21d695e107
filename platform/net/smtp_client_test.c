#include "net/smtp_client_test.h"

/* -- tests -- */

static void test_one_message(void **state)
{
	struct fixture *f = *state;

	RUN(f, HELLO, "<250 mx.b.test",
		">MAIL FROM:<me@a.test>", "!quiet", "<250 2.1.0 fine",
		">RCPT TO:<one@b.test>", "!quiet", "<250 2.1.5 fine",
		">DATA", "!quiet", "<354 go", "*", "<250 2.6.0 taken", BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->result[0].kind, ERR_NONE);
	assert_int_equal(f->result[0].code, 250);
	assert_string_equal(f->result[0].enhanced, "2.6.0");
	assert_string_equal(f->result[0].text, "taken");
	assert_string_equal(f->data, "Subject: x\r\n\r\n..hi\r\n.\r\n");
}

static void test_pipelining(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 3;
	f->message.eight_bit = true;
	f->messages = 2;
	RUN(f, HELLO, "<250-mx.b.test", "<250-PIPELINING", "<250-8bitmime",
		"<250 SIZE 1000",
		">MAIL FROM:<me@a.test> SIZE=19 BODY=8BITMIME",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">DATA",
		"<250 2.1.0 fine", "<250 ok", "<550-5.1.1 no such", "<550 5.1.1 user",
		"<452 4.2.2 full", "<354 go", "*", "<250 taken",
		">MAIL FROM:<me@a.test> SIZE=19 BODY=8BITMIME",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">DATA",
		"<250 ok", "<250 ok", "<250 ok", "<250 ok", "<354 go", "*",
		"<450 4.7.1 later", BYE);
	expect_end(f, ERR_NONE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(f->results[i], 2);
		assert_int_equal(f->result[i].kind, ERR_TEMP);
		assert_string_equal(f->result[i].enhanced, "4.7.1");
	}
	assert_int_equal(f->ready, 3);
}

static void test_recipients_differ(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 3;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">DATA",
		"<250 ok", "<250 ok", "<550-5.1.1 no", "<550 5.1.1 user",
		"<452 4.2.2 full", "<354 go", "*", "<250 taken", BYE);
	expect_results(f, 3);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->result[0].kind, ERR_NONE);
	assert_int_equal(f->result[1].kind, ERR_PERM);
	assert_string_equal(f->result[1].enhanced, "5.1.1");
	assert_string_equal(f->result[1].text, "no user");
	assert_int_equal(f->result[2].kind, ERR_TEMP);
	assert_int_equal(f->result[2].code, 452);
}

/* RFC 2920 3.1: 354 although nobody is left. */
static void test_lone_dot(void **state)
{
	struct fixture *f = *state;

	f->messages = 2;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">DATA",
		"<250 ok", "<550 no", "<354 go", ">.", "<554 no recipients",
		">MAIL FROM:<me@a.test>", ">RCPT TO:<one@b.test>", ">DATA",
		"<250 ok", "<550 no", "<503 no recipients",
		">RSET", "<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[0], 2);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	assert_int_equal(f->result[0].code, 550);
}

static void test_sender_refused(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	f->messages = 2;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>", ">DATA",
		"<451 4.7.1 grey", "<503 no", "<250 ok?", "<354 go", ">.",
		"<250 what",
		">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>", ">DATA",
		"<550 5.7.1 no", "<503 no", "<503 no", "<503 no", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[1], 2);
	assert_int_equal(f->result[1].code, 550);
}

static void test_without_pipelining_nothing_is_wasted(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	f->messages = 2;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<550 no",
		">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<450 a", ">RCPT TO:<two@b.test>",
		"<550 b", ">RSET", "<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->result[0].code, 450);
	assert_int_equal(f->result[1].code, 550);
}

static void test_data_refused(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>", ">DATA",
		"<250 ok", "<250 ok", "<550 no", "<451 4.3.0 not now",
		">RSET", "<250 ok", BYE);
	expect_results(f, 2);
	assert_int_equal(f->result[0].code, 451);
	assert_int_equal(f->result[1].code, 550);
}

static void test_helo(void **state)
{
	struct fixture *f = *state;

	f->message.eight_bit = true;
	RUN(f, "<220-old", "<220 server", ">EHLO a.test", "<502 what?",
		">HELO a.test", "<250 hi", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<251 forwarded", ">DATA", "<354 go",
		"*", "<250 ok", BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_lmtp(void **state)
{
	struct fixture *f = *state;

	f->target.lmtp = true;
	f->message.nrcpt = 4;
	f->message.spool_id = "abc123";
	f->message.again = true;
	RUN(f, "<220 deliver", ">LHLO a.test", "<250-deliver", "<250-XSPOOL",
		"<250 PIPELINING", ">MAIL FROM:<me@a.test> XSPOOL=abc123,again",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">RCPT TO:<four@b.test>", ">DATA",
		"<250 ok", "<250 ok", "<550 no", "<250 ok", "<250 ok", "<354 go",
		"*", "<250 2.1.5 one", "<452 4.2.2 full", "<250 2.1.5 four", BYE);
	expect_results(f, 4);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->result[0].text, "one");
	assert_int_equal(f->result[1].code, 550);
	assert_int_equal(f->result[2].code, 452);
	assert_string_equal(f->result[3].text, "four");
}

/*
 * RFC 5321 3.4: each line of a 551 is told before the result, of others none.
 */
static void test_moved(void **state)
{
	struct fixture *f = *state;

	f->target.lmtp = true;
	f->message.nrcpt = 3;
	RUN(f, "<220 deliver", ">LHLO a.test", "<250-deliver",
		"<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<250 ok", "<250 ok", "<354 go", "*", "<550-no", "<550 never",
		"<551-5.1.6 a@b.test", "<551-5.1.6 |bob#~1@c.test",
		"<551 5.1.6 Forwarded", "<250-ok", "<250 ok", BYE);
	expect_results(f, 3);
	assert_string_equal(f->moved, "5.1.6 a@b.test|5.1.6 |bob#~1@c.test|");
	assert_int_equal(f->result[1].code, 551);
}

/* RFC 3461: its parameters are for who offers it, and for nobody else. */
static void test_dsn(void **state)
{
	static const char *const rcpt[] = { "NOTIFY=NEVER", NULL };
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	f->message.dsn = "RET=FULL ENVID=x";
	f->message.rcpt_dsn = rcpt;
	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test", "<250-PIPELINING",
		"<250 dsn", ">MAIL FROM:<me@a.test> RET=FULL ENVID=x",
		">RCPT TO:<one@b.test> NOTIFY=NEVER", ">RCPT TO:<two@b.test>",
		">DATA", "<250 ok", "<250 ok", "<250 ok", "<354 go", "*",
		"<250 ok", BYE);
	expect_results(f, 2);
}

static void test_no_dsn(void **state)
{
	static const char *const rcpt[] = { "NOTIFY=NEVER" };
	struct fixture *f = *state;

	f->message.dsn = "RET=FULL ENVID=x";
	f->message.rcpt_dsn = rcpt;
	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test",
		"<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<354 go", "*", "<250 ok", BYE);
	expect_results(f, 1);
}

#define UE "\xc3\xbc"

/* RFC 6531: said to who offers it, and only when something needs it. */
static void test_utf8(void **state)
{
	static const char *const rcpt[] = { "j" UE "@b" UE "cher.test",
		"one@b.test" };
	static const char *const dsn[] = { "ORCPT=utf-8;j" UE "@b", NULL };
	struct fixture *f = *state;

	f->message.rcpt = rcpt;
	f->message.rcpt_dsn = dsn;
	f->message.nrcpt = 2;
	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test", "<250-PIPELINING",
		"<250-DSN", "<250 SMTPUTF8", ">MAIL FROM:<me@a.test> SMTPUTF8",
		">RCPT TO:<j" UE "@b" UE "cher.test> ORCPT=utf-8;j" UE "@b",
		">RCPT TO:<one@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<250 ok", "<354 go", "*", "<250 ok", BYE);
	expect_results(f, 2);
	assert_int_equal(f->result[0].kind, ERR_NONE);
}

static void test_utf8_not_needed(void **state)
{
	struct fixture *f = *state;

	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test", "<250-PIPELINING",
		"<250 smtputf8", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<one@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<354 go", "*", "<250 ok", BYE);
	expect_results(f, 1);
}

static void test_utf8_header(void **state)
{
	struct fixture *f = *state;

	f->message.utf8_header = true;
	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test", "<250-PIPELINING",
		"<250 SMTPUTF8", ">MAIL FROM:<me@a.test> SMTPUTF8",
		">RCPT TO:<one@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<354 go", "*", "<250 ok", BYE);
	expect_results(f, 1);
}

/* Domains have another form, and ORCPT has; local parts have not. */
static void test_utf8_not_offered(void **state)
{
	static const char *const rcpt[] = { "j" UE "@b.test",
		"one@B" UE "cher.test", "two@b.test", "x\xfc@b.test" };
	static const char *const dsn[] = { NULL, "ORCPT=utf-8;j" UE "@b", NULL,
		NULL };
	struct fixture *f = *state;

	f->message.sender = "me@" UE ".test";
	f->message.rcpt = rcpt;
	f->message.rcpt_dsn = dsn;
	f->message.nrcpt = 4;
	RUN(f, "<220 b.test", ">EHLO a.test", "<250-b.test", "<250-PIPELINING",
		"<250 DSN", ">MAIL FROM:<me@xn--tda.test>",
		">RCPT TO:<one@xn--bcher-kva.test> ORCPT=utf-8;j\\x{FC}@b",
		">RCPT TO:<two@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<250 ok", "<354 go", "*", "<250 ok", BYE);
	expect_results(f, 4);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	assert_string_equal(f->result[0].enhanced, "5.6.7");
	assert_int_equal(f->result[1].kind, ERR_NONE);
	assert_int_equal(f->result[2].kind, ERR_NONE);
	assert_string_equal(f->result[3].enhanced, "5.1.3");
}

static void test_utf8_sender_not_offered(void **state)
{
	struct fixture *f = *state;

	f->message.sender = "j" UE "@a.test";
	RUN(f, HELLO, "<250 b.test", BYE);
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	assert_string_equal(f->result[0].enhanced, "5.6.7");
}

/* The address is the nearer reason. */
static void test_utf8_all_not_offered(void **state)
{
	static const char *const rcpt[] = { "j" UE "@b.test", "one@b.test" };
	struct fixture *f = *state;

	f->message.utf8_header = true;
	f->message.rcpt = rcpt;
	f->message.nrcpt = 2;
	RUN(f, HELLO, "<250 b.test", BYE);
	expect_results(f, 2);
	assert_string_equal(f->result[0].enhanced, "5.6.7");
	assert_string_equal(f->result[1].enhanced, "5.6.9");
}

static void test_utf8_header_not_offered(void **state)
{
	struct fixture *f = *state;

	f->message.utf8_header = true;
	RUN(f, HELLO, "<250 b.test", BYE);
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	assert_string_equal(f->result[0].enhanced, "5.6.9");
}

static void test_lmtp_breaks_between_replies(void **state)
{
	struct fixture *f = *state;

	f->target.lmtp = true;
	f->message.nrcpt = 2;
	RUN(f, "<220 deliver", ">LHLO a.test", "<250 PIPELINING",
		">MAIL FROM:<me@a.test>", ">RCPT TO:<one@b.test>",
		">RCPT TO:<two@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<250 ok", "<354 go", "*", "<250 one", "!close");
	expect_results(f, 2);
	assert_int_equal(f->result[0].kind, ERR_NONE);
	assert_int_equal(f->result[1].kind, ERR_TEMP);
	assert_true(f->result[1].maybe);
	expect_end(f, ERR_TEMP);
}

static void test_lost_after_the_dot(void **state)
{
	struct fixture *f = *state;

	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*",
		"!reset");
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_TEMP);
	assert_int_equal(f->result[0].code, 0);
	assert_true(f->result[0].maybe);
	expect_end(f, ERR_TEMP);
}

static void test_lost_before_the_dot(void **state)
{
	struct fixture *f = *state;

	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "!reset");
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_TEMP);
	assert_false(f->result[0].maybe);
}

static void test_421_at_any_moment(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<421 4.3.2 going down", "!close");
	expect_results(f, 2);
	assert_int_equal(f->result[1].code, 421);
	assert_int_equal(f->result[1].kind, ERR_TEMP);
	assert_int_equal(f->end.code, 421);
	expect_end(f, ERR_TEMP);
}

static void test_421_for_a_greeting_and_after_the_dot(void **state)
{
	struct fixture *f = *state;

	RUN(f, "<421 busy", "!close");
	expect_results(f, 0);
	assert_int_equal(f->end.code, 421);
	f->gone = false;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*",
		"<421 no", "!close");
	assert_int_equal(f->result[0].code, 421);
	assert_false(f->result[0].maybe);
}

static void test_greeting_554(void **state)
{
	struct fixture *f = *state;

	RUN(f, "<554 5.7.1 not you", "!close");
	expect_results(f, 0);
	expect_end(f, ERR_PERM);
	assert_int_equal(f->end.code, 554);
	assert_string_equal(f->end.text, "not you");
}

static void test_garbage(void **state)
{
	static const char *const bad[] = {
		"<HTTP/1.1 200 OK", "<", "<22", "<220_x", "<999 x", "<099 x",
		"<2x0 x", "<220\001"
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const script[] = { bad[i], "!close", NULL };

		f->gone = false;
		run(f, script);
		expect_end(f, ERR_PROTO);
	}
	f->gone = false;
	RUN(f, "<220-a", "<250 b", "!close");
	expect_end(f, ERR_PROTO);
}

static void test_replies_without_end(void **state)
{
	struct fixture *f = *state;
	const char *script[402];
	char line[5000];

	for (int i = 0; i < 400; i++)
		script[i] = "<220-and more";
	script[400] = NULL;
	run(f, script);
	assert_int_equal(f->end.kind, ERR_PROTO);
	memset(line, 'x', sizeof(line));
	memcpy(line, "<220 ", 5);
	line[sizeof(line) - 1] = '\0';
	f->gone = false;
	run(f, (const char *const[]){ line, NULL });
	assert_int_equal(f->end.kind, ERR_PROTO);
	line[2000] = '\0';
	f->gone = false;
	f->messages = 0;
	run(f, (const char *const[]){ line, ">EHLO a.test", "<250 x", BYE,
			NULL });
	expect_end(f, ERR_NONE);
}

static void test_replies_that_do_not_fit(void **state)
{
	struct fixture *f = *state;

	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<354 go", "!close");
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_PROTO);
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<250 ok",
		"!close");
	assert_int_equal(f->result[0].kind, ERR_PROTO);
	assert_int_equal(f->data_n, 0);
	f->gone = false;
	f->stay = true;
	RUN(f, HELLO, "<250 mx", "!quiet", "<250 by the way", "!close");
	expect_end(f, ERR_PROTO);
}

static void test_bytes_of_a_reply_are_made_harmless(void **state)
{
	struct fixture *f = *state;

	RUN(f, "!raw", "554 a\033[1m\200b\tc\n", "!close");
	assert_string_equal(f->end.text, "a?[1m?b?c");
}

static void test_too_big(void **state)
{
	struct fixture *f = *state;

	f->message.nrcpt = 2;
	RUN(f, HELLO, "<250-mx", "<250 SIZE 18", BYE);
	expect_results(f, 2);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	assert_int_equal(f->result[0].code, 552);
	assert_string_equal(f->result[1].enhanced, "5.3.4");
	expect_end(f, ERR_NONE);
}

static void test_addresses_that_are_never_sent(void **state)
{
	static const char *const bad[RCPTS] = {
		"a@b.test\r\nRCPT TO:<x@y>", "a\001@b.test", "a@b.test>", "a@",
		"j\303\266rg@b.test", "fine@b.test", "", "a@b .test"
	};
	struct fixture *f = *state;

	f->message.rcpt = bad;
	f->message.nrcpt = RCPTS;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<me@a.test>",
		">RCPT TO:<fine@b.test>", ">DATA", "<250 ok", "<250 ok",
		"<354 go", "*", "<250 ok", BYE);
	expect_results(f, RCPTS);
	for (int i = 0; i < RCPTS; i++)
		assert_int_equal(f->result[i].kind, i == 5 ? ERR_NONE : ERR_PERM);
	expect_end(f, ERR_NONE);
}

static void test_bad_sender(void **state)
{
	struct fixture *f = *state;

	f->message.sender = "a\n@b";
	RUN(f, HELLO, "<250 mx", BYE);
	expect_results(f, 1);
	assert_string_equal(f->result[0].enhanced, "5.1.7");
}

static void test_quoting(void **state)
{
	static const char *const odd[] = {
		"\"a b\"@b.test", "a b@b.test", "a\"\\b@b.test", "postmaster",
		"a..b@b.test", "x@y@b.test", "u@[192.0.2.1]", "a>@b.test"
	};
	struct fixture *f = *state;

	f->message.sender = "";
	f->message.rcpt = odd;
	f->message.nrcpt = 8;
	RUN(f, HELLO, "<250-mx", "<250 PIPELINING", ">MAIL FROM:<>",
		">RCPT TO:<\"a b\"@b.test>", ">RCPT TO:<\"a b\"@b.test>",
		">RCPT TO:<\"a\\\"\\\\b\"@b.test>", ">RCPT TO:<postmaster>",
		">RCPT TO:<\"a..b\"@b.test>", ">RCPT TO:<\"x@y\"@b.test>",
		">RCPT TO:<u@[192.0.2.1]>", ">RCPT TO:<\"a>\"@b.test>", ">DATA",
		"<250 ok", "<250 ok", "<250 ok", "<250 ok", "<250 ok", "<250 ok",
		"<250 ok", "<250 ok", "<250 ok", "<354 go", "*", "<250 ok", BYE);
	expect_results(f, 8);
	expect_end(f, ERR_NONE);
}

static void test_line_ends(void **state)
{
	struct fixture *f = *state;

	body(f, "a\n.\nb\r\n.c", 9);
	f->message.lf_lines = true;
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	assert_string_equal(f->data, "a\r\n..\r\nb\r\n..c\r\n.\r\n");
	body(f, "", 0);
	f->data_n = 0;
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	assert_string_equal(f->data, ".\r\n");
	expect_end(f, ERR_NONE);
}

static void test_large_message_with_back_pressure(void **state)
{
	struct fixture *f = *state;
	size_t n = 3000000;
	char *text = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' :
			(char)('a' + i % 23);
	body(f, text, n);
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->result[0].kind, ERR_NONE);
	assert_memory_equal(f->data, text, n);
	free(text);
}

static void test_reply_in_the_middle_of_the_message(void **state)
{
	struct fixture *f = *state;
	size_t n = 16 << 20;		/* more than all buffers on the way */
	char *text = malloc(n);
	int small = 4096;

	setsockopt(f->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	memset(text, 'x', n);
	memcpy(text + n - 2, "\r\n", 2);
	body(f, text, n);
	free(text);
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "!stop",
		"<552 5.3.4 enough", "!reset");
	expect_results(f, 1);
	assert_int_equal(f->result[0].code, 552);
	expect_end(f, ERR_PERM);
}

static void test_file_too_short(void **state)
{
	struct fixture *f = *state;

	f->message.size = 40;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*");
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_TEMP);
	assert_false(f->result[0].maybe);
	assert_true(f->gone);
	assert_null(strstr(f->data_n ? f->data : "", "\r\n.\r\n"));
}

static void test_abort_inside_callbacks(void **state)
{
	struct fixture *f = *state;

	f->abort_on_result = true;
	f->message.nrcpt = 2;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<550 no");
	assert_int_equal(f->results[0], 1);
	assert_int_equal(f->results[1], 0);
	assert_false(f->gone);
	f->abort_on_ready = true;
	RUN(f, HELLO, "<250 mx");
	assert_false(f->gone);
}

static void test_nobody_listens(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in *in = (void *)&f->target.addr;

	in->sin_port = htons(1);
	RUN(f, NULL);
	assert_int_equal(f->end.kind, ERR_TEMP);
	assert_string_equal(f->end.enhanced, "4.4.1");
	f->gone = false;
	f->target.addr.ss_family = AF_UNSPEC;
	f->target.unix_path = "/nonexistent/socket";
	RUN(f, NULL);
	assert_int_equal(f->end.kind, ERR_TEMP);
	assert_non_null(strstr(f->end.text, "No such file"));
}

static void test_peer_hangs_up_while_idle(void **state)
{
	struct fixture *f = *state;

	f->stay = true;
	RUN(f, HELLO, "<250 mx", ">MAIL FROM:<me@a.test>", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*",
		"!raw", "250 ok\r\n421 too long idle\r\n", "!close");
	expect_results(f, 1);
	assert_int_equal(f->result[0].kind, ERR_NONE);
	assert_int_equal(f->end.code, 421);
}

/* -- TLS -- */

static void test_starttls(void **state)
{
	struct fixture *f = *state;

	with_tls(f, "yes");
	with_password(f);
	f->target.tls = CONF_TLS_STARTTLS;
	f->target.verify = true;
	/* what was offered in plain counts no more, and an injected reply neither */
	RUN(f, HELLO, "<250-mx", "<250-PIPELINING", "<250 STARTTLS",
		">STARTTLS", "!raw", "220 go\r\n250 injected\r\n", "!tls",
		">EHLO a.test", "<250-mx", "<250-STARTTLS", "<250 AUTH PLAIN",
		">AUTH PLAIN " PLAIN, "<235 in", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_implicit_tls(void **state)
{
	struct fixture *f = *state;

	with_tls(f, "yes");
	f->target.tls = CONF_TLS_TLS;
	f->target.verify = true;
	RUN(f, "!tls", HELLO, "<250 mx", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_wrong_certificate(void **state)
{
	struct fixture *f = *state;

	with_tls(f, "yes");
	f->target.tls = CONF_TLS_TLS;
	f->target.verify = true;
	f->target.name = "other.test";
	RUN(f, "!tls");
	expect_results(f, 0);
	assert_int_equal(f->end.kind, ERR_TEMP);
	assert_true(f->end.tls_failed);
	assert_string_equal(f->end.enhanced, "4.7.5");
}

static void test_tls_required_and_not_there(void **state)
{
	struct fixture *f = *state;

	with_tls(f, NULL);
	f->target.tls = CONF_TLS_STARTTLS;
	RUN(f, HELLO, "<250 mx", "!quiet", "!close");
	expect_results(f, 0);
	assert_int_equal(f->end.kind, ERR_TEMP);
	f->gone = false;
	RUN(f, HELLO, "<250 STARTTLS", ">STARTTLS", "<502 no", "!close");
	assert_int_equal(f->end.kind, ERR_TEMP);
	assert_int_equal(f->end.code, 502);
}

static void test_opportunistic_tls(void **state)
{
	struct fixture *f = *state;

	with_tls(f, NULL);
	f->target.tls = CONF_TLS_MAY;
	f->target.verify = true;	/* means nothing with MAY */
	RUN(f, HELLO, "<250 STARTTLS", ">STARTTLS", "<220 go", "!tls",
		">EHLO a.test", "<250 mx", SEND, BYE);
	expect_end(f, ERR_NONE);
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250 STARTTLS", ">STARTTLS", "<454 not now", SEND, BYE);
	expect_end(f, ERR_NONE);
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	expect_end(f, ERR_NONE);
	f->gone = false;
	RUN(f, HELLO, "<250 STARTTLS", ">STARTTLS", "<220 go", "<not tls",
		"!close");
	assert_int_equal(f->end.kind, ERR_TEMP);
	assert_true(f->end.tls_failed);
}

/* -- the password file -- */

static int password(const char *text, size_t n, mode_t mode, char *out,
		size_t size)
{
	char path[] = "/tmp/smtp_client_testXXXXXX";
	int fd = mkstemp(path), rc;
	struct err err;

	assert_int_equal(write(fd, text, n), n);
	fchmod(fd, mode);
	close(fd);
	rc = smtp_password(path, out, size, &err);
	unlink(path);
	return rc;
}

static void test_password_file(void **state)
{
	char out[16];
	struct err err;

	(void)state;
	assert_int_equal(password("top secret\r\nx\n", 14, 0600, out, 16), 0);
	assert_string_equal(out, "top secret");
	assert_int_equal(password("x", 1, 0640, out, 16), 0);
	assert_int_equal(password("x", 1, 0644, out, 16), -1);
	assert_int_equal(password("x", 1, 0602, out, 16), -1);
	assert_int_equal(password("\n", 1, 0600, out, 16), -1);
	assert_int_equal(password("", 0, 0600, out, 16), -1);
	assert_int_equal(password("a\0b", 3, 0600, out, 16), -1);
	assert_int_equal(password("0123456789abcdef", 16, 0600, out, 16), -1);
	assert_int_equal(smtp_password("/", out, 16, &err), -1);
	assert_int_equal(smtp_password("/nonexistent", out, 16, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_message),
		TEST(test_pipelining),
		TEST(test_recipients_differ),
		TEST(test_lone_dot),
		TEST(test_sender_refused),
		TEST(test_without_pipelining_nothing_is_wasted),
		TEST(test_data_refused),
		TEST(test_helo),
		TEST(test_lmtp),
		TEST(test_moved),
		TEST(test_dsn),
		TEST(test_no_dsn),
		TEST(test_utf8),
		TEST(test_utf8_not_needed),
		TEST(test_utf8_header),
		TEST(test_utf8_not_offered),
		TEST(test_utf8_sender_not_offered),
		TEST(test_utf8_header_not_offered),
		TEST(test_utf8_all_not_offered),
		TEST(test_lmtp_breaks_between_replies),
		TEST(test_lost_after_the_dot),
		TEST(test_lost_before_the_dot),
		TEST(test_421_at_any_moment),
		TEST(test_421_for_a_greeting_and_after_the_dot),
		TEST(test_greeting_554),
		TEST(test_garbage),
		TEST(test_replies_without_end),
		TEST(test_replies_that_do_not_fit),
		TEST(test_bytes_of_a_reply_are_made_harmless),
		TEST(test_too_big),
		TEST(test_addresses_that_are_never_sent),
		TEST(test_bad_sender),
		TEST(test_quoting),
		TEST(test_line_ends),
		TEST(test_large_message_with_back_pressure),
		TEST(test_reply_in_the_middle_of_the_message),
		TEST(test_file_too_short),
		TEST(test_abort_inside_callbacks),
		TEST(test_nobody_listens),
		TEST(test_peer_hangs_up_while_idle),
		TEST(test_starttls),
		TEST(test_implicit_tls),
		TEST(test_wrong_certificate),
		TEST(test_tls_required_and_not_there),
		TEST(test_opportunistic_tls),
		cmocka_unit_test(test_password_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
