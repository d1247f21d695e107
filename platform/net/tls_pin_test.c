#include "net/tls_pins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "config.h"
#include "os/file.h"

/* Handshakes between a server of ours and a client that expects something. */

static char dir[32], cert[64], key[64];
static unsigned char der[2048], hash[32];
static size_t der_n;
static struct tls_ctx *server, *client;

static int make(void **state)
{
	struct span lines, line;
	struct str pem, text;
	struct err err;

	(void)state;
	if (!CFG_TLS_POLICY)
		return 0;
	memcpy(dir, "/tmp/pin_testXXXXXX", 20);
	if (!mkdtemp(dir))
		return -1;
	snprintf(cert, sizeof(cert), "%s/pem", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	str_init(&pem, 10000);
	str_init(&text, 10000);
	if (tls_make_cert(cert, key, "a.example", &err) ||
			file_read(AT_FDCWD, cert, &pem, &err))
		return -1;
	lines = str_span(&pem);
	while (lines.n) {
		line = span_cut(&lines, '\n');
		if (!span_starts(line, "-----"))
			str_add(&text, line);
	}
	der_n = (size_t)base64_get(der, sizeof(der), str_span(&text));
	sha256(hash, span_make((char *)der, der_n));
	str_free(&pem);
	str_free(&text);
	server = tls_server(cert, key, &err);
	return server ? 0 : -1;
}

static int clean(void **state)
{
	(void)state;
	unlink(cert);
	unlink(key);
	rmdir(dir);
	tls_ctx_free(server);
	return 0;
}

static int fresh_client(void **state)
{
	struct err err;

	(void)state;
	client = CFG_TLS_POLICY ? tls_client(NULL, &err) : NULL;
	return 0;
}

static int drop_client(void **state)
{
	(void)state;
	tls_ctx_free(client);
	return 0;
}

/* 1: both through; TLS_ERROR: the client refused. fault: what it says. */
static int shake(const char *name, const struct tls_expect *e,
		enum tls_fault *fault)
{
	struct tls *a, *b;
	struct err err;
	int fd[2], ra = TLS_WANT_READ, rb = TLS_WANT_READ;
	char c;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				fd), 0);
	a = tls_new(server, fd[0], NULL, TLS_NO_VERIFY, &err);
	b = tls_new(client, fd[1], name, TLS_VERIFY, &err);
	assert_non_null(a);
	assert_non_null(b);
	if (e)
		tls_expect(b, e);
	for (int i = 0; i < 50 && (ra != 1 || rb != 1) && rb != TLS_ERROR;
			i++) {
		if (ra != 1)
			ra = tls_handshake(a, &err);
		if (rb != 1)
			rb = tls_handshake(b, &err);
	}
	/* TLS 1.3: the ticket comes now */
	if (rb == 1) {
		tls_write(a, "x", 1, &err);
		tls_read(b, &c, 1, &err);
	}
	*fault = tls_fault(b);
	tls_free(a);
	tls_free(b);
	close(fd[0]);
	close(fd[1]);
	return rb;
}

static void expect(const char *name, struct tls_pin p, enum tls_fault want)
{
	struct tls_expect e = { .pins = &p, .npins = 1 };
	enum tls_fault got;

	assert_int_equal(shake(name, &e, &got), want ? TLS_ERROR : 1);
	assert_int_equal(got, want);
}

#define PIN(usage, selector, matching, data, n) \
	(struct tls_pin){ usage, selector, matching, \
		span_make((const char *)(data), n) }

static void pins(void **state)
{
	unsigned char wrong[32];

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	memcpy(wrong, hash, sizeof(wrong));
	wrong[31] ^= 1;
	expect("a.example", PIN(3, 0, 0, der, der_n), TLS_FAULT_NONE);
	expect("a.example", PIN(3, 0, 1, hash, 32), TLS_FAULT_NONE);
	/* no name of its own counts */
	expect("other.example", PIN(3, 0, 1, hash, 32), TLS_FAULT_NONE);
	expect("a.example", PIN(3, 0, 1, wrong, 32), TLS_FAULT_PIN);
	expect("a.example", PIN(3, 0, 1, hash, 31), TLS_FAULT_PIN);
	expect("a.example", PIN(3, 1, 1, hash, 32), TLS_FAULT_PIN);
	expect("a.example", PIN(3, 0, 0, der, der_n - 1), TLS_FAULT_PIN);
	/* a server's own certificate is no signer */
	expect("a.example", PIN(2, 0, 1, hash, 32), TLS_FAULT_PIN);
	expect("a.example", PIN(2, 0, 0, der, der_n), TLS_FAULT_PIN);
	expect("a.example", PIN(2, 0, 0, "garbage", 7), TLS_FAULT_PIN);
}

/* A session that was good for one expectation is none for another. */
static void sessions(void **state)
{
	unsigned char wrong[32] = { 1 };

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	for (int i = 0; i < 3; i++) {
		expect("a.example", PIN(3, 0, 1, hash, 32), TLS_FAULT_NONE);
		expect("a.example", PIN(3, 0, 1, wrong, 32), TLS_FAULT_PIN);
	}
	/* nor for the bundle, of which there is none */
	assert_int_equal(shake("a.example", NULL, &(enum tls_fault){ 0 }),
			TLS_ERROR);
}

static void notes(void **state)
{
	struct tls_expect e = { .note = true };
	enum tls_fault fault;

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	/* each time anew: nothing would be seen of a session taken up again */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(shake("a.example", &e, &fault), 1);
		assert_int_equal(fault, TLS_FAULT_SIGNER);
	}
	/* and none of them counts as verified */
	assert_int_equal(shake("a.example", NULL, &fault), TLS_ERROR);
}

static void names(void **state)
{
	struct err err;
	struct tls_expect e = { .names = { "b.example", "a.example" } };
	enum tls_fault fault;

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	assert_int_equal(tls_add_bundle(client, cert, &err), 0);
	assert_int_equal(shake("c.example", &e, &fault), 1);
	e.names[1] = NULL;
	assert_int_equal(shake("c.example", &e, &fault), TLS_ERROR);
	assert_int_equal(fault, TLS_FAULT_NAME);
	assert_int_equal(shake("a.example", &e, &fault), 1);
}

static void shared(void **state)
{
	struct conf_hash two = { NULL, { 2 } }, one = { &two, { 1 } };
	struct tls_pins *s;
	struct tls_pin p = PIN(3, 1, 0, "abc", 3);

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	s = tls_pins_of(&one);
	assert_int_equal(s->expect.npins, 4);
	assert_int_equal(s->expect.pins[3].selector, 1);
	assert_int_equal(s->expect.pins[3].data.p[0], 2);
	assert_int_equal(tls_pins_add(s, &p), -1);
	for (int i = 0; i < TLS_NAMES_MOST + 2; i++)
		tls_pins_name(s, "x");
	assert_ptr_equal(tls_pins_hold(s), s);
	tls_pins_drop(s);
	assert_int_equal(s->expect.pins[0].data.p[0], 1);
	tls_pins_drop(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh_client, drop_client)
	const struct CMUnitTest tests[] = {
		T(pins), T(sessions), T(notes), T(names), T(shared)
	};

	return cmocka_run_group_tests(tests, make, clean);
}
