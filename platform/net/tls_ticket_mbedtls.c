#include "net/tls_mbedtls.h"

#include <mbedtls/gcm.h>
#include <stdlib.h>
#include <string.h>
#include "base/sha256.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C)

/*
 * mbedTLS's own tickets know no way to hand their keys to a successor, and a
 * reload would make strangers of all clients. A ticket (RFC 5077 4) of ours:
 * when it was made, IV, the session, tag; the first is bound in, too.
 */
#define TIME_SIZE 8
#define IV_SIZE 12
#define TAG_SIZE 16
#define EXTRA (TIME_SIZE + IV_SIZE + TAG_SIZE)
#define VOID_SIZE 96			/* of one that opens nothing */

struct tls_tickets {
	int fd;				/* of both secrets; -1: these */
	unsigned char secrets[2][TLS_SECRET_SIZE];
	int64_t born;			/* seconds; of the first */
	unsigned char bound[SHA256_SIZE];
};

static int64_t now(void)
{
	return clock_ms() / 1000;
}

/* As often as maild does it for those that it started. */
static void renew(struct tls_tickets *t)
{
	if (t->fd >= 0 || now() < t->born + TLS_TICKET_LIFE)
		return;
	memcpy(t->secrets[1], t->secrets[0], TLS_SECRET_SIZE);
	rand_bytes(t->secrets[0], TLS_SECRET_SIZE);
	t->born = now();
}

/* i 0: new tickets are made with it; 1: the one before. */
static int load_key(struct tls_tickets *t, int i, mbedtls_gcm_context *gcm)
{
	unsigned char both[2][TLS_SECRET_SIZE], key[SHA256_SIZE];
	int r;

	renew(t);
	if (t->fd < 0)
		memcpy(both, t->secrets, sizeof(both));
	else if (file_pread(t->fd, both, sizeof(both), 0) != sizeof(both))
		return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
	sha256_hmac(key, span_make((char *)both[i], TLS_SECRET_SIZE),
			span_make((char *)t->bound, sizeof(t->bound)));
	mbedtls_gcm_init(gcm);
	r = mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, 256);
	explicit_bzero(both, sizeof(both));
	explicit_bzero(key, sizeof(key));
	return r;
}

static int seal(struct tls_tickets *t, unsigned char *start, size_t n)
{
	unsigned char *iv = start + TIME_SIZE, *data = iv + IV_SIZE;
	mbedtls_gcm_context gcm;
	uint64_t made = (uint64_t)now();
	int r;

	for (int i = TIME_SIZE; i--; made >>= 8)
		start[i] = made & 255;
	rand_bytes(iv, IV_SIZE);
	r = load_key(t, 0, &gcm);
	if (r)
		return r;
	r = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, n, iv,
			IV_SIZE, start, TIME_SIZE, data, data, TAG_SIZE,
			data + n);
	mbedtls_gcm_free(&gcm);
	return r;
}

/*
 * Who has shown a certificate shows it again: what he may do hangs on it, and
 * in TLS 1.3 a session that is taken up again does not hold it. A ticket has
 * to be sent all the same; this one opens nothing.
 */
static int write_ticket(void *arg, const mbedtls_ssl_session *session,
		unsigned char *start, const unsigned char *end, size_t *n,
		uint32_t *life)
{
	size_t room = end - start, used;
	int r;

	*life = TLS_TICKET_LIFE;
	if (room < VOID_SIZE || room < EXTRA)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	if (TLS_HAS_PEER_CERT(session)) {
		rand_bytes(start, VOID_SIZE);
		*n = VOID_SIZE;
		return 0;
	}
	r = mbedtls_ssl_session_save(session, start + TIME_SIZE + IV_SIZE,
			room - EXTRA, &used);
	if (r)
		return r;
	*n = used + EXTRA;
	return seal(arg, start, used);
}

static int open_ticket(struct tls_tickets *t, int i, unsigned char *p,
		size_t n, unsigned char *out)
{
	const unsigned char *iv = p + TIME_SIZE, *data = iv + IV_SIZE;
	mbedtls_gcm_context gcm;
	int r = load_key(t, i, &gcm);

	if (r)
		return r;
	r = mbedtls_gcm_auth_decrypt(&gcm, n, iv, IV_SIZE, p, TIME_SIZE,
			data + n, TAG_SIZE, data, out);
	mbedtls_gcm_free(&gcm);
	return r;
}

static bool is_old(const unsigned char *p)
{
	uint64_t made = 0;

	for (int i = 0; i < TIME_SIZE; i++)
		made = made << 8 | p[i];
	return now() - (int64_t)made >= TLS_TICKET_LIFE;
}

static int parse_ticket(void *arg, mbedtls_ssl_session *session,
		unsigned char *p, size_t n)
{
	unsigned char *clear;
	int r;

	if (n <= EXTRA)
		return MBEDTLS_ERR_SSL_INVALID_MAC;
	n -= EXTRA;
	clear = malloc(n);
	if (!clear)
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	r = open_ticket(arg, 0, p, n, clear);
	if (r)
		r = open_ticket(arg, 1, p, n, clear);
	if (r)
		r = MBEDTLS_ERR_SSL_INVALID_MAC;
	else if (is_old(p))
		r = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
	else
		r = mbedtls_ssl_session_load(session, clear, n);
	explicit_bzero(clear, n);
	free(clear);
	return r;
}

struct tls_tickets *tls_tickets_new(mbedtls_ssl_config *conf)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fd = -1;
	rand_bytes(t->secrets, sizeof(t->secrets));
	t->born = now();
	mbedtls_ssl_conf_session_tickets_cb(conf, write_ticket, parse_ticket,
			t);
	return t;
}

void tls_tickets_bind(struct tls_tickets *t, int fd, struct span to)
{
	t->fd = fd;
	sha256(t->bound, to);
}

#else

struct tls_tickets {
	char unused;
};

struct tls_tickets *tls_tickets_new(mbedtls_ssl_config *conf)
{
	(void)conf;
	return calloc(1, sizeof(struct tls_tickets));
}

void tls_tickets_bind(struct tls_tickets *t, int fd, struct span to)
{
	(void)t, (void)fd, (void)to;
}

#endif

void tls_tickets_free(struct tls_tickets *t)
{
	if (t)
		explicit_bzero(t, sizeof(*t));
	free(t);
}
