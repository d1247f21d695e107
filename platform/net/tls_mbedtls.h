/* tls_mbedtls - what the tls_*_mbedtls.c files share; and 2.28 beside 3.6 */
#ifndef NET_TLS_MBEDTLS_H
#define NET_TLS_MBEDTLS_H

#include <stdint.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include "base/span.h"
#include "net/tls.h"

/*
 * f_rng of every call: the kernel's generator, which rand_bytes asks. A
 * CTR_DRBG of our own would be 4 KB of code and state to seed, keep and
 * protect over fork, to get numbers that are no better.
 */
int tls_rng(void *unused, unsigned char *out, size_t n);

/*
 * One side of a process. The server's half is a file of its own, which is not
 * linked where there is no server: its library may then lack that half too.
 */
struct tls_ctx {
	mbedtls_ssl_config conf;
	struct tls_cache *cache;	/* client */
	int bundle;			/* fd of the CAs, -1 none */
	struct tls_server *server;
	/* tls_shown_mbedtls.c's; NULL: nobody wants to know */
	void (*watch)(struct tls *t, mbedtls_x509_crt *chain);
	void (*shown)(void *arg, const struct tls_shown *s);
	void *shown_arg;
	/* where clients are asked for certificates: tls_peer_mbedtls.c's */
	void (*ask)(struct tls *t);
	int (*check)(struct tls *t, struct err *err);
	bool (*known)(const void *arg, const unsigned char hash[32]);
	const void *known_arg;
	void (*free_server)(struct tls_server *s);
	size_t (*binding)(struct tls *t, const char *type,
			unsigned char out[TLS_BINDING_MOST]);
};

struct tls {
	mbedtls_ssl_context ssl;
	struct tls_ctx *ctx;
	int fd;
	int failed;			/* errno of the socket */
	bool stuck;			/* a record is not sent, or not whole */
	size_t held;			/* the caller's bytes in that record */
	char *name;			/* the server's; NULL on the server */
	char *key;			/* its sessions' in the cache; may be name */
	const struct tls_expect *expect;	/* until it was judged; or NULL */
	uint32_t (*judge)(struct tls *t, mbedtls_x509_crt *chain);
	uint32_t flags;			/* what is wrong with the certificate */
	unsigned char verify;		/* enum tls_verify */
	bool begun;			/* the handshake */
	bool note;			/* what is wrong is noted, no more */
	bool shown;			/* a certificate came: all is new */
	bool checked;			/* ... and was judged */
	bool pinned;			/* ... and nothing but it counts */
	bool offered;			/* an old session, verified if asked */
	const struct tls_cert *cert;	/* server: the last that suits */
	unsigned ncerts;		/* ... the name the client gave */
	struct tls_peer *peer;		/* server: the client's certificate */
};

/* endpoint: MBEDTLS_SSL_IS_ */
struct tls_ctx *tls_ctx_new(int endpoint, struct err *err);

/* -- tls_cert_mbedtls.c: our own certificates -- */
struct tls_cert {
	struct tls_cert *next;
	const char *name;		/* as tls_server_add; NULL: the first */
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};
struct tls_cert *tls_cert_read(const char *cert_file, const char *key_file,
		struct err *err);		/* NULL on error */
void tls_cert_free(struct tls_cert *c);
/* How well c suits: 0 not at all, more is better. */
int tls_cert_is_for(const struct tls_cert *c, struct span name);

/* -- tls_bind_mbedtls.c: what SASL binds to; octets, 0: not to be had -- */
size_t tls_bind_cert(const mbedtls_x509_crt *crt,
		unsigned char out[TLS_BINDING_MOST]);
size_t tls_bind_exporter(struct tls *t, unsigned char out[TLS_BINDING_MOST]);
void tls_client_binds(struct tls_ctx *c);

/* -- tls_trust_mbedtls.c: other people's -- */
/* Opens the bundle. fd or -1. */
int tls_trust_open(const char *ca_file, struct err *err);
/*
 * MBEDTLS_X509_BADCERT_ bits, 0 when chain is good for name. Only the CAs that
 * the chain names are read from the bundle, and only for this call.
 */
uint32_t tls_trust_check(int bundle, mbedtls_x509_crt *chain, const char *name);
#define TLS_NO_PIN MBEDTLS_X509_BADCERT_OTHER	/* no other use of ours */
const char *tls_trust_fault(uint32_t flags);	/* "has expired", ... */
/* Says so to people. Always -1. */
int tls_trust_refused(struct err *err, const char *name, uint32_t flags);

/* -- tls_cache_mbedtls.c: the client's sessions, one per name -- */
struct tls_cache;
struct tls_cache *tls_cache_new(void);
void tls_cache_free(struct tls_cache *c);
/* Offers the session of name. verified: only if that one was. True: offered. */
bool tls_cache_offer(struct tls_cache *c, mbedtls_ssl_context *ssl,
		const char *name, bool verified);
void tls_cache_keep(struct tls_cache *c, const mbedtls_ssl_context *ssl,
		const char *name, bool verified);
void tls_cache_forget(struct tls_cache *c, const char *name);

/* -- tls_ticket_mbedtls.c: the server's -- */
struct tls_tickets;
struct tls_tickets *tls_tickets_new(mbedtls_ssl_config *conf);
void tls_tickets_free(struct tls_tickets *t);
void tls_tickets_bind(struct tls_tickets *t, int fd, struct span to);

/* -- what 2.28 and 3.6 call differently -- */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define TLS_ERR_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#define TLS_ERR_CIPHER MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#define TLS_ERR_NO_CERT MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#define TLS_ERR_HELLO MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE
#define TLS_SIG_MD(crt) ((crt)->MBEDTLS_PRIVATE(sig_md))
#else
#define TLS_ERR_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#define TLS_ERR_CIPHER MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN
#define TLS_ERR_NO_CERT MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE
#define TLS_ERR_HELLO MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO
#define TLS_SIG_MD(crt) ((crt)->sig_md)
#endif

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define MBEDTLS_PRIVATE(field) field
#endif
#ifdef MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define TLS_HAS_PEER_CERT(s) ((s)->MBEDTLS_PRIVATE(peer_cert) != NULL)
#else
#define TLS_HAS_PEER_CERT(s) ((s)->MBEDTLS_PRIVATE(peer_cert_digest) != NULL)
#endif

/* This session's handshake asks for a certificate and takes any, or none. */
static inline void tls_ask_cert(mbedtls_ssl_context *ssl)
{
#ifdef MBEDTLS_SSL_SERVER_NAME_INDICATION
	mbedtls_ssl_set_hs_authmode(ssl, MBEDTLS_SSL_VERIFY_OPTIONAL);
#else
	(void)ssl;
#endif
}

static inline int tls_parse_key(mbedtls_pk_context *key,
		const unsigned char *pem, size_t n)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(key, pem, n, NULL, 0, tls_rng, NULL);
#else
	return mbedtls_pk_parse_key(key, pem, n, NULL, 0);
#endif
}

static inline int tls_check_pair(const mbedtls_pk_context *pub,
		const mbedtls_pk_context *key)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(pub, key, tls_rng, NULL);
#else
	return mbedtls_pk_check_pair(pub, key);
#endif
}

/* serial: positive, so its first octet is below 0x80. */
static inline int tls_set_serial(mbedtls_x509write_cert *crt,
		unsigned char *serial, size_t n)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
	return mbedtls_x509write_crt_set_serial_raw(crt, serial, n);
#else
	mbedtls_mpi number;
	int r;

	mbedtls_mpi_init(&number);
	r = mbedtls_mpi_read_binary(&number, serial, n);
	if (!r)
		r = mbedtls_x509write_crt_set_serial(crt, &number);
	mbedtls_mpi_free(&number);
	return r;
#endif
}

#endif
