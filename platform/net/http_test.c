#include "net/http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/conn.h"

/* Name servers of our own: any name is at 127.0.0.2 and 127.0.0.1. */
struct dns {
	struct loop *loop;
	bool missing;
};

struct dns_query {
	struct dns *dns;
	struct loop_timer timer;
	enum dns_type type;
	void (*fn)(void *arg, const struct dns_answer *answer);
	void *arg;
};

static void answer(struct loop_timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);
	struct dns_record r[2] = { { .type = DNS_A }, { .type = DNS_A } };
	struct dns_answer a = { .records = r, .status = q->dns->missing ?
		DNS_NXDOMAIN : q->type == DNS_A ? DNS_OK : DNS_NODATA };

	a.count = a.status == DNS_OK ? 2 : 0;
	r[0].ip.a.s_addr = inet_addr("127.0.0.2");
	r[1].ip.a.s_addr = inet_addr("127.0.0.1");
	q->fn(q->arg, &a);
	free(q);
}

struct dns_query *dns_ask(struct dns *d, struct span name, enum dns_type type,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg)
{
	struct dns_query *q = calloc(1, sizeof(*q));

	(void)name;
	q->dns = d;
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	q->timer.fire = answer;
	loop_timer_set(d->loop, &q->timer, 0);
	return q;
}

void dns_cancel(struct dns_query *q)
{
	if (!q)
		return;
	loop_timer_stop(q->dns->loop, &q->timer);
	free(q);
}

/* ---- a server: hears a request, says one thing */

static char cert[64], key[64], other_cert[64], other_key[64];
static struct loop *loop;
static struct dns dns;
static struct tls_ctx *good, *bad, *client;
static struct loop_watch door;
static unsigned port;

static struct {
	struct tls_ctx *ctx;
	const char *says;		/* NULL: nothing */
	bool hangs_up;
	struct conn *conn;
	unsigned sessions;
	char heard[4000];
} server;

static void hear(struct conn *c)
{
	struct span in = conn_peek(c);
	size_t n = strlen(server.heard);

	assert_true(n + in.n < sizeof(server.heard));
	memcpy(server.heard + n, in.p, in.n);
	server.heard[n + in.n] = '\0';
	conn_skip(c, in.n);
	if (!strstr(server.heard, "\r\n\r\n"))
		return;
	if (server.says)
		conn_puts(c, server.says);
	if (!server.hangs_up)
		return;
	conn_close(c);
	server.conn = NULL;
}

static void on_conn(struct conn *c, enum conn_event event, void *arg)
{
	(void)arg;
	if (event == CONN_INPUT) {
		hear(c);
	} else if (event == CONN_EOF || event == CONN_ERROR) {
		conn_close(c);
		server.conn = NULL;
	}
}

static void on_client(struct loop_watch *w, unsigned events)
{
	struct err err;

	(void)events;
	server.sessions++;
	server.conn = conn_new(loop, accept(w->fd, NULL, NULL), on_conn, NULL);
	assert_int_equal(conn_starttls(server.conn, server.ctx, NULL, 0, &err),
			0);
}

static void open_door(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = inet_addr("127.0.0.1") };
	socklen_t n = sizeof(at);

	door.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(door.fd, (void *)&at, n), 0);
	assert_int_equal(listen(door.fd, 5), 0);
	assert_int_equal(getsockname(door.fd, (void *)&at, &n), 0);
	port = ntohs(at.sin_port);
	door.ready = on_client;
	loop_watch(loop, &door, LOOP_READ);
}

/* ---- what came of it */

static struct {
	unsigned calls, status;
	char body[200], type[64];
	struct err err;
} got;

static void done(void *arg, const struct http_reply *r, const struct err *err)
{
	(void)arg;
	got.calls++;
	if (r) {
		got.status = r->status;
		snprintf(got.body, sizeof(got.body), "%.*s",
				SPAN_ARG(r->body));
		snprintf(got.type, sizeof(got.type), "%.*s",
				SPAN_ARG(r->type));
		got.err.kind = ERR_NONE;
	} else {
		got.status = 0;
		got.err = *err;
	}
}

static struct http *ask(const char *path, const char *body)
{
	char url[200];
	struct http_request q = { .method = body ? "POST" : "GET", .url = url,
		.type = body ? "text/x" : NULL, .body = span_of(body),
		.most = 100, .timeout = 1 };
	struct http *h;
	struct err err;

	memset(&got, 0, sizeof(got));
	server.heard[0] = '\0';
	server.sessions = 0;
	snprintf(url, sizeof(url), "https://web.test:%u%s", port, path);
	h = http_start(loop, &dns, client, &q, done, NULL, &err);
	assert_non_null(h);
	assert_int_equal(got.calls, 0);
	return h;
}

static void finish(void)
{
	for (int i = 0; i < 500 && !got.calls; i++)
		loop_turn(loop, 20);
	assert_int_equal(got.calls, 1);
	for (int i = 0; i < 20 && server.conn; i++)
		loop_turn(loop, 5);
}

static void serve(struct tls_ctx *ctx, const char *says, bool hangs_up)
{
	server.ctx = ctx;
	server.says = says;
	server.hangs_up = hangs_up;
}

static void asked(void **state)
{
	(void)state;
	serve(good, "HTTP/1.1 200 OK\r\nContent-Type: text/y\r\n"
			"Content-Length: 2\r\n\r\nhi", false);
	/* the first address refuses, the second is good */
	ask("/a?b=c", "x=y");
	finish();
	assert_int_equal(got.status, 200);
	assert_string_equal(got.body, "hi");
	assert_string_equal(got.type, "text/y");
	assert_ptr_equal(strstr(server.heard, "POST /a?b=c HTTP/1.1\r\n"
				"Host: web.test:"), server.heard);
	assert_non_null(strstr(server.heard, "\r\nContent-Length: 3\r\n"));
	assert_non_null(strstr(server.heard, "\r\n\r\nx=y"));
	ask("?q", NULL);
	finish();
	assert_ptr_equal(strstr(server.heard, "GET /?q HTTP/1.1\r\n"),
			server.heard);
	assert_null(strstr(server.heard, "Content-Length"));
	serve(good, "HTTP/1.0 404 no\r\n\r\nuntil the end", true);
	ask("/", NULL);
	finish();
	assert_int_equal(got.status, 404);
	assert_string_equal(got.body, "until the end");
	/* a redirect is an answer like any other */
	serve(good, "HTTP/1.1 302 x\r\nLocation: https://x/\r\n"
			"Content-Length: 0\r\n\r\n", false);
	ask("/", NULL);
	finish();
	assert_int_equal(got.status, 302);
	assert_int_equal(server.sessions, 1);
}

static void trouble(void **state)
{
	(void)state;
	serve(bad, "HTTP/1.1 200 OK\r\n\r\n", true);
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_PERM);
	assert_string_equal(server.heard, "");
	serve(good, NULL, false);
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_TEMP);
	assert_non_null(strstr(got.err.text, "no answer in time"));
	serve(good, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", true);
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_TEMP);
	assert_int_equal(server.sessions, 1);	/* not asked twice */
	serve(good, "220 mail.test ESMTP\r\n", false);
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_PROTO);
	serve(good, "HTTP/1.1 200 OK\r\n\r\n01234567890123456789012345678901"
			"23456789012345678901234567890123456789012345678901234"
			"56789012345678901234567890", true);
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_NOMEM);
	dns.missing = true;
	ask("/", NULL);
	finish();
	assert_int_equal(got.err.kind, ERR_TEMP);
	dns.missing = false;
}

/* At any moment; a sanitizer sees what was forgotten. */
static void cancelled(void **state)
{
	(void)state;
	serve(good, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", false);
	for (int turns = 0; turns < 40; turns++) {
		struct http *h = ask("/", "body");

		for (int i = 0; i < turns; i++)
			loop_turn(loop, 1);
		http_cancel(h);
		assert_int_equal(got.calls, 0);
		for (int i = 0; i < 20 && server.conn; i++)
			loop_turn(loop, 5);
	}
	http_cancel(NULL);
}

static void bad_urls(void **state)
{
	static const char *const urls[] = {
		"", "http://a/", "https:/a", "https://", "https:///x",
		"https://a:0/", "https://a:65536/", "https://a:x/",
		"https://u@a/", "https://a/b c", "https://a/\r\nX: y",
		"https://a/#b", "https://a\xc3\xa9/", "https://[::1/",
		"ftp://a/", "https://[::1]x/"
	};
	struct http_request q = { .method = "GET", .most = 1, .timeout = 1 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		q.url = urls[i];
		assert_null(http_start(loop, &dns, client, &q, done, NULL,
					&err));
		assert_int_equal(err.kind, ERR_PERM);
	}
}

static int set_up(void **state)
{
	static char dir[] = "/tmp/http_testXXXXXX";
	struct err err;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(cert, sizeof(cert), "%s/a.pem", dir);
	snprintf(key, sizeof(key), "%s/a.key", dir);
	snprintf(other_cert, sizeof(cert), "%s/b.pem", dir);
	snprintf(other_key, sizeof(key), "%s/b.key", dir);
	loop = dns.loop = loop_new(&err);
	if (tls_make_cert(cert, key, "web.test", &err) < 0 ||
			tls_make_cert(other_cert, other_key, "web.test", &err))
		return -1;
	good = tls_server(cert, key, &err);
	bad = tls_server(other_cert, other_key, &err);
	client = tls_client(cert, &err);
	open_door();
	return good && bad && client ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_unwatch(loop, &door);
	close(door.fd);
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 1);
	loop_free(loop);
	tls_ctx_free(good);
	tls_ctx_free(bad);
	tls_ctx_free(client);
	unlink(cert);
	unlink(key);
	unlink(other_cert);
	unlink(other_key);
	*strrchr(cert, '/') = '\0';
	return rmdir(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked), cmocka_unit_test(trouble),
		cmocka_unit_test(cancelled), cmocka_unit_test(bad_urls),
	};

	if (!tls_built())
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
