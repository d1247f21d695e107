#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base64.h"
#include "base/sha256.h"
#include "base/str.h"
#include "config.h"
#include "net/conn.h"
#include "os/clock.h"
#include "os/file.h"

/* TLS as the applets see it: two conns over a pair of sockets. */

static const char old_cert[] =	/* 2010 to 2020; old.example, *.wild.example */
"-----BEGIN CERTIFICATE-----\n"
"MIIBZDCCAQqgAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtvbGQuZXhh\n"
"bXBsZTAeFw0xMDAxMDEwMDAwMDBaFw0yMDAxMDEwMDAwMDBaMBYxFDASBgNVBAMM\n"
"C29sZC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENxMUu/kdZnrP\n"
"146JRxBDxH3thoTjUmoMLCZRR+qVrkUEgvk5kalrgHtgOxJhTKbrAQsXDpbBNCM8\n"
"Kjp5m/Z+ZqNJMEcwJgYDVR0RBB8wHYILb2xkLmV4YW1wbGWCDioud2lsZC5leGFt\n"
"cGxlMB0GA1UdDgQWBBR4AvTZ4hPW2TFpesgqJc1X9WBYfjAKBggqhkjOPQQDAgNI\n"
"ADBFAiA6sZMhBWyg1ObjS32XFH9A5q0inJ0uxLclWG5Z6YLpeAIhAPnUnevUq1ff\n"
"j+LD5RpX6RerMqZ/xf5a9ddSVhcMMxtb\n"
"-----END CERTIFICATE-----\n";
static const char old_key[] =
"-----BEGIN EC PRIVATE KEY-----\n"
"MHcCAQEEILSwkBoIwbBwVKUZ9lUY7D9pLfFUk5w+wTqX31/GRfSvoAoGCCqGSM49\n"
"AwEHoUQDQgAENxMUu/kdZnrP146JRxBDxH3thoTjUmoMLCZRR+qVrkUEgvk5kalr\n"
"gHtgOxJhTKbrAQsXDpbBNCM8Kjp5m/Z+Zg==\n"
"-----END EC PRIVATE KEY-----\n";

struct side {
	struct conn *conn;
	int events[CONN_ERROR + 1];
	struct str got;
	size_t to_send;			/* bytes of the pattern to come */
	uint64_t sent;
};

static char dir[32];
static char a_cert[64], a_key[64], b_cert[64], b_key[64], old[64], oldkey[64];
static struct loop *loop;
static struct tls_ctx *server;
static struct tls_ctx *clients[64];	/* freed after their sessions */
static int nclients;
static struct side s, c;		/* server and client */

static void path(char out[64], const char *name)
{
	snprintf(out, 64, "%s/%s", dir, name);
}

static int make_files(void **state)
{
	struct err err;

	(void)state;
	memcpy(dir, "/tmp/tls_testXXXXXX", 20);
	if (!mkdtemp(dir))
		return -1;
	path(a_cert, "a.pem");
	path(a_key, "a.key");
	path(b_cert, "b.pem");
	path(b_key, "b.key");
	path(old, "old.pem");
	path(oldkey, "old.key");
	if (!tls_built())
		return 0;
	file_replace(AT_FDCWD, old, 0644, span_of(old_cert), &err);
	file_replace(AT_FDCWD, oldkey, 0600, span_of(old_key), &err);
	if (tls_make_cert(a_cert, a_key, "a.example", &err) ||
	    tls_make_cert(b_cert, b_key, "b.example", &err))
		return -1;
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(a_cert);
	unlink(a_key);
	unlink(b_cert);
	unlink(b_key);
	unlink(old);
	unlink(oldkey);
	rmdir(dir);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	memset(&s, 0, sizeof(s));
	memset(&c, 0, sizeof(c));
	str_init(&s.got, 10000000);
	str_init(&c.got, 10000000);
	server = tls_built() ? tls_server(a_cert, a_key, NULL) : NULL;
	return 0;
}

static void drop(struct side *x)
{
	if (x->conn)
		conn_abort(x->conn);
	x->conn = NULL;
	str_free(&x->got);
	memset(x->events, 0, sizeof(x->events));
}

static int tear_down(void **state)
{
	(void)state;
	drop(&s);
	drop(&c);
	while (nclients)
		tls_ctx_free(clients[--nclients]);
	tls_ctx_free(server);
	loop_free(loop);
	return 0;
}

static struct tls_ctx *new_client(const char *ca)
{
	struct err err;
	struct tls_ctx *ctx = tls_client(ca, &err);

	if (!ctx)
		fail_msg("%s", err.text);
	clients[nclients++] = ctx;
	return ctx;
}

static unsigned char pattern(uint64_t i)
{
	return i * 7 + i / 251;
}

static void produce(struct side *x)
{
	unsigned char block[977];
	size_t i, n;

	while (x->to_send && conn_out_ready(x->conn)) {
		n = x->to_send < sizeof(block) ? x->to_send : sizeof(block);
		for (i = 0; i < n; i++)
			block[i] = pattern(x->sent++);
		conn_write(x->conn, block, n);
		x->to_send -= n;
	}
}

static void on_event(struct conn *conn, enum conn_event event, void *arg)
{
	struct side *x = arg;

	x->events[event]++;
	if (event == CONN_INPUT) {
		str_add(&x->got, conn_peek(conn));
		conn_skip(conn, SIZE_MAX);
	}
	if (event == CONN_DRAINED || event == CONN_TLS)
		produce(x);
}

static void pair(void)
{
	int fd[2], small = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	s.conn = conn_new(loop, fd[0], on_event, &s);
	c.conn = conn_new(loop, fd[1], on_event, &c);
}

static void turns(int n)
{
	while (n--)
		loop_turn(loop, 0);
}

/* Until both sides are through or one is broken. */
static void shake(struct tls_ctx *client, const char *name, bool verify)
{
	struct err err;
	int i;

	pair();
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	assert_int_equal(conn_starttls(c.conn, client, name, verify, &err), 0);
	for (i = 0; i < 100 && !c.events[CONN_ERROR] && !s.events[CONN_ERROR] &&
			(!s.events[CONN_TLS] || !c.events[CONN_TLS]); i++)
		loop_turn(loop, 10);
	turns(5);
}

static void skip_without_tls(void)
{
	if (!tls_built())
		skip();
}

/* -- certificates -- */

static void test_make_cert(void **state)
{
	struct str pem;
	struct stat st;
	struct err err;

	(void)state;
	skip_without_tls();
	assert_int_equal(stat(a_key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(a_cert, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	str_init(&pem, 10000);
	assert_int_equal(file_read(AT_FDCWD, a_key, &pem, &err), 0);
	assert_non_null(strstr(pem.p, "-----BEGIN EC PRIVATE KEY-----"));
	str_free(&pem);
	assert_int_equal(tls_make_cert(a_cert, a_key, "a,CN=b", &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(tls_make_cert(a_cert, a_key, "", &err), -1);
	assert_int_equal(tls_make_cert("/no/x", "/no/y", "a.example", &err),
			-1);
	assert_non_null(strstr(err.text, "/no/y: "));
}

static void expect_no_server(const char *cert, const char *key,
		const char *text)
{
	struct err err = { 0 };

	assert_null(tls_server(cert, key, &err));
	if (!strstr(err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void test_wrong_files(void **state)
{
	char empty[64];
	struct err err;

	(void)state;
	skip_without_tls();
	path(empty, "empty.pem");
	file_replace(AT_FDCWD, empty, 0644, SPAN("nothing"), &err);
	expect_no_server("/no/cert", a_key, "/no/cert: No such file");
	expect_no_server(a_cert, "/no/key", "/no/key: No such file");
	expect_no_server(empty, a_key, "no certificate in PEM form");
	expect_no_server(a_cert, empty, "no private key in PEM form");
	expect_no_server(a_cert, b_key, "is not the key of the certificate");
	assert_null(tls_client(empty, &err));
	assert_null(tls_client("/no/ca", &err));
	unlink(empty);
}

/* Names of all lengths go through the hand-made SubjectAltName. */
static void test_long_names(void **state)
{
	char cert[64], key[64], name[254];
	size_t n;

	(void)state;
	skip_without_tls();
	path(cert, "long.pem");
	path(key, "long.key");
	for (n = 1; n < sizeof(name); n += 12) {
		struct tls_ctx *client, *plain = server;
		struct err err;
		size_t i;

		for (i = 0; i < n; i++)
			name[i] = i % 40 == 39 && i + 1 < n ? '.' : 'a';
		name[n] = '\0';
		assert_int_equal(tls_make_cert(cert, key, name, &err), 0);
		server = tls_server(cert, key, &err);
		assert_non_null(server);
		client = new_client(cert);
		shake(client, name, true);
		if (c.events[CONN_ERROR])
			fail_msg("%zu: %s", n, conn_error(c.conn)->text);
		drop(&s);
		drop(&c);
		tls_ctx_free(server);
		server = plain;
	}
	unlink(cert);
	unlink(key);
}

/* -- handshakes and verification -- */

static void test_handshake(void **state)
{
	struct tls_ctx *client;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	shake(client, "a.example", false);
	assert_int_equal(s.events[CONN_TLS], 1);
	assert_int_equal(c.events[CONN_TLS], 1);
	assert_true(conn_is_tls(s.conn));
	assert_string_equal(conn_tls_text(s.conn), conn_tls_text(c.conn));
	assert_memory_equal(conn_tls_text(c.conn), "TLSv1.", 6);
	assert_non_null(strstr(conn_tls_text(c.conn), " with TLS"));
	print_message("%s\n", conn_tls_text(c.conn));
	conn_puts(c.conn, "EHLO\r\n");
	turns(4);
	assert_string_equal(str_c(&s.got), "EHLO\r\n");
	conn_puts(s.conn, "250\r\n");
	turns(4);
	assert_string_equal(str_c(&c.got), "250\r\n");
}

static void expect_refused(struct tls_ctx *client, const char *name,
		const char *text)
{
	shake(client, name, true);
	assert_int_equal(c.events[CONN_TLS], 0);
	assert_int_equal(c.events[CONN_ERROR], 1);
	assert_int_equal(conn_error(c.conn)->kind, ERR_PERM);
	if (!strstr(conn_error(c.conn)->text, text))
		fail_msg("\"%s\" is not in \"%s\"", text,
				conn_error(c.conn)->text);
	drop(&s);
	drop(&c);
}

static void test_verify(void **state)
{
	struct tls_ctx *client;

	(void)state;
	skip_without_tls();
	client = new_client(b_cert);
	expect_refused(client, "a.example", "the certificate of a.example is "
			"not signed by a CA that we trust");
	client = new_client(NULL);
	expect_refused(client, "a.example", "not signed by a CA");
	client = new_client(a_cert);
	expect_refused(client, "b.example", "is for another name");
	expect_refused(client, "x.a.example", "is for another name");
	shake(client, "A.Example", true);
	assert_int_equal(c.events[CONN_TLS], 1);
}

static void test_expired(void **state)
{
	struct tls_ctx *client, *plain = server;

	(void)state;
	skip_without_tls();
	server = tls_server(old, oldkey, NULL);
	client = new_client(old);
	expect_refused(client, "old.example",
			"has expired (the clock says 20");
	tls_ctx_free(server);
	server = plain;
}

/* A bundle with noise and many others in front of the right one. */
static void test_bundle(void **state)
{
	char bundle[64];
	struct tls_ctx *client;
	struct str all;
	struct err err;
	int i;

	(void)state;
	skip_without_tls();
	path(bundle, "bundle.pem");
	str_init(&all, 1000000);
	str_adds(&all, "# some words\n");
	for (i = 0; i < 40; i++) {
		str_addf(&all, "Name %d\n=====\n", i);
		assert_int_equal(file_read(AT_FDCWD, b_cert, &all, &err), 0);
	}
	str_adds(&all, "-----BEGIN CERTIFICATE-----\nAAAA");
	for (i = 0; i < 2000; i++)
		str_adds(&all, "AAAAAAAA\n");	/* longer than our buffer */
	str_adds(&all, "\n-----END CERTIFICATE-----\n");
	str_adds(&all, "-----BEGIN CERTIFICATE-----\n!\n"
			"-----END CERTIFICATE-----\r\n");
	file_read(AT_FDCWD, a_cert, &all, &err);
	str_adds(&all, "-----BEGIN CERTIFICATE-----\n");
	assert_false(all.bad);
	file_replace(AT_FDCWD, bundle, 0644, str_span(&all), &err);
	client = new_client(bundle);
	shake(client, "a.example", true);
	assert_int_equal(c.events[CONN_TLS], 1);
	str_free(&all);
	unlink(bundle);
}

static void expect_taken(struct tls_ctx *client, const char *name)
{
	shake(client, name, true);
	if (c.events[CONN_ERROR])
		fail_msg("%s: %s", name, conn_error(c.conn)->text);
	drop(&s);
	drop(&c);
}

static void test_sni(void **state)
{
	struct tls_ctx *a = NULL, *b = NULL, *o = NULL;

	(void)state;
	skip_without_tls();
	assert_int_equal(tls_server_add(server, "b.example", b_cert,
				b_key, NULL), 0);
	assert_int_equal(tls_server_add(server, "*.wild.example", old,
				oldkey, NULL), 0);
	a = new_client(a_cert);
	b = new_client(b_cert);
	o = new_client(old);
	expect_taken(a, "a.example");
	expect_taken(b, "b.example");
	expect_taken(b, "B.EXAMPLE");
	expect_refused(a, "c.example", "another name");	/* got the first */
	expect_refused(o, "x.wild.example", "expired");	/* got the third */
	expect_refused(o, "x.y.wild.example", "name");	/* got the first */
	/* a name goes before a wildcard, wherever it stands */
	assert_int_equal(tls_server_add(server, "b.wild.example", b_cert,
				b_key, NULL), 0);
	expect_refused(b, "b.wild.example", "another name");
	expect_refused(o, "x.wild.example", "expired");
}

/* -- channel bindings -- */

/* RFC 5929 4.1: our certificates are signed with SHA-256. */
static void expect_end_point(const char *cert)
{
	unsigned char der[4096], want[SHA256_SIZE], got[TLS_BINDING_MOST];
	struct span rest, line;
	struct str pem, code;
	struct err err;
	ssize_t n;

	str_init(&pem, 10000);
	str_init(&code, 10000);
	assert_int_equal(file_read(AT_FDCWD, cert, &pem, &err), 0);
	rest = str_span(&pem);
	while (rest.n) {
		line = span_cut(&rest, '\n');
		if (!span_starts(line, "-----"))
			str_add(&code, line);
	}
	n = base64_get(der, sizeof(der), str_span(&code));
	assert_true(n > 0);
	sha256(want, span_make((char *)der, (size_t)n));
	assert_int_equal(conn_binding(s.conn, "tls-server-end-point", got),
			sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	str_free(&pem);
	str_free(&code);
}

/* Who sits at the two ends of one connection knows the same. */
static void expect_both(void)
{
	static const char *const kinds[] = { "tls-exporter",
		"tls-server-end-point" };
	unsigned char one[TLS_BINDING_MOST], two[TLS_BINDING_MOST];
	size_t n;

	if (!CFG_SASL_PLUS_CLIENT) {
		assert_int_equal(conn_binding(c.conn, NULL, one), 0);
		return;
	}
	for (int i = 0; i < 2; i++) {
		n = conn_binding(s.conn, kinds[i], one);
		assert_int_equal(conn_binding(c.conn, kinds[i], two), n);
		assert_memory_equal(one, two, n);
	}
	assert_int_equal(conn_binding(c.conn, "tls-unique", two), 0);
}

static void test_binding(void **state)
{
	unsigned char data[TLS_BINDING_MOST], again[TLS_BINDING_MOST];
	struct tls_ctx *client;
	size_t n;

	(void)state;
	if (!tls_built() || !CFG_SASL_SCRAM)
		skip();
	assert_int_equal(tls_server_add(server, "b.example", b_cert,
				b_key, NULL), 0);
	client = new_client(NULL);
	pair();
	assert_int_equal(conn_binding(s.conn, NULL, data), 0);
	drop(&s);
	drop(&c);
	shake(client, "b.example", false);
	expect_end_point(b_cert);
	drop(&s);
	drop(&c);
	shake(client, "b.example", false);	/* a session resumed */
	expect_end_point(b_cert);
	expect_both();
	drop(&s);
	drop(&c);
	shake(client, "a.example", false);
	expect_end_point(a_cert);
	assert_true(conn_binding(s.conn, NULL, data) >= SHA256_SIZE);
	assert_int_equal(conn_binding(s.conn, "tls-unique", data), 0);
	expect_both();
	/* TLS 1.3: each connection has its own */
	n = conn_binding(s.conn, "tls-exporter", data);
	drop(&s);
	drop(&c);
	shake(client, "a.example", false);
	assert_int_equal(conn_binding(s.conn, "tls-exporter", again), n);
	if (n)
		assert_memory_not_equal(data, again, n);
	drop(&s);
	drop(&c);
	/* two that suit one name: which it is cannot be told */
	assert_int_equal(tls_server_add(server, "b.example", b_cert,
				b_key, NULL), 0);
	shake(client, "b.example", false);
	assert_int_equal(conn_binding(s.conn, "tls-server-end-point", data), 0);
}

/*
 * A session that is taken up again needs no certificate: the CA is taken away
 * in between, so a full handshake would be refused.
 */
static void test_resumption(void **state)
{
	char ca[64];
	struct tls_ctx *client;
	struct str pem;
	struct err err;

	(void)state;
	skip_without_tls();
	path(ca, "ca.pem");
	str_init(&pem, 10000);
	file_read(AT_FDCWD, a_cert, &pem, &err);
	file_replace(AT_FDCWD, ca, 0644, str_span(&pem), &err);
	client = new_client(ca);
	shake(client, "a.example", false);	/* not verified: no use later */
	conn_puts(s.conn, "hello");	/* 1.3: tickets come before it */
	turns(10);
	drop(&s);
	drop(&c);
	assert_int_equal(truncate(ca, 0), 0);
	expect_refused(client, "a.example", "not signed");
	file_replace(AT_FDCWD, ca, 0644, str_span(&pem), &err);

	client = new_client(ca);
	shake(client, "a.example", true);
	assert_int_equal(c.events[CONN_TLS], 1);
	conn_puts(s.conn, "hello");
	turns(10);
	assert_string_equal(str_c(&c.got), "hello");
	drop(&s);
	drop(&c);
	assert_int_equal(truncate(ca, 0), 0);
	expect_taken(client, "a.example");
	expect_refused(client, "b.example", "b.example is");
	str_free(&pem);
	unlink(ca);
}

/* -- data -- */

/* Both ways at once through small socket buffers: every WANT_x there is. */
static void test_data(void **state)
{
	struct tls_ctx *client;
	size_t i, n = 3000000;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	s.to_send = c.to_send = n;
	shake(client, NULL, false);
	for (i = 0; i < 100000 && (s.got.n < n || c.got.n < n); i++)
		loop_turn(loop, 10);
	assert_int_equal(s.got.n, n);
	assert_int_equal(c.got.n, n);
	for (i = 0; i < n; i++) {
		if ((unsigned char)s.got.p[i] != pattern(i) ||
		    (unsigned char)c.got.p[i] != pattern(i))
			fail_msg("differs at %zu", i);
	}
}

/* Decrypted bytes in mbedTLS must not be forgotten over a pause. */
static void test_pause(void **state)
{
	struct tls_ctx *client;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	shake(client, NULL, false);
	conn_pause(s.conn);
	conn_printf(c.conn, "%15000s", "x");
	turns(20);
	assert_int_equal(s.got.n, 0);
	conn_resume(s.conn);
	turns(20);
	assert_int_equal(s.got.n, 15000);
}

static void test_ends(void **state)
{
	struct tls_ctx *client;
	int fd;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	shake(client, NULL, false);
	conn_puts(c.conn, "bye");
	conn_close(c.conn);			/* close_notify */
	c.conn = NULL;
	turns(5);
	assert_string_equal(str_c(&s.got), "bye");
	assert_int_equal(s.events[CONN_EOF], 1);
	drop(&s);
	drop(&c);
	shake(client, NULL, false);
	fd = dup(conn_fd(c.conn));
	conn_abort(c.conn);			/* none */
	c.conn = NULL;
	turns(3);
	assert_int_equal(s.events[CONN_EOF], 0);
	close(fd);
	turns(3);
	assert_int_equal(s.events[CONN_EOF], 1);
	assert_int_equal(s.events[CONN_ERROR], 0);
}

/* -- STARTTLS -- */

static void test_starttls(void **state)
{
	struct tls_ctx *client;
	struct err err;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	pair();
	conn_puts(s.conn, "220 go\r\n");
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	conn_puts(s.conn, "greeting");		/* waits for TLS */
	assert_false(conn_is_tls(s.conn));
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), -1);
	turns(3);
	assert_string_equal(str_c(&c.got), "220 go\r\n");
	assert_int_equal(conn_starttls(c.conn, client, NULL, false, &err), 0);
	turns(20);
	assert_int_equal(c.events[CONN_TLS], 1);
	assert_string_equal(str_c(&c.got), "220 go\r\ngreeting");
	assert_false(conn_had_injection(s.conn));
	assert_false(conn_had_injection(c.conn));
}

/* The reply in plain has to wait for the peer; TLS must not overtake it. */
static void test_starttls_waits(void **state)
{
	struct tls_ctx *client;
	struct err err;
	int i;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	pair();
	conn_pause(c.conn);
	for (i = 0; i < 40; i++)
		conn_printf(s.conn, "%999s\n", "x");
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	conn_puts(s.conn, "under TLS");
	turns(5);
	assert_true(conn_out_pending(s.conn) > 20000);
	conn_resume(c.conn);
	for (i = 0; i < 100 && c.got.n < 40000; i++)
		loop_turn(loop, 10);
	assert_int_equal(c.got.n, 40000);
	assert_int_equal(conn_starttls(c.conn, client, NULL, false, &err), 0);
	turns(20);
	assert_string_equal(c.got.p + 40000, "under TLS");
	assert_int_equal(s.events[CONN_TLS], 1);
}

/* The handshake's first message finds the socket full. */
static void test_handshake_blocked(void **state)
{
	struct tls_ctx *client;
	struct tls *tls;
	struct err err;
	char junk[4096] = "";
	int fd[2];

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				fd), 0);
	while (write(fd[0], junk, sizeof(junk)) > 0)
		;
	tls = tls_new(client, fd[0], "a.example", false, &err);
	assert_int_equal(tls_handshake(tls, &err), TLS_WANT_WRITE);
	assert_int_equal(tls_handshake(tls, &err), TLS_WANT_WRITE);
	while (read(fd[1], junk, sizeof(junk)) > 0)
		;
	assert_int_equal(tls_handshake(tls, &err), TLS_WANT_READ);
	assert_true(read(fd[1], junk, sizeof(junk)) > 100);
	assert_int_equal(junk[0], 22);		/* a handshake record */
	tls_free(tls);
	close(fd[0]);
	close(fd[1]);
}

/* Plain commands behind STARTTLS (CVE-2011-0411) are never seen. */
static void start_in_callback(struct conn *conn, enum conn_event event,
		void *arg)
{
	struct span line;
	struct err err;

	s.events[event]++;
	(void)arg;
	if (event != CONN_INPUT)
		return;
	while (conn_line(conn, 512, &line) == CONN_LINE_OK) {
		str_add(&s.got, line);
		str_addc(&s.got, ';');
		if (!span_is(line, "STARTTLS"))
			continue;
		conn_puts(conn, "220 go\r\n");
		assert_int_equal(conn_starttls(conn, server, NULL, false,
					&err), 0);
	}
}

static void test_injection(void **state)
{
	struct tls_ctx *client;
	struct err err;

	(void)state;
	skip_without_tls();
	client = new_client(NULL);
	pair();
	conn_owner(s.conn, start_in_callback, NULL);
	conn_puts(c.conn, "STARTTLS\r\nRSET\r\nMAIL FR");
	turns(3);
	assert_string_equal(str_c(&c.got), "220 go\r\n");
	assert_int_equal(conn_starttls(c.conn, client, NULL, false, &err), 0);
	turns(20);
	assert_int_equal(s.events[CONN_TLS], 1);
	conn_puts(c.conn, "QUIT\r\n");
	turns(4);
	assert_string_equal(str_c(&s.got), "STARTTLS;QUIT;");
	assert_true(conn_had_injection(s.conn));
}

static void test_not_tls(void **state)
{
	struct err err;

	(void)state;
	skip_without_tls();
	pair();
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	conn_puts(c.conn, "EHLO this is not TLS at all\r\n");
	turns(10);
	assert_int_equal(s.events[CONN_ERROR], 1);
	assert_non_null(strstr(conn_error(s.conn)->text,
				"does not speak TLS"));
	drop(&s);
	drop(&c);
	pair();
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	conn_close(c.conn);
	c.conn = NULL;
	turns(10);
	assert_int_equal(s.events[CONN_ERROR], 1);
	assert_non_null(strstr(conn_error(s.conn)->text, "hung up"));
}

static void test_slow_handshake(void **state)
{
	struct err err;
	int64_t start = clock_ms();

	(void)state;
	skip_without_tls();
	pair();
	conn_timeout(s.conn, 50);
	assert_int_equal(conn_starttls(s.conn, server, NULL, false, &err), 0);
	while (clock_ms() < start + 100 && !s.events[CONN_ERROR])
		loop_turn(loop, 10);
	assert_int_equal(s.events[CONN_ERROR], 1);
	assert_non_null(strstr(conn_error(s.conn)->text, "too long"));
	assert_int_equal(s.events[CONN_TIMEOUT], 0);
}

static void test_without_tls(void **state)
{
	struct err err;

	(void)state;
	if (tls_built())
		skip();
	assert_null(tls_server(a_cert, a_key, &err));
	assert_int_equal(err.kind, ERR_PERM);
	assert_null(tls_client(NULL, &err));
	assert_int_equal(tls_make_cert(a_cert, a_key, "a", &err), -1);
	pair();
	assert_int_equal(conn_starttls(s.conn, NULL, NULL, false, &err), -1);
	conn_puts(s.conn, "still plain");
	turns(3);
	assert_string_equal(str_c(&c.got), "still plain");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_make_cert), T(test_wrong_files), T(test_long_names),
		T(test_handshake), T(test_verify), T(test_expired),
		T(test_bundle), T(test_sni), T(test_binding), T(test_resumption), T(test_data),
		T(test_pause), T(test_ends), T(test_starttls),
		T(test_starttls_waits), T(test_handshake_blocked),
		T(test_injection), T(test_not_tls),
		T(test_slow_handshake),
		T(test_without_tls)
	};

	return cmocka_run_group_tests_name("net/tls", tests, make_files,
			remove_files);
}
