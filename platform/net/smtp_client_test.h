/* smtp_client_test - a server that follows a script sits in the client's loop */
#ifndef NET_SMTP_CLIENT_TEST_H
#define NET_SMTP_CLIENT_TEST_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/smtp_client.h"
#include "net/tls.h"
#include "os/clock.h"

#define RCPTS 8
#define DATA_MOST (4 * 1024 * 1024)

/*
 * Each item of a script is one of
 *	"<text"	the server says it, with CRLF
 *	">text"	the client must say exactly that
 *	"?text"	the client must say a line that begins so
 *	"=octets"	... or exactly these octets, no line
 *	"#N"	takes N octets
 *	"*"	takes the message up to its dot
 *	"!quiet"	the client must not say anything for a moment
 *	"!tls"	handshake
 *	"!close", "!reset"	ends the connection
 *	"!raw"	the next item is sent without CRLF
 *	"!stop"	takes no input for a moment
 */
struct fixture {
	struct loop *loop;
	int listener;
	struct sockaddr_in addr;
	struct loop_watch accept;
	struct loop_timer quiet;
	struct tls_ctx *server_tls, *client_tls;
	char dir[40];

	const char *const *script;
	struct conn *conn;		/* the server's end */
	bool waiting;			/* for !quiet or a handshake */
	char *data;			/* what came as the message, dots and all */
	size_t data_n;
	bool data_done;
	size_t count;			/* left of a "#N" */

	struct smtp_target target;
	struct smtp_client *client;
	struct smtp_message message;
	unsigned messages;		/* to be sent */
	bool abort_on_result, abort_on_ready;
	bool stay;			/* no QUIT */
	int body;

	unsigned ready;
	int results[RCPTS];		/* calls */
	struct smtp_result result[RCPTS];
	bool gone;
	char moved[200];		/* lines of a 551 */
	struct smtp_result end;
};

static const char *const rcpts[RCPTS] = {
	"one@b.test", "two@b.test", "three@b.test", "four@b.test"
};

/* -- the server -- */

static inline void go_on(struct fixture *f);

/* True: the script may go on. */
static inline bool take_line(struct fixture *f, const char *want, bool all)
{
	struct span line;
	enum conn_line how = conn_line(f->conn, CONN_BUFFER, &line);

	if (how == CONN_LINE_NONE)
		return false;
	assert_int_equal(how, CONN_LINE_OK);
	if (all ? !span_eq(line, span_of(want)) : !span_starts(line, want))
		fail_msg("got \"%.*s\", not \"%s\"", SPAN_ARG(line), want);
	return true;
}

static inline bool take_octets(struct fixture *f, const char *want)
{
	struct span in = conn_peek(f->conn), s = span_of(want);

	if (in.n < s.n && in.n < CONN_BUFFER)
		return false;
	if (!span_eq(span_sub(in, 0, s.n), s))
		fail_msg("got \"%.*s\", not \"%s\"", SPAN_ARG(in), want);
	conn_skip(f->conn, s.n);
	return true;
}

static inline bool take_count(struct fixture *f, const char *count)
{
	struct span in = conn_peek(f->conn);

	if (!f->count)
		f->count = strtoul(count, NULL, 10);
	in.n = in.n < f->count ? in.n : f->count;
	f->count -= in.n;
	conn_skip(f->conn, in.n);
	return !f->count;
}

static inline bool take_data(struct fixture *f)
{
	struct span in = conn_peek(f->conn);
	const char *end = "\r\n.\r\n";
	char *at;

	if (f->data_done)
		f->data_n = 0;
	assert_true(f->data_n + in.n < DATA_MOST);
	if (in.n)
		memcpy(f->data + f->data_n, in.p, in.n);
	f->data_n += in.n;
	f->data[f->data_n] = '\0';
	conn_skip(f->conn, in.n);
	at = f->data_n >= 5 ? f->data + f->data_n - 5 : NULL;
	f->data_done = (at && memcmp(at, end, 5) == 0) ||
		(f->data_n == 3 && memcmp(f->data, ".\r\n", 3) == 0);
	return f->data_done;
}

static inline void quiet_over(struct loop_timer *t)
{
	struct fixture *f = container_of(t, struct fixture, quiet);

	if (conn_has_input(f->conn))
		fail_msg("the client said too much: %.*s",
				SPAN_ARG(conn_peek(f->conn)));
	f->waiting = false;
	go_on(f);
}

static inline void act(struct fixture *f, const char *what)
{
	struct err err;

	if (strcmp(what, "close") == 0) {
		conn_close(f->conn);
		f->conn = NULL;
	} else if (strcmp(what, "reset") == 0) {
		struct linger now = { 1, 0 };

		setsockopt(conn_fd(f->conn), SOL_SOCKET, SO_LINGER, &now,
				sizeof(now));
		conn_flush(f->conn);
		conn_abort(f->conn);
		f->conn = NULL;
	} else if (strcmp(what, "tls") == 0) {
		f->waiting = true;
		assert_int_equal(conn_starttls(f->conn, f->server_tls, NULL,
					false, &err), 0);
	} else if (strcmp(what, "quiet") == 0) {
		f->waiting = true;
		loop_timer_set(f->loop, &f->quiet, 50);
	} else if (strcmp(what, "stop") == 0) {
		conn_pause(f->conn);
		f->waiting = true;
		loop_timer_set(f->loop, &f->quiet, 200);
	} else {
		assert_string_equal(what, "raw");
		conn_puts(f->conn, *f->script++);
	}
}

static inline void go_on(struct fixture *f)
{
	while (f->conn && !f->waiting && *f->script) {
		const char *item = *f->script;

		if (strchr(">?", *item) && !take_line(f, item + 1,
					*item == '>'))
			return;
		if (*item == '=' && !take_octets(f, item + 1))
			return;
		if (*item == '#' && !take_count(f, item + 1))
			return;
		if (*item == '*' && !take_data(f))
			return;
		f->script++;
		if (*item == '<')
			conn_printf(f->conn, "%s\r\n", item + 1);
		else if (*item == '!')
			act(f, item + 1);
	}
}

static inline void on_server(struct conn *c, enum conn_event event, void *arg)
{
	struct fixture *f = arg;

	(void)c;
	if (event == CONN_TLS)
		f->waiting = false;
	if (event == CONN_TLS || event == CONN_INPUT)
		go_on(f);
	if (event == CONN_ERROR || event == CONN_EOF) {
		conn_abort(f->conn);
		f->conn = NULL;
	}
}

static inline void on_accept(struct loop_watch *w, unsigned events)
{
	struct fixture *f = container_of(w, struct fixture, accept);
	int fd = accept(w->fd, NULL, NULL);

	(void)events;
	assert_null(f->conn);
	f->conn = conn_new(f->loop, fd, on_server, f);
	if (f->conn)
		go_on(f);
}

/* -- the client's side -- */

static inline void on_ready(void *arg)
{
	struct fixture *f = arg;

	f->ready++;
	if (f->abort_on_ready) {
		smtp_client_abort(f->client);
		f->client = NULL;
		return;
	}
	if (f->messages) {
		f->messages--;
		smtp_client_send(f->client, &f->message);
	} else if (!f->stay) {
		smtp_client_quit(f->client);
	}
}

static inline void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct fixture *f = arg;

	assert_true(rcpt < f->message.nrcpt);
	assert_false(f->gone);
	f->results[rcpt]++;
	f->result[rcpt] = *r;
	if (f->abort_on_result) {
		smtp_client_abort(f->client);
		f->client = NULL;
	}
}

static inline void on_gone(void *arg, const struct smtp_result *r)
{
	struct fixture *f = arg;

	assert_false(f->gone);
	f->gone = true;
	f->end = *r;
	f->client = NULL;
}

static inline void on_moved(void *arg, struct span line)
{
	struct fixture *f = arg;
	size_t n = strlen(f->moved);

	snprintf(f->moved + n, sizeof(f->moved) - n, "%.*s|", SPAN_ARG(line));
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone, on_moved
};

static inline void body(struct fixture *f, const char *text, size_t n)
{
	assert_int_equal(ftruncate(f->body, 0), 0);
	assert_int_equal(pwrite(f->body, text, n, 0), n);
	f->message.size = n;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	socklen_t len = sizeof(f->addr);

	f->loop = loop_new(NULL);
	f->data = malloc(DATA_MOST);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	f->addr.sin_family = AF_INET;
	f->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(f->listener, (void *)&f->addr, len), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	getsockname(f->listener, (void *)&f->addr, &len);
	f->accept.fd = f->listener;
	f->accept.ready = on_accept;
	loop_watch(f->loop, &f->accept, LOOP_READ);
	f->quiet.fire = quiet_over;
	f->body = memfd_create("body", MFD_CLOEXEC);
	f->message = (struct smtp_message){ .sender = "me@a.test", .nrcpt = 1,
		.rcpt = rcpts, .fd = f->body };
	body(f, "Subject: x\r\n\r\n.hi\r\n", 19);
	memcpy(&f->target.addr, &f->addr, sizeof(f->addr));
	f->target.addr_len = sizeof(f->addr);
	f->target.name = "mx.b.test";
	f->target.hello = "a.test";
	f->target.connect_timeout = 5;
	f->messages = 1;
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->client)
		smtp_client_abort(f->client);
	if (f->conn)
		conn_abort(f->conn);
	loop_timer_stop(f->loop, &f->quiet);
	loop_unwatch(f->loop, &f->accept);
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, 0);
	tls_ctx_free(f->server_tls);
	tls_ctx_free(f->client_tls);
	close(f->listener);
	close(f->body);
	loop_free(f->loop);
	free(f->data);
	free(f);
	return 0;
}

static inline void run(struct fixture *f, const char *const *script)
{
	int64_t until = clock_ms() + 8000;

	f->script = script;
	f->client = smtp_client_new(f->loop, &f->target, f->client_tls,
			&events, f);
	assert_non_null(f->client);
	while (f->client && clock_ms() < until)
		loop_turn(f->loop, 50);
	assert_null(f->client);
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, 0);
}

#define RUN(f, ...) do { \
	static const char *const script_[] = { __VA_ARGS__, NULL }; \
	run(f, script_); \
} while (0)

/* Each of the n recipients has one result. */
static inline void expect_results(const struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < RCPTS; i++)
		assert_int_equal(f->results[i], i < n);
}

static inline void expect_end(const struct fixture *f, enum err_kind kind)
{
	assert_true(f->gone);
	if (f->end.kind != kind)
		fail_msg("ended with %d: %d %s", f->end.kind, f->end.code,
				f->end.text);
	assert_true(!f->script || !*f->script);
}

#define HELLO "<220 mx.b.test ESMTP", ">EHLO a.test"
#define BYE ">QUIT", "<221 2.0.0 bye", "!close"

#define SEND ">MAIL FROM:<me@a.test>", "<250 ok", \
	">RCPT TO:<one@b.test>", "<250 ok", ">DATA", "<354 go", "*", "<250 ok"

/* base64 of \0me\0secret, me, secret */
#define PLAIN "AG1lAHNlY3JldA=="
#define LOGIN_USER "bWU="
#define LOGIN_PASSWORD "c2VjcmV0"

static inline void with_password(struct fixture *f)
{
	f->target.user = "me";
	f->target.password = "secret";
}

static inline void with_tls(struct fixture *f, const char *ca)
{
	static const char cert[] = "/tmp/smtp_client_test.pem";
	static const char key[] = "/tmp/smtp_client_test.key";
	struct err err;

	if (!tls_built())
		skip();
	unlink(cert);
	unlink(key);
	assert_int_equal(tls_make_cert(cert, key, "mx.b.test", &err), 0);
	f->server_tls = tls_server(cert, key, &err);
	f->client_tls = tls_client(ca ? cert : NULL, &err);
	unlink(cert);
	unlink(key);
	assert_non_null(f->server_tls);
	assert_non_null(f->client_tls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
