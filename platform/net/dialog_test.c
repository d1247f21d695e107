#include "net/dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/str.h"

/* A small protocol whose replies name the handler that ran. */
enum { ANY = 3, HELLO = 1, MAIL = 2 };

static struct loop *loop;
static struct dialog *dialog;
static int peer;
static int events[CONN_ERROR + 1];
static int idle_seen;

static void hello(struct dialog *d, void *session, struct span args)
{
	assert_ptr_equal(session, &dialog);
	conn_printf(d->conn, "hello(%.*s)\n", SPAN_ARG(args));
	d->state = MAIL;
}

static void mail(struct dialog *d, void *session, struct span args)
{
	(void)session;
	conn_printf(d->conn, "mail(%.*s)\n", SPAN_ARG(args));
	idle_seen += dialog_idle(d);
}

static void noop(struct dialog *d, void *session, struct span args)
{
	(void)session;
	(void)args;
	conn_puts(d->conn, "noop\n");
}

static void wait(struct dialog *d, void *session, struct span args)
{
	(void)session;
	dialog_hold(d);
	conn_puts(d->conn, "wait\n");
	if (args.n)
		dialog_go(d);
}

static void text_line(struct dialog *d, void *session, struct span line,
		enum conn_line how)
{
	(void)session;
	conn_printf(d->conn, "line%d(%.*s)\n", how, SPAN_ARG(line));
	if (span_is(line, "."))
		d->line = NULL;
}

static void text(struct dialog *d, void *session, struct span args)
{
	(void)session;
	(void)args;
	d->line = text_line;
}

/* Raw bytes up to a "#". */
static void raw_bytes(struct dialog *d, void *session)
{
	struct span in = conn_peek(d->conn);
	size_t n = span_find(in, '#');

	(void)session;
	conn_printf(d->conn, "raw(%.*s)\n", (int)n, in.p);
	if (n < in.n)
		d->raw = NULL;
	conn_skip(d->conn, n + 1);
}

static void data(struct dialog *d, void *session, struct span args)
{
	(void)session;
	(void)args;
	conn_printf(d->conn, "data%d\n", d->early);
	d->raw = raw_bytes;
}

static void quit(struct dialog *d, void *session, struct span args)
{
	(void)session;
	(void)args;
	conn_puts(d->conn, "bye\n");
	dialog_end(d);
	free(d);			/* at once: nobody may touch it again */
	dialog = NULL;
}

static const struct dialog_row rows[] = {
	{ "HELLO", hello, HELLO, DIALOG_NEED_ARG },
	{ "MAIL", mail, MAIL, 0 },
	{ "NOOP", noop, ANY, DIALOG_NO_ARG },
	{ "WAIT", wait, ANY, 0 },
	{ "TEXT", text, ANY, DIALOG_NO_ARG },
	{ "DATA", data, ANY, DIALOG_LAST },
	{ "QUIT", quit, ANY, DIALOG_LAST },
	{ NULL, NULL, 0, 0 }
};

static void fault(struct dialog *d, void *session, enum dialog_fault what,
		const struct dialog_row *row)
{
	static const char *const names[] = {
		"unknown", "state", "arg", "long", "bare", "bytes"
	};

	(void)session;
	conn_printf(d->conn, "%s %s\n", names[what], row ? row->verb : "-");
}

static void event(void *session, enum conn_event e)
{
	assert_ptr_equal(session, &dialog);
	events[e]++;
	if (e == CONN_EOF || e == CONN_ERROR) {
		dialog_end(dialog);
		free(dialog);
		dialog = NULL;
	}
}

static const struct dialog_spec spec = {
	rows, 32, fault, event, NULL, NULL
};

static int set_up(void **state)
{
	struct conn *c;
	int fd[2];

	(void)state;
	loop = loop_new(NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		return -1;
	peer = fd[1];
	memset(events, 0, sizeof(events));
	idle_seen = 0;
	c = conn_new(loop, fd[0], NULL, NULL);
	dialog = malloc(sizeof(*dialog));
	dialog_init(dialog, c, &spec, &dialog, HELLO);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (dialog)
		dialog_end(dialog);
	free(dialog);
	dialog = NULL;
	close(peer);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	loop_free(loop);
	return 0;
}

static void turns(int n)
{
	while (n--)
		loop_turn(loop, 0);
}

static void say(struct span s)
{
	assert_int_equal(send(peer, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static void expect(const char *s)
{
	static char heard[70000];
	ssize_t n = recv(peer, heard, sizeof(heard) - 1, 0);

	heard[n > 0 ? n : 0] = '\0';
	assert_string_equal(heard, s);
}

static void test_rows(void **state)
{
	static const struct {
		struct span in;
		const char *out;
	} cases[] = {
		{ SPAN("MAIL x\r\n"), "state MAIL\n" },
		{ SPAN("HELLO\r\n"), "arg HELLO\n" },
		{ SPAN("HELLO  \t\r\n"), "arg HELLO\n" },
		{ SPAN("HELLOX a\r\n"), "unknown -\n" },
		{ SPAN("HELL\r\n"), "unknown -\n" },
		{ SPAN("\r\n"), "unknown -\n" },
		{ SPAN(" NOOP\r\n"), "unknown -\n" },
		{ SPAN("hElLo\ta b \t \r\n"), "hello(a b)\n" },
		{ SPAN("HELLO again\r\n"), "state HELLO\n" },
		{ SPAN("mail FROM:<x>\r\n"), "mail(FROM:<x>)\n" },
		{ SPAN("MAIL\r\n"), "mail()\n" },
		{ SPAN("noop \r\n"), "noop\n" },
		{ SPAN("NOOP 1\r\n"), "arg NOOP\n" },
		{ SPAN("MAIL \xc3\xa4\r\n"), "mail(\xc3\xa4)\n" },
		{ SPAN("MAIL a\0b\r\n"), "bytes -\n" },
		{ SPAN("MA\x1bIL\r\n"), "bytes -\n" },
		{ SPAN("NOOP\x7f\r\n"), "bytes -\n" },
		{ SPAN("NOOP\n"), "bare -\n" },
		{ SPAN("NO\rOP\r\n"), "bare -\n" },
		{ SPAN("MAIL 890123456789012345678901\r\n"), "mail(890"
			"123456789012345678901)\n" },
		{ SPAN("MAIL 89012345678901234567890123\r\n"), "long -\n" }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(cases[i].in);
		turns(2);
		expect(cases[i].out);
	}
}

static void test_pipeline(void **state)
{
	(void)state;
	say(SPAN("HELLO a\r\nMAIL 1\r\nMAIL 2\r\nnoop\r\n"));
	turns(1);				/* one turn, one write */
	expect("hello(a)\nmail(1)\nmail(2)\nnoop\n");
	assert_int_equal(idle_seen, 0);
	say(SPAN("MAIL 1\r\nMAIL 2\r\nNOO"));
	turns(2);
	assert_int_equal(idle_seen, 1);
	say(SPAN("P\r\n"));
	turns(2);
	expect("mail(1)\nmail(2)\nnoop\n");
}

static void test_hold(void **state)
{
	(void)state;
	say(SPAN("WAIT\r\nNOOP\r\n"));
	turns(4);
	expect("wait\n");
	dialog_go(dialog);
	expect("");
	turns(2);
	expect("noop\n");
	say(SPAN("WAIT not\r\nNOOP\r\n"));	/* answered inside the call */
	turns(3);
	expect("wait\nnoop\n");
}

static void test_line_mode(void **state)
{
	(void)state;
	say(SPAN("TEXT\r\nNOOP\r\nx\n.\r\nNOOP\r\n"));
	turns(2);
	expect("line1(NOOP)\nline3(x)\nline1(.)\nnoop\n");
	say(SPAN("TEXT\r\n123456789012345678901234567890123456\r\n.\r\n"));
	turns(2);
	expect("line1(123456789012345678901234567890123456)\nline1(.)\n");
}

static void test_raw_mode(void **state)
{
	(void)state;
	say(SPAN("DATA\r\n"));
	turns(2);
	say(SPAN("NOOP\r\n"));
	turns(2);
	say(SPAN("a#NOOP\r\nDATA\r\n#DATA\r\nx"));
	turns(2);
	expect("data0\nraw(NOOP\r\n)\nraw(a)\nnoop\n"
			"data1\nraw()\ndata1\nraw(x)\n");
}

static void test_end_frees(void **state)
{
	(void)state;
	say(SPAN("NOOP\r\nQUIT\r\nNOOP\r\nNOOP\r\n"));
	turns(3);
	expect("noop\nbye\n");
	assert_null(dialog);
}

static void test_eof(void **state)
{
	(void)state;
	say(SPAN("NOOP\r\nNOOP"));
	shutdown(peer, SHUT_WR);
	turns(4);
	expect("noop\n");
	assert_int_equal(events[CONN_EOF], 1);
	assert_null(dialog);
}

/*
 * 10000 commands in one go: neither recursion nor a turn for itself alone,
 * nor replies without bound when nobody reads them.
 */
static void test_flood(void **state)
{
	static char heard[200000];
	struct str all;
	size_t sent = 0, n = 0;
	int i;

	(void)state;
	str_init(&all, 200000);
	for (i = 0; i < 10000; i++)
		str_adds(&all, "NOOP\r\n");
	for (i = 0; i < 100000 && n < 10000 * 5; i++) {
		ssize_t r = send(peer, all.p + sent, all.n - sent,
				MSG_NOSIGNAL);

		sent += r > 0 ? r : 0;
		loop_turn(loop, 0);
		assert_true(conn_out_pending(dialog->conn) <=
				CONN_OUT_MARK + 100);
		if (i < 100)
			continue;	/* until then it does not read */
		do {
			r = recv(peer, heard + n, 33 * 5, 0);
			n += r > 0 ? r : 0;
		} while (r > 0);
	}
	assert_int_equal(n, 10000 * 5);
	str_free(&all);
}

static void test_turns_are_fair(void **state)
{
	char block[512 * 6 + 1] = "", heard[10000];
	int i;

	(void)state;
	for (i = 0; i < 512; i++)
		memcpy(block + i * 6, "NOOP\r\n", 6);
	say(span_make(block, 512 * 6));
	for (i = 1; i <= 16; i++) {
		turns(1);
		assert_int_equal(recv(peer, heard, sizeof(heard), 0), 32 * 5);
	}
	turns(1);
	assert_int_equal(recv(peer, heard, sizeof(heard), 0), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_rows), T(test_pipeline), T(test_hold),
		T(test_line_mode), T(test_raw_mode), T(test_end_frees),
		T(test_eof), T(test_flood), T(test_turns_are_fair)
	};

	return cmocka_run_group_tests_name("net/dialog", tests, NULL, NULL);
}
