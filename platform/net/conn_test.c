#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/str.h"
#include "net/conn_private.h"
#include "os/clock.h"

/* One side is a conn, the other a plain socket that the test drives. */
static struct loop *loop;
static struct conn *conn;
static int peer;

static int events[CONN_ERROR + 1];
static struct str got;			/* lines as "OK:text;" or raw bytes */
static size_t line_max;			/* 0: raw */
static int lines_a_call;
static void (*hook)(enum conn_event event);

static void take_lines(struct conn *c)
{
	static const char *const names[] = { "NONE", "OK", "LONG", "BARE" };
	struct span line;
	int i;

	for (i = 0; i < lines_a_call; i++) {
		enum conn_line how = conn_line(c, line_max, &line);

		if (how == CONN_LINE_NONE)
			return;
		str_addf(&got, "%s:", names[how]);
		str_add(&got, line);
		str_addc(&got, ';');
	}
}

static void on_event(struct conn *c, enum conn_event event, void *arg)
{
	assert_ptr_equal(arg, &got);
	events[event]++;
	if (event == CONN_INPUT && line_max) {
		take_lines(c);
	} else if (event == CONN_INPUT) {
		str_add(&got, conn_peek(c));
		conn_skip(c, SIZE_MAX);
	}
	if (hook)
		hook(event);
}

static int set_up(void **state)
{
	int fd[2];

	(void)state;
	loop = loop_new(NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		return -1;
	peer = fd[1];
	memset(events, 0, sizeof(events));
	str_init(&got, SIZE_MAX / 2);
	line_max = 512;
	lines_a_call = 100;
	hook = NULL;
	conn = conn_new(loop, fd[0], on_event, &got);
	return !conn;
}

static int tear_down(void **state)
{
	(void)state;
	if (conn)
		conn_abort(conn);
	conn = NULL;
	if (peer >= 0)
		close(peer);
	loop_free(loop);
	str_free(&got);
	return 0;
}

static void turns(int n)
{
	while (n--)
		loop_turn(loop, 0);
}

static void say(const char *s)
{
	assert_int_equal(send(peer, s, strlen(s), MSG_NOSIGNAL), strlen(s));
}

static void expect(const char *s)
{
	assert_string_equal(str_c(&got), s);
	str_clear(&got);
}

/* What the peer hears; "" when nothing. */
static const char *hear(void)
{
	static char text[70000];
	ssize_t n = recv(peer, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool peer_closed(void)
{
	char c;

	return recv(peer, &c, 1, 0) == 0;
}

/* -- lines -- */

static const struct {
	const char *in, *out;
} line_cases[] = {
	{ "HELO x\r\n", "OK:HELO x;" },
	{ "\r\n", "OK:;" },
	{ "a\r\nb\r\n", "OK:a;OK:b;" },
	{ "a\n", "BARE:a;" },
	{ "\n", "BARE:;" },
	{ "a\rb\r\n", "BARE:a\rb;" },
	{ "a\r\r\n", "BARE:a\r;" },
	{ "\ra\n", "BARE:\ra;" },
	{ "a\rb", "" },
	{ "a\r", "" },
	{ "12345678901234\r\n", "OK:12345678901234;" },
	{ "123456789012345\r\nx\r\n", "LONG:;OK:x;" },
	{ "123456789012345\nx\r\n", "BARE:123456789012345;OK:x;" },
	{ "1234567890123456\nx\r\n", "LONG:;OK:x;" },
	{ "12345678901234567890123456789012345\r\nx\r\n", "LONG:;OK:x;" },
	{ "1234567890123456\r1234567890123456\r\rx\r\ny\r\n", "LONG:;OK:y;" },
	{ "1234567890123456\r\n1234567890123456\r\ny\r\n",
		"LONG:;LONG:;OK:y;" }
};

static void test_lines(void **state)
{
	size_t i;

	(void)state;
	line_max = 16;
	for (i = 0; i < sizeof(line_cases) / sizeof(line_cases[0]); i++) {
		say(line_cases[i].in);
		turns(1);
		expect(line_cases[i].out);
		if (!*line_cases[i].out)
			say("\n");
		turns(1);
		str_clear(&got);
	}
}

static void test_lines_byte_by_byte(void **state)
{
	size_t i;

	(void)state;
	line_max = 16;
	for (i = 0; i < sizeof(line_cases) / sizeof(line_cases[0]); i++) {
		const char *p;

		for (p = line_cases[i].in; *p; p++) {
			assert_int_equal(write(peer, p, 1), 1);
			turns(1);
		}
		expect(line_cases[i].out);
		if (!*line_cases[i].out)
			say("\n");
		turns(1);
		str_clear(&got);
	}
}

/* A NUL is a byte as others are; the longest line fills the buffer. */
static void test_line_sizes(void **state)
{
	char line[CONN_BUFFER + 2];

	(void)state;
	line_max = CONN_BUFFER;
	memset(line, 'x', sizeof(line));
	line[7] = '\0';
	memcpy(line + CONN_BUFFER - 2, "\r\n", 2);
	assert_int_equal(write(peer, line, CONN_BUFFER), CONN_BUFFER);
	turns(2);
	assert_int_equal(got.n, CONN_BUFFER - 2 + 4);
	assert_int_equal(got.p[3 + 7], 0);
	str_clear(&got);
	memset(line, 'x', sizeof(line));
	memcpy(line + CONN_BUFFER - 1, "\r\n", 2);
	assert_int_equal(write(peer, line, CONN_BUFFER + 1), CONN_BUFFER + 1);
	say("y\r\n");
	turns(3);
	expect("LONG:;OK:y;");
}

/* What one call leaves comes in the next turns, unless it took nothing. */
static void test_input_again(void **state)
{
	int i;

	(void)state;
	lines_a_call = 2;
	say("1\r\n2\r\n3\r\n4\r\n5\r\n6");
	for (i = 0; i < 10; i++)
		turns(1);
	expect("OK:1;OK:2;OK:3;OK:4;OK:5;");
	assert_int_equal(events[CONN_INPUT], 4);	/* the last finds "6" */
	say("\r\n");
	turns(2);
	expect("OK:6;");
}

/* -- pausing -- */

static void test_pause(void **state)
{
	(void)state;
	conn_pause(conn);
	say("1\r\n");
	turns(3);
	expect("");
	conn_resume(conn);
	expect("");			/* not inside the call */
	turns(2);
	expect("OK:1;");
}

static void pause_now(enum conn_event event)
{
	if (event == CONN_INPUT)
		conn_pause(conn);
}

static void test_pause_with_input(void **state)
{
	(void)state;
	hook = pause_now;
	lines_a_call = 1;
	say("1\r\n2\r\n3");
	turns(3);
	expect("OK:1;");
	assert_true(conn_has_input(conn));
	shutdown(peer, SHUT_WR);
	turns(3);
	assert_int_equal(events[CONN_EOF], 0);
	conn_resume(conn);
	turns(3);
	expect("OK:2;");
	hook = NULL;
	conn_resume(conn);
	turns(3);
	assert_int_equal(events[CONN_EOF], 1);
	assert_memory_equal(conn_peek(conn).p, "3", 1);
}

/* A full buffer that nobody empties stops the reading, not the loop. */
static void test_full_buffer(void **state)
{
	char block[8192];
	struct span line;

	(void)state;
	lines_a_call = 0;
	memset(block, 'x', sizeof(block));
	block[99] = '\n';
	assert_int_equal(write(peer, block, sizeof(block)), sizeof(block));
	turns(5);
	assert_int_equal(conn_peek(conn).n, CONN_BUFFER);
	assert_int_equal(events[CONN_INPUT], 1);
	/* outside of a callback; the line stays good until the loop runs */
	assert_int_equal(conn_line(conn, 512, &line), CONN_LINE_BARE);
	assert_int_equal(line.n, 99);
	assert_int_equal(line.p[98], 'x');
	turns(3);
	assert_int_equal(conn_peek(conn).n, CONN_BUFFER);
	conn_skip(conn, SIZE_MAX);
	turns(3);
	conn_skip(conn, SIZE_MAX);
	turns(3);
	assert_false(conn_has_input(conn));
}

/* -- output -- */

static void test_output(void **state)
{
	(void)state;
	conn_puts(conn, "220 ");
	conn_printf(conn, "%s %d", "hello", 7);
	conn_write(conn, "\r\n", 2);
	assert_int_equal(conn_out_pending(conn), 13);
	assert_string_equal(hear(), "");
	turns(1);
	assert_string_equal(hear(), "220 hello 7\r\n");
	assert_int_equal(conn_out_pending(conn), 0);
	conn_puts(conn, "now");
	conn_flush(conn);
	assert_string_equal(hear(), "now");
	conn_printf(conn, "%s", "");
	conn_write(conn, "", 0);
	assert_int_equal(conn_out_pending(conn), 0);
}

/* Fills the socket, then the buffer. */
static size_t fill(size_t want)
{
	char block[1000];
	size_t n = 0;

	memset(block, 'x', sizeof(block));
	while (conn_out_pending(conn) < want) {
		conn_write(conn, block, sizeof(block));
		conn_flush(conn);
		n += sizeof(block);
	}
	return n;
}

static size_t drain(void)
{
	size_t n = 0;
	const char *s;

	do {
		turns(1);
		s = hear();
		n += strlen(s);
	} while (*s || conn_out_pending(conn));
	return n;
}

static void test_back_pressure(void **state)
{
	size_t n;

	(void)state;
	n = fill(CONN_OUT_MARK - 5000);
	assert_true(conn_out_ready(conn));
	assert_int_equal(drain(), n);
	turns(2);
	assert_int_equal(events[CONN_DRAINED], 0);
	n = fill(CONN_OUT_MARK + 1);
	assert_false(conn_out_ready(conn));
	turns(3);
	assert_int_equal(events[CONN_DRAINED], 0);
	assert_int_equal(drain(), n);
	assert_int_equal(events[CONN_DRAINED], 1);
	turns(3);
	assert_int_equal(events[CONN_DRAINED], 1);
}

static int produced;

static void produce(enum conn_event event)
{
	char block[1000];

	memset(block, 'p', sizeof(block));
	if (event != CONN_DRAINED && event != CONN_INPUT)
		return;
	while (produced < 500 && conn_out_ready(conn)) {
		conn_write(conn, block, sizeof(block));
		produced++;
	}
}

static void test_producer(void **state)
{
	(void)state;
	produced = 0;
	hook = produce;
	say("go\r\n");
	turns(1);
	assert_true(produced < 400);		/* the socket is full */
	assert_int_equal(drain(), 500 * 1000);
	assert_int_equal(events[CONN_ERROR], 0);
}

/* What is made in place, and another mark. */
static void test_room(void **state)
{
	char *to;

	(void)state;
	conn_puts(conn, "a");
	to = conn_room(conn, 20000);
	assert_non_null(to);
	memset(to, 'b', 20000);
	assert_int_equal(conn_out_pending(conn), 1);
	conn_added(conn, 2);
	assert_int_equal(conn_out_pending(conn), 3);
	conn_puts(conn, "c");
	turns(1);
	assert_string_equal(hear(), "abbc");
	conn_out_mark(conn, 2 * CONN_OUT_MARK);
	fill(2 * CONN_OUT_MARK - 1000);
	assert_true(conn_out_ready(conn));
	fill(2 * CONN_OUT_MARK + 1);
	assert_false(conn_out_ready(conn));
	assert_null(conn_room(conn, CONN_OUT_MOST));
	turns(2);
	assert_int_equal(events[CONN_ERROR], 1);
}

static void test_output_most(void **state)
{
	(void)state;
	fill(CONN_OUT_MOST - 2000);
	turns(2);
	assert_int_equal(events[CONN_ERROR], 0);
	fill(CONN_OUT_MOST - 1000);
	conn_write(conn, "", 0);
	conn_printf(conn, "%2000s", "x");
	assert_int_equal(events[CONN_ERROR], 0);	/* it is for later */
	conn_puts(conn, "nothing more");
	turns(2);
	assert_int_equal(events[CONN_ERROR], 1);
	assert_int_equal(conn_error(conn)->kind, ERR_NOMEM);
	assert_int_equal(conn_out_pending(conn), 0);
}

/* -- ends -- */

static void test_eof(void **state)
{
	(void)state;
	say("1\r\n2");
	shutdown(peer, SHUT_WR);
	turns(3);
	expect("OK:1;");
	assert_int_equal(events[CONN_EOF], 1);
	conn_puts(conn, "still here");		/* only half is closed */
	turns(2);
	assert_string_equal(hear(), "still here");
	assert_int_equal(events[CONN_EOF], 1);
	assert_int_equal(events[CONN_ERROR], 0);
}

static void test_write_to_closed(void **state)
{
	(void)state;
	close(peer);
	peer = -1;
	conn_puts(conn, "anybody?");
	turns(3);
	assert_int_equal(events[CONN_EOF] + events[CONN_ERROR], 1);
	conn_puts(conn, "nothing happens");
	turns(2);
}

static void test_close_flushes(void **state)
{
	char all[3000];

	(void)state;
	memset(all, 'x', sizeof(all));
	conn_write(conn, all, sizeof(all));
	conn_close(conn);
	conn = NULL;
	turns(2);
	assert_int_equal(strlen(hear()), 3000);
	assert_true(peer_closed());
	assert_int_equal(events[CONN_EOF], 0);
}

/* Many times the socket's buffer, taken slowly; then a peer that is stuck. */
static void test_close_waits_for_peer(void **state)
{
	size_t n = fill(60000), heard = 0, got_now;

	(void)state;
	conn_close(conn);
	conn = NULL;
	turns(2);
	do {
		got_now = strlen(hear());
		heard += got_now;
		turns(1);
	} while (got_now);
	assert_int_equal(heard, n);
	assert_true(peer_closed());
}

static void test_close_gives_up(void **state)
{
	int64_t start = clock_ms();

	(void)state;
	fill(60000);
	conn_close(conn);
	conn = NULL;
	while (clock_ms() < start + 5100)
		loop_turn(loop, 100);
	/* all that the kernel had, but not the 60000 of the conn */
	while (*hear())
		turns(1);
	assert_true(peer_closed());
}

static void close_now(enum conn_event event)
{
	(void)event;
	conn_puts(conn, "bye");
	conn_close(conn);
	conn = NULL;
}

static void test_close_in_callback(void **state)
{
	(void)state;
	hook = close_now;
	say("1\r\n");
	turns(3);
	assert_string_equal(hear(), "bye");
	assert_true(peer_closed());
	assert_int_equal(events[CONN_INPUT], 1);
}

static void abort_now(enum conn_event event)
{
	(void)event;
	conn_abort(conn);
	conn = NULL;
}

static void test_abort_in_callback(void **state)
{
	(void)state;
	hook = abort_now;
	say("1\r\n2\r\n");
	shutdown(peer, SHUT_WR);
	turns(3);
	assert_int_equal(events[CONN_INPUT], 1);
	assert_int_equal(events[CONN_EOF], 0);
}

/* The last words arrive although the peer is still talking. */
static void test_close_while_peer_talks(void **state)
{
	int i;

	(void)state;
	line_max = 0;
	hook = close_now;
	say("first\r\n");
	turns(1);
	hook = NULL;
	for (i = 0; i < 20; i++) {
		send(peer, "more", 4, MSG_NOSIGNAL);
		turns(1);
	}
	assert_string_equal(hear(), "bye");
	assert_true(peer_closed());
}

/* -- time -- */

static void test_timeout(void **state)
{
	int64_t start = clock_ms();

	(void)state;
	conn_timeout(conn, 60);
	while (clock_ms() < start + 40)
		loop_turn(loop, 5);
	say("x\r\n");				/* moves it */
	while (clock_ms() < start + 80)
		loop_turn(loop, 5);
	assert_int_equal(events[CONN_TIMEOUT], 0);
	while (clock_ms() < start + 120)
		loop_turn(loop, 5);
	assert_int_equal(events[CONN_TIMEOUT], 1);
	conn_timeout(conn, 20);
	conn_timeout(conn, 0);
	while (clock_ms() < start + 170)
		loop_turn(loop, 5);
	assert_int_equal(events[CONN_TIMEOUT], 1);
}

/* -- owners -- */

static void second_owner(struct conn *c, enum conn_event event, void *arg)
{
	int *counts = arg;

	counts[event]++;
	assert_false(conn_owned_by(c, on_event, &got));
	assert_true(conn_owned_by(c, second_owner, arg));
}

static void test_owner(void **state)
{
	int counts[CONN_ERROR + 1] = { 0 };

	(void)state;
	lines_a_call = 1;
	say("1\r\n2\r\n");
	shutdown(peer, SHUT_WR);
	turns(1);
	conn_owner(conn, second_owner, counts);
	turns(3);
	expect("OK:1;");
	assert_int_equal(counts[CONN_INPUT], 1);
	assert_int_equal(counts[CONN_EOF], 1);
}

/* -- TCP: connecting, resets, names of peers -- */

static int tcp_listen(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)addr, &len);
	return fd;
}

static void connect_tcp(void)
{
	struct sockaddr_in addr;
	struct err err;
	int fd = tcp_listen(&addr);

	conn_abort(conn);
	close(peer);
	conn = conn_connect(loop, (struct sockaddr *)&addr, sizeof(addr),
			on_event, &got, &err);
	assert_non_null(conn);
	conn_puts(conn, "early");		/* waits for the connection */
	assert_int_equal(events[CONN_UP], 0);
	loop_turn(loop, 1000);
	assert_int_equal(events[CONN_UP], 1);
	peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	close(fd);
	assert_string_equal(hear(), "early");
}

static void test_connect(void **state)
{
	(void)state;
	connect_tcp();
	assert_string_equal(conn_peer(conn), "[127.0.0.1]");
	say("220 hi\r\n");
	loop_turn(loop, 100);
	expect("OK:220 hi;");
}

static void test_connect_refused(void **state)
{
	struct sockaddr_in addr;
	struct err err;
	struct conn *c;
	int fd = tcp_listen(&addr);

	(void)state;
	close(fd);
	c = conn_connect(loop, (struct sockaddr *)&addr, sizeof(addr),
			on_event, &got, &err);
	assert_non_null(c);
	loop_turn(loop, 1000);
	turns(1);
	assert_int_equal(events[CONN_ERROR], 1);
	assert_string_equal(conn_error(c)->text,
			"connecting to [127.0.0.1]: Connection refused");
	conn_close(c);
	assert_null(conn_connect_unix(loop, "/nowhere", on_event, &got, &err));
	assert_int_equal(err.kind, ERR_TEMP);
}

static void test_reset(void **state)
{
	struct linger hard = { 1, 0 };

	(void)state;
	connect_tcp();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	peer = -1;
	loop_turn(loop, 1000);
	turns(1);
	assert_int_equal(events[CONN_ERROR], 1);
	assert_non_null(strstr(conn_error(conn)->text, "reset"));
}

/* A server that refuses and hangs up while we send: its reason gets through. */
static void test_last_words(void **state)
{
	int i;

	(void)state;
	connect_tcp();
	conn_puts(conn, "MAIL");
	loop_turn(loop, 10);
	say("554 go away\r\n");
	close(peer);				/* with input unread: RST */
	peer = -1;
	usleep(1000);
	for (i = 0; i < 5; i++) {
		conn_puts(conn, "DATA");
		conn_flush(conn);
	}
	loop_turn(loop, 100);
	turns(3);
	expect("OK:554 go away;");
	assert_int_equal(events[CONN_ERROR] + events[CONN_EOF], 1);
}

static void check_peer(int family, const void *addr, const char *text,
		int as_family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct conn *c;

	/* port 9 of nowhere: nobody answers, it is the name that counts */
	v4.sin_port = v6.sin6_port = htons(9);
	assert_int_equal(inet_pton(family, addr, family == AF_INET ?
				(void *)&v4.sin_addr : &v6.sin6_addr), 1);
	c = conn_connect(loop, family == AF_INET ? (void *)&v4 : (void *)&v6,
			family == AF_INET ? sizeof(v4) : sizeof(v6),
			on_event, &got, NULL);
	if (!c)
		return;				/* no such network here */
	assert_string_equal(conn_peer(c), text);
	assert_int_equal(conn_peer_addr(c)->sa_family, as_family);
	conn_abort(c);
}

static void test_peer(void **state)
{
	(void)state;
	assert_string_equal(conn_peer(conn), "[unix]");
	assert_int_equal(conn_peer_addr(conn)->sa_family, AF_UNIX);
	check_peer(AF_INET, "127.0.0.9", "[127.0.0.9]", AF_INET);
	check_peer(AF_INET6, "::1", "[IPv6:::1]", AF_INET6);
	check_peer(AF_INET6, "::ffff:127.0.0.9", "[127.0.0.9]", AF_INET);
}

/* -- memory -- */

/* Seen from inside: an idle conn is its struct and nothing else. */
static void test_idle_memory(void **state)
{
	(void)state;
	conn_timeout(conn, 60000);
	say("NOOP\r\n");
	conn_puts(conn, "250 ok\r\n");
	assert_non_null(conn->out);
	turns(3);
	expect("OK:NOOP;");
	assert_null(conn->in);
	assert_null(conn->out);
	assert_null(conn->error);
	print_message("an idle session's conn: %zu bytes\n", sizeof(*conn));
	assert_true(sizeof(*conn) <= 400);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_lines), T(test_lines_byte_by_byte), T(test_line_sizes),
		T(test_input_again), T(test_pause), T(test_pause_with_input),
		T(test_full_buffer), T(test_output), T(test_back_pressure),
		T(test_producer), T(test_room), T(test_output_most), T(test_eof),
		T(test_write_to_closed), T(test_close_flushes),
		T(test_close_waits_for_peer), T(test_close_gives_up),
		T(test_close_in_callback), T(test_abort_in_callback),
		T(test_close_while_peer_talks), T(test_timeout), T(test_owner),
		T(test_connect), T(test_connect_refused), T(test_reset),
		T(test_last_words), T(test_peer), T(test_idle_memory)
	};

	return cmocka_run_group_tests_name("net/conn", tests, NULL, NULL);
}
