/* How the message goes out: BDAT, conversion, lines that are too long. */
#include "net/smtp_client_test.h"

#include "config.h"

#define CHUNKING_BODY "Subject: x\r\n\r\n.hi\r\n"		/* 19 */
#define TO ">MAIL FROM:<me@a.test>", ">RCPT TO:<one@b.test>"

/* -- BDAT -- */

static void with_chunking(void)
{
	if (!CFG_SMTP_CHUNKING)
		skip();
}

/* Not before a recipient is taken; no dot is doubled; no DATA. */
static void test_bdat(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	f->message.nrcpt = 2;
	f->messages = 2;
	RUN(f, HELLO, "<250-mx", "<250-PIPELINING", "<250 CHUNKING", TO,
		">RCPT TO:<two@b.test>", "<250 ok", "<250 ok", "!quiet",
		"<550 5.1.1 no", "=BDAT 19 LAST\r\n" CHUNKING_BODY,
		"<250 taken", TO, ">RCPT TO:<two@b.test>", "<250 ok",
		"<550 no", "<450 no", ">RSET", "<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[0], 2);
	assert_int_equal(f->result[0].code, 550);
	assert_int_equal(f->result[1].code, 450);
}

static void test_bdat_without_pipelining(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	f->message.head = "Date: today\r\n";
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING",
		">MAIL FROM:<me@a.test>", "!quiet", "<250 ok",
		">RCPT TO:<one@b.test>", "!quiet", "<250 ok",
		"=BDAT 32 LAST\r\nDate: today\r\n" CHUNKING_BODY,
		"<250 taken", BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 1);
}

/* RFC 3030 2: behind a failure only RSET makes the state certain. */
static void test_bdat_refused(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", ">MAIL FROM:<me@a.test>",
		"<250 ok", ">RCPT TO:<one@b.test>", "<250 ok",
		"=BDAT 19 LAST\r\n" CHUNKING_BODY, "<554 5.6.0 no", ">RSET",
		"<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->result[0].kind, ERR_PERM);
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", ">MAIL FROM:<me@a.test>",
		"<250 ok", ">RCPT TO:<one@b.test>", "<250 ok",
		"=BDAT 19 LAST\r\n" CHUNKING_BODY, "<354 go", "!close");
	expect_end(f, ERR_PROTO);
}

static void test_bdat_lmtp(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	f->target.lmtp = true;
	f->message.nrcpt = 3;
	RUN(f, "<220 mx LMTP", ">LHLO a.test", "<250-mx", "<250-PIPELINING",
		"<250-8BITMIME", "<250 CHUNKING", TO, ">RCPT TO:<two@b.test>",
		">RCPT TO:<three@b.test>", "<250 ok", "<250 ok", "<550 no",
		"<250 ok", "=BDAT 19 LAST\r\n" CHUNKING_BODY, "<250 one",
		"<452 4.2.2 full", BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 3);
	assert_string_equal(f->result[0].text, "one");
	assert_int_equal(f->result[1].code, 550);
	assert_int_equal(f->result[2].code, 452);
}

/* What is not counted beforehand, and what lacks its last line end. */
static void test_no_bdat(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	f->message.lf_lines = true;
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", SEND, BYE);
	expect_end(f, ERR_NONE);
	f->gone = false;
	f->messages = 1;
	f->message.lf_lines = false;
	body(f, "a\r\n\r\nb", 6);
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", SEND, BYE);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->data, "a\r\n\r\nb\r\n.\r\n");
}

#define MEGA (1024 * 1024)

static void big_body(struct fixture *f, size_t n)
{
	char *text = test_malloc(n);

	for (size_t i = 0; i < n; i++)
		text[i] = "0123456\r\n"[i % 9];
	text[n - 2] = '\r';
	text[n - 1] = '\n';
	body(f, text, n);
	test_free(text);
}

/* The server's end: what BDAT carries is counted, not looked at. */
static void test_chunks(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	big_body(f, 2 * MEGA + 10);
	RUN(f, HELLO, "<250-mx", "<250-PIPELINING", "<250 CHUNKING", TO,
		"<250 ok", "<250 ok", ">BDAT 1048576", "#1048576",
		">BDAT 1048576", "<250 got", "#1048576", ">BDAT 10 LAST",
		"#10", "!quiet", "<250 got", "!quiet", "<250 2.0.0 taken",
		BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 1);
	assert_string_equal(f->result[0].text, "taken");
	/* one after the other */
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", ">MAIL FROM:<me@a.test>",
		"<250 ok", ">RCPT TO:<one@b.test>", "<250 ok",
		">BDAT 1048576", "#1048576", "!quiet", "<250 got",
		">BDAT 1048576", "#1048576", "!quiet", "<250 got",
		">BDAT 10 LAST", "#10", "<250 2.0.0 taken", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[0], 2);
}

static void test_chunk_refused(void **state)
{
	struct fixture *f = *state;

	with_chunking();
	big_body(f, MEGA + 10);
	RUN(f, HELLO, "<250-mx", "<250 CHUNKING", ">MAIL FROM:<me@a.test>",
		"<250 ok", ">RCPT TO:<one@b.test>", "<250 ok",
		">BDAT 1048576", "#1048576", "<552 5.3.4 too big", "!close");
	assert_true(f->gone);
	expect_results(f, 1);
	assert_int_equal(f->result[0].code, 552);
	assert_false(f->result[0].maybe);
	f->gone = false;
	f->messages = 1;
	RUN(f, HELLO, "<250-mx", "<250-PIPELINING", "<250 CHUNKING", TO,
		"<250 ok", "<250 ok", ">BDAT 1048576", "#1048576",
		">BDAT 10 LAST", "#10", "<452 4.3.1 full", "!close");
	assert_int_equal(f->results[0], 2);
	assert_int_equal(f->result[0].code, 452);
}

/* -- all in one flight, to our own deliver -- */

static void to_deliver(struct fixture *f)
{
	static char path[108];
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	with_chunking();
	snprintf(path, sizeof(path), "/tmp/smtp_client_test.%d", getpid());
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	loop_unwatch(f->loop, &f->accept);
	close(f->listener);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->listener, (void *)&un, sizeof(un)), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	f->accept.fd = f->listener;
	loop_watch(f->loop, &f->accept, LOOP_READ);
	f->target.addr.ss_family = AF_UNSPEC;
	f->target.unix_path = path;
	f->target.lmtp = true;
	f->message.spool_id = "id";
	f->message.nrcpt = 2;
}

#define LHLO "<220 d LMTP", ">LHLO a.test", "<250-d", "<250-PIPELINING", \
	"<250-8BITMIME", "<250-XSPOOL", "<250 CHUNKING"
#define FLIGHT ">MAIL FROM:<me@a.test> XSPOOL=id", ">RCPT TO:<one@b.test>", \
	">RCPT TO:<two@b.test>", "=BDAT 19 LAST\r\n" CHUNKING_BODY, "!quiet"

static void test_one_flight(void **state)
{
	struct fixture *f = *state;

	to_deliver(f);
	f->messages = 2;
	RUN(f, LHLO, FLIGHT, "<250 ok", "<250 ok", "<250 ok", "!quiet",
		"<250 one", "!quiet", "<250 two", FLIGHT, "<250 ok",
		"<550 no", "<250 ok", "<450 4.2.2 full", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[0], 2);
	assert_int_equal(f->results[1], 2);
	assert_int_equal(f->result[0].code, 550);
	assert_int_equal(f->result[1].code, 450);
}

static void test_one_flight_for_nobody(void **state)
{
	struct fixture *f = *state;

	to_deliver(f);
	f->messages = 2;
	RUN(f, LHLO, FLIGHT, "<250 ok", "<550 no", "<550 no", "<503 no rcpt",
		">RSET", "<250 ok", FLIGHT, "<451 no", "<503 no", "<503 no",
		"<503 no", BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->results[0], 2);
	assert_int_equal(f->result[0].code, 451);
	f->gone = false;
	f->messages = 1;
	RUN(f, LHLO, FLIGHT, "<250 ok", "<550 no", "<550 no", "<250 what?",
		"!close");
	expect_end(f, ERR_PROTO);
	assert_int_equal(f->result[0].code, 550);
}

/* It may have been taken before any reply was on its way. */
static void test_one_flight_breaks(void **state)
{
	struct fixture *f = *state;

	to_deliver(f);
	RUN(f, LHLO, FLIGHT, "<250 ok", "<550 no", "!close");
	expect_end(f, ERR_TEMP);
	expect_results(f, 2);
	assert_true(f->result[1].maybe);
	assert_int_equal(f->result[0].code, 550);
}

/* -- 8BITMIME and long lines -- */

#define MIME "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"

static void with_narrow(void)
{
	if (!CFG_SMTP_NARROW)
		skip();
}

static void test_downgrade(void **state)
{
	struct fixture *f = *state;

	with_narrow();
	body(f, MIME "\r\n\xe9\r\n.\r\n", 53);
	f->message.eight_bit = true;
	RUN(f, HELLO, "<250-mx", "<250-CHUNKING", "<250 PIPELINING", TO,
		">DATA", "<250 ok", "<250 ok", "<354 go", "*", "<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->data, MIME QP "\r\n=E9\r\n=2E\r\n.\r\n");
	f->gone = false;
	f->messages = 1;
	f->message.lf_lines = true;
	f->message.head = "Date: x\r\n";
	body(f, "X: y\n\n.\xe9\n", 9);
	RUN(f, HELLO, "<250-mx", "<250 SIZE", "?MAIL FROM:<me@a.test> SIZE=",
		"<250 ok", ">RCPT TO:<one@b.test>", "<250 ok", ">DATA",
		"<354 go", "*", "<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->data, "Date: x\r\nX: y\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
		"=2E=E9\r\n.\r\n");
}

/* 8 bits that nobody has spoken of; and 7 bits that somebody has. */
static void test_eight_bit_is_found(void **state)
{
	struct fixture *f = *state;

	with_narrow();
	body(f, "X: y\r\n\r\n\xe9\r\n", 11);
	f->messages = 1;
	RUN(f, HELLO, "<250-mx", "<250 8BITMIME",
		">MAIL FROM:<me@a.test> BODY=8BITMIME", "<250 ok",
		">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*",
		"<250 ok", BYE);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->data, "X: y\r\n\r\n\xe9\r\n.\r\n");
	body(f, "X: y\r\n\r\ne\r\n", 11);
	f->message.eight_bit = true;
	f->messages = 1;
	f->gone = false;
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	expect_end(f, ERR_NONE);
	assert_string_equal(f->data, "X: y\r\n\r\ne\r\n.\r\n");
}

static void test_long_line(void **state)
{
	struct fixture *f = *state;
	char text[1100] = MIME "\r\n";
	size_t n = strlen(text);
	struct span rest, line;

	with_narrow();
	memset(text + n, 'x', 1000);
	memcpy(text + n + 1000, "\r\n", 2);
	body(f, text, n + 1002);
	RUN(f, HELLO, "<250-mx", "<250-CHUNKING", "<250 8BITMIME", SEND, BYE);
	expect_end(f, ERR_NONE);
	rest = span_make(f->data, f->data_n);
	while (rest.n) {
		line = span_cut(&rest, '\n');
		assert_true(line.n <= 77);
	}
	assert_non_null(strstr(f->data, QP));
	/* LMTP takes it as it is */
	f->gone = false;
	f->messages = 1;
	f->target.lmtp = true;
	RUN(f, "<220 mx LMTP", ">LHLO a.test", "<250-mx", "<250 8BITMIME",
		SEND, BYE);
	expect_end(f, ERR_NONE);
	assert_int_equal(f->data_n, n + 1002 + 3);
}

/* More than is looked at in one turn, and a file that is cut meanwhile. */
static void test_look_at_much(void **state)
{
	struct fixture *f = *state;
	size_t n = 3 * MEGA;
	char *text = test_malloc(n);

	with_narrow();
	memset(text, 'x', n);
	for (size_t i = 0; i < n; i += 70)
		text[i] = '\n';
	memcpy(text, "a: b\n\n", 6);
	text[n - 3] = '\xe9';
	body(f, text, n);
	test_free(text);
	f->message.lf_lines = true;
	RUN(f, HELLO, "<250 mx", SEND, BYE);
	expect_end(f, ERR_NONE);
	assert_non_null(strstr(f->data, "xxx=E9xx\r\n.\r\n"));
	f->gone = false;
	f->messages = 1;
	f->message.size = n + 1;
	RUN(f, HELLO, "<250 mx");
	expect_end(f, ERR_TEMP);
	assert_string_equal(f->end.text, "the message cannot be read");
	assert_int_equal(f->results[0], 2);
}

static void test_too_deep(void **state)
{
	struct fixture *f = *state;
	struct str text;

	with_narrow();
	str_init(&text, 10000);
	for (int i = 0; i < 30; i++)
		str_addf(&text, "Content-Type: multipart/x; boundary=b%d\r\n"
				"\r\n--b%d\r\n", i, i);
	str_adds(&text, "\r\n\xe9\r\n");
	body(f, str_c(&text), text.n);
	str_free(&text);
	RUN(f, HELLO, "<250 mx", BYE);
	expect_end(f, ERR_NONE);
	expect_results(f, 1);
	assert_string_equal(f->result[0].enhanced, "5.6.3");
	assert_int_equal(f->result[0].code, 554);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bdat),
		TEST(test_bdat_without_pipelining),
		TEST(test_bdat_refused),
		TEST(test_bdat_lmtp),
		TEST(test_no_bdat),
		TEST(test_chunks),
		TEST(test_chunk_refused),
		TEST(test_one_flight),
		TEST(test_one_flight_for_nobody),
		TEST(test_one_flight_breaks),
		TEST(test_downgrade),
		TEST(test_eight_bit_is_found),
		TEST(test_long_line),
		TEST(test_look_at_much),
		TEST(test_too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
