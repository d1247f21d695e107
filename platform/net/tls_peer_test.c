#include "net/tls_mbedtls.h"

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
#include "base/sha256.h"
#include "config.h"
#include "os/rand.h"

/* Clients with certificates; their side is mbedTLS with one added by hand. */

static char dir[32], files[4][64];	/* a's certificate and key, b's */
static struct tls_ctx *server, *client;
static struct tls_cert *a, *b;
static struct tls *s, *c;
static struct err err;
static unsigned char known_hash[SHA256_SIZE];

static bool known(const void *arg, const unsigned char hash[32])
{
	assert_ptr_equal(arg, known_hash);
	return memcmp(hash, known_hash, SHA256_SIZE) == 0;
}

static int make_files(void **state)
{
	static const char *const names[] = { "a.pem", "a.key", "b.pem",
		"b.key" };

	(void)state;
	memcpy(dir, "/tmp/tls_peerXXXXXX", 20);
	if (!mkdtemp(dir))
		return -1;
	for (int i = 0; i < 4; i++)
		snprintf(files[i], sizeof(files[i]), "%s/%s", dir, names[i]);
	return tls_make_cert(files[0], files[1], "a.example", &err) ||
		tls_make_cert(files[2], files[3], "b.example", &err);
}

static int remove_files(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		unlink(files[i]);
	return rmdir(dir);
}

static int set_up(void **state)
{
	(void)state;
	server = tls_server(files[0], files[1], &err);
	client = tls_client(NULL, &err);
	a = tls_cert_read(files[0], files[1], &err);
	b = tls_cert_read(files[2], files[3], &err);
	memset(known_hash, 0, sizeof(known_hash));
	return !server || !client || !a || !b ||
		tls_server_clients(server, NULL, known, known_hash, &err);
}

static void drop(void)
{
	if (s)
		close(s->fd);
	if (c)
		close(c->fd);
	tls_free(s);
	tls_free(c);
	s = c = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	drop();
	tls_ctx_free(client);
	tls_ctx_free(server);
	tls_cert_free(a);
	tls_cert_free(b);
	return 0;
}

/* Gives what tls_handshake of the server did in the end. */
static bool judged;		/* the client verifies the server, too */

static int shake(unsigned verify)
{
	char data[16];
	int fd[2], r = TLS_WANT_READ, other = TLS_WANT_READ;
	struct err ignored;

	drop();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				fd), 0);
	s = tls_new(server, fd[0], NULL, verify, &err);
	c = tls_new(client, fd[1], "a.example", judged, &err);
	assert_true(s && c);
	for (int i = 0; i < 50 && r != TLS_ERROR && (r != 1 || other != 1);
			i++) {
		if (other != 1 && other != TLS_ERROR)
			other = tls_handshake(c, &ignored);
		if (r != 1)
			r = tls_handshake(s, &err);
	}
	/* 1.3: the ticket comes behind it */
	if (r == 1 && tls_write(s, "x", 1, &ignored) == 1)
		tls_read(c, data, sizeof(data), &ignored);
	return r;
}

static void show(struct tls_cert *cert, struct tls_cert *key)
{
	assert_int_equal(mbedtls_ssl_conf_own_cert(&client->conf, &cert->chain,
				&key->key), 0);
}

static void hash_of(struct tls_cert *cert, unsigned char hash[SHA256_SIZE])
{
	sha256(hash, span_make((char *)cert->chain.raw.p,
				cert->chain.raw.len));
}

static void test_nobody_is_asked(void **state)
{
	(void)state;
	show(b, b);
	assert_int_equal(shake(TLS_NO_VERIFY), 1);
	assert_null(tls_peer(s));
}

static void test_shown(void **state)
{
	unsigned char hash[SHA256_SIZE];

	(void)state;
	assert_int_equal(shake(TLS_VERIFY), 1);
	assert_null(tls_peer(s));
	drop();
	show(b, b);
	tls_cache_forget(client->cache, "a.example");
	assert_int_equal(shake(TLS_VERIFY), 1);
	hash_of(b, hash);
	assert_non_null(tls_peer(s));
	assert_memory_equal(tls_peer(s)->hash, hash, sizeof(hash));
	assert_false(tls_peer(s)->verified);
	assert_false(tls_peer(s)->known);
	assert_string_equal(tls_peer(s)->emails, "");
	assert_non_null(strstr(tls_peer_fault(tls_peer(s)), "not signed"));
}

/* A certificate is public: only the key's signature shows whose it is. */
static void test_without_its_key(void **state)
{
	(void)state;
	hash_of(b, known_hash);
	show(b, a);
	assert_int_equal(shake(TLS_VERIFY), TLS_ERROR);
	assert_int_equal(shake(TLS_REQUIRE), TLS_ERROR);
}

static void test_required(void **state)
{
	(void)state;
	assert_int_equal(shake(TLS_REQUIRE), TLS_ERROR);
	assert_int_equal(err.kind, ERR_PERM);
	assert_non_null(strstr(err.text, "client has no certificate"));
	drop();
	show(b, b);
	assert_int_equal(shake(TLS_REQUIRE), TLS_ERROR);
	assert_non_null(strstr(err.text, "not signed by a CA"));
	hash_of(b, known_hash);
	assert_int_equal(shake(TLS_REQUIRE), 1);
	assert_true(tls_peer(s)->known);
}

static void test_verified(void **state)
{
	(void)state;
	assert_int_equal(tls_server_clients(server, files[3], known,
				known_hash, &err), -1);
	assert_int_equal(tls_server_clients(server, files[2], known,
				known_hash, &err), 0);
	show(b, b);
	assert_int_equal(shake(TLS_REQUIRE), 1);
	assert_true(tls_peer(s)->verified);
}

/* Whoever has shown a certificate has no session to come back with. */
static void test_shown_again(void **state)
{
	(void)state;
	show(b, b);
	assert_int_equal(shake(TLS_VERIFY), 1);
	assert_non_null(tls_peer(s));
	assert_int_equal(shake(TLS_VERIFY), 1);
	assert_non_null(tls_peer(s));
}

/* -- tickets: a successor of the server takes them -- */

/* True: the session was taken up again, so no certificate went over. */
static bool resumes(const char *to, int fd)
{
	tls_ctx_free(server);
	server = tls_server(files[0], files[1], &err);
	tls_server_tickets(server, fd, span_of(to));
	assert_int_equal(shake(TLS_NO_VERIFY), 1);
	return !c->checked;
}

static void test_tickets(void **state)
{
	unsigned char secrets[2][TLS_SECRET_SIZE];
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);

	(void)state;
	if (fd < 0)
		skip();
	tls_ctx_free(client);
	client = tls_client(files[0], &err);
	judged = true;
	rand_bytes(secrets, sizeof(secrets));
	assert_int_equal(pwrite(fd, secrets, sizeof(secrets), 0),
			sizeof(secrets));
	drop();
	/* what was offered in vain is not offered once more, nor its successor */
	for (int i = 0; i < 7; i++) {
		static const struct {
			const char *to;
			bool renew, resumed;
		} rows[] = {
			{ "x", false, false }, { "x", false, true },
			{ "x", true, true }, { "y", false, false },
			{ "y", false, false }, { "y", false, true },
			{ "x", false, false }
		};

		if (rows[i].renew) {
			memcpy(secrets[1], secrets[0], TLS_SECRET_SIZE);
			rand_bytes(secrets[0], TLS_SECRET_SIZE);
			assert_int_equal(pwrite(fd, secrets, sizeof(secrets),
						0), sizeof(secrets));
		}
		drop();
		if (resumes(rows[i].to, fd) != rows[i].resumed)
			fail_msg("row %d", i);
	}
	judged = false;
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_nobody_is_asked), T(test_shown), T(test_without_its_key),
		T(test_required), T(test_verified), T(test_shown_again),
		T(test_tickets)
	};

	return cmocka_run_group_tests_name("net/tls_peer", tests, make_files,
			remove_files);
}
