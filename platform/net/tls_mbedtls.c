#include "net/tls_mbedtls.h"

#include <mbedtls/ssl.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "config.h"
#include "os/rand.h"

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#define TICKETS_MOST 16			/* read in one go from a server */

bool tls_built(void)
{
	return true;
}

/* -- what differs between versions and builds of mbedTLS -- */

int tls_rng(void *unused, unsigned char *out, size_t n)
{
	(void)unused;
	rand_bytes(out, n);
	return 0;
}

/* TLS 1.3 does its arithmetic by way of PSA. */
static bool init_library(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && \
	(defined(MBEDTLS_SSL_PROTO_TLS1_3) || defined(MBEDTLS_USE_PSA_CRYPTO))
	return psa_crypto_init() == PSA_SUCCESS;
#else
	return true;
#endif
}

/*
 * 2.28 would take the largest curves first, ten times the work of P-256; 3.x has
 * a better order of its own. All that certificates may use stay in the list.
 */
static void set_curves(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000 && defined(MBEDTLS_ECP_C)
	static const mbedtls_ecp_group_id curves[] = {
		MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
		MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
		MBEDTLS_ECP_DP_NONE
	};

	mbedtls_ssl_conf_curves(conf, curves);
#endif
	(void)conf;
}

/* RFC 8996: 1.2 at least, and no SHA-1 signatures. 3.x knows nothing older. */
static void set_versions(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	static const int hashes[] = {
		MBEDTLS_MD_SHA512, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA256,
		MBEDTLS_MD_NONE
	};

	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
			MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_sig_hashes(conf, hashes);
#endif
#if defined(MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED) && \
	defined(MBEDTLS_SSL_PROTO_TLS1_3) && \
	defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_CLI_C)
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf,
		MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
	(void)conf;
}

static bool is_ticket(int r)
{
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
	return r == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
	return r && false;
#endif
}

/* In TLS 1.3 a session can be kept only when its ticket has come, later. */
static bool has_session(const mbedtls_ssl_context *ssl)
{
	return strcmp(mbedtls_ssl_get_version(ssl), "TLSv1.3") != 0;
}

/* -- contexts -- */

struct tls_ctx *tls_ctx_new(int endpoint, struct err *err)
{
	struct tls_ctx *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		err_nomem(err);
		return NULL;
	}
	c->bundle = -1;
	mbedtls_ssl_config_init(&c->conf);
	r = mbedtls_ssl_config_defaults(&c->conf, endpoint,
			MBEDTLS_SSL_TRANSPORT_STREAM,
			MBEDTLS_SSL_PRESET_DEFAULT);
	if (r || !init_library()) {
		err_set(err, ERR_NOMEM, "TLS cannot start (-0x%04x)", -r);
		tls_ctx_free(c);
		return NULL;
	}
	mbedtls_ssl_conf_rng(&c->conf, tls_rng, NULL);
	set_versions(&c->conf);
	set_curves(&c->conf);
	return c;
}

void tls_ctx_free(struct tls_ctx *c)
{
	if (!c)
		return;
	mbedtls_ssl_config_free(&c->conf);
	if (c->server)
		c->free_server(c->server);
	tls_cache_free(c->cache);
	if (c->bundle >= 0)
		close(c->bundle);
	free(c);
}

int tls_add_bundle(struct tls_ctx *c, const char *ca_file, struct err *err)
{
	if (c->bundle < 0)
		c->bundle = tls_trust_open(ca_file, err);
	return c->bundle < 0 ? -1 : 0;
}

/* OPTIONAL: who is verified differs from session to session; see verified(). */
struct tls_ctx *tls_client(const char *ca_file, struct err *err)
{
	struct tls_ctx *c = tls_ctx_new(MBEDTLS_SSL_IS_CLIENT, err);

	if (!c)
		return NULL;
	mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
	c->cache = tls_cache_new();
	if (!c->cache) {
		err_nomem(err);
		goto bad;
	}
	if (ca_file && tls_add_bundle(c, ca_file, err) < 0)
		goto bad;
	if (CFG_SASL_PLUS_CLIENT)
		tls_client_binds(c);
	return c;
bad:
	tls_ctx_free(c);
	return NULL;
}

/* -- sessions -- */

static int bio_send(void *arg, const unsigned char *p, size_t n)
{
	struct tls *t = arg;
	ssize_t r;

	do
		r = send(t->fd, p, n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	t->stuck = r < (ssize_t)n;
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == ENOBUFS)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	t->failed = errno;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int bio_recv(void *arg, unsigned char *p, size_t n)
{
	struct tls *t = arg;
	ssize_t r;

	do
		r = recv(t->fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN)
		return MBEDTLS_ERR_SSL_WANT_READ;
	t->failed = errno;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/*
 * Once for each certificate of the chain, the server's own (depth 0) last.
 * mbedTLS was given no CAs; what it found out about the chain does not count.
 */
static int judge(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls *t = arg;

	*flags = 0;
	t->shown = true;
	if (depth == 0 && t->ctx->watch)
		t->ctx->watch(t, crt);
	if (depth == 0 && t->verify) {
		t->flags = t->judge ? t->judge(t, crt) :
			tls_trust_check(t->ctx->bundle, crt, t->name);
		*flags = t->flags;
		t->checked = true;
	}
	return 0;
}

/* RFC 6066 3: no addresses in SNI; they are given only to be verified. */
static bool is_address(const char *name)
{
	struct in6_addr a;

	return inet_pton(AF_INET, name, &a) == 1 ||
		inet_pton(AF_INET6, name, &a) == 1;
}

static int set_peer(struct tls *t, const char *name, bool verify)
{
	int r = 0;

	t->verify = verify;
	mbedtls_ssl_set_verify(&t->ssl, judge, t);
	if (!name)
		return verify ? MBEDTLS_ERR_SSL_BAD_INPUT_DATA : 0;
	t->name = strdup(name);
	if (!t->name)
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	t->key = t->name;
	if (!is_address(name))
		r = mbedtls_ssl_set_hostname(&t->ssl, name);
	return r;
}

struct tls *tls_new(struct tls_ctx *c, int fd, const char *name,
		unsigned verify, struct err *err)
{
	struct tls *t = calloc(1, sizeof(*t));
	int r = MBEDTLS_ERR_SSL_ALLOC_FAILED;

	if (!t)
		goto bad;
	t->ctx = c;
	t->fd = fd;
	mbedtls_ssl_init(&t->ssl);
	r = mbedtls_ssl_setup(&t->ssl, &c->conf);
	if (!r && c->cache)
		r = set_peer(t, name, verify);
	if (r)
		goto bad;
	if (c->ask && verify) {
		t->verify = verify;
		c->ask(t);
	}
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return t;
bad:
	err_set(err, ERR_NOMEM, "no TLS session (-0x%04x)", -r);
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	mbedtls_ssl_free(&t->ssl);
	free(t->peer);
	if (t->key != t->name)
		free(t->key);
	free(t->name);
	free(t);
}

/* mbedtls_strerror would bring 20 KB of texts; these few are what happens. */
static const struct {
	int code;
	enum err_kind kind;
	const char *text;
} reasons[] = {
	{ MBEDTLS_ERR_SSL_CONN_EOF, ERR_TEMP, "the other side hung up" },
	{ MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, ERR_TEMP,
		"the other side hung up" },
	{ MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, ERR_PROTO,
		"the other side refused" },
	{ MBEDTLS_ERR_SSL_INVALID_RECORD, ERR_PROTO,
		"the other side does not speak TLS" },
	{ TLS_ERR_HELLO, ERR_PROTO, "the other side does not speak TLS" },
	{ TLS_ERR_VERSION, ERR_PROTO,
		"the other side speaks no version that we take" },
	{ TLS_ERR_CIPHER, ERR_PROTO, "no cipher in common" },
	{ TLS_ERR_NO_CERT, ERR_PROTO, "no cipher in common" },
	{ MBEDTLS_ERR_SSL_INVALID_MAC, ERR_PROTO,
		"the data were changed on the way" },
	{ MBEDTLS_ERR_SSL_ALLOC_FAILED, ERR_NOMEM, "out of memory" },
	{ 0, ERR_PROTO, "it went wrong" }
};

/* Always TLS_ERROR. */
static int failed(const struct tls *t, int r, struct err *err)
{
	int i = 0;

	if (t->failed) {
		errno = t->failed;
		return err_errno(err, "TLS");
	}
	while (reasons[i].code && reasons[i].code != r)
		i++;
	return err_set(err, reasons[i].kind, "TLS: %s (-0x%04x)",
			reasons[i].text, -r);
}

/* Without a certificate to judge it must be a session that had one. */
static int verified(struct tls *t, struct err *err)
{
	uint32_t flags = MBEDTLS_X509_BADCERT_MISSING;

	if (t->pinned)
		flags = 0;
	else if (t->checked)
		flags = mbedtls_ssl_get_verify_result(&t->ssl);
	else if (t->offered)
		flags = 0;
	t->flags = flags;
	if (!flags || t->note)
		return 0;
	mbedtls_ssl_send_alert_message(&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
			MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
	return tls_trust_refused(err, t->name, flags);
}

/* What is only noted of a certificate was not verified. */
static bool is_sure(const struct tls *t)
{
	return t->verify && !t->note;
}

/* An old session shows no certificate: where one is to be noted, none is taken up. */
static void begin(struct tls *t)
{
	t->begun = true;
	if (t->key && !t->note)
		t->offered = tls_cache_offer(t->ctx->cache, &t->ssl, t->key,
				t->verify);
}

static void keep_session(struct tls *t)
{
	if (t->key)
		tls_cache_keep(t->ctx->cache, &t->ssl, t->key, is_sure(t));
}

/*
 * When an old session was offered and not taken up, mbedTLS leaves its ticket
 * beside the new keys, unless another one came. Offered once more, to a host
 * that can read it, the keys would not be the same.
 */
static void shaken(struct tls *t)
{
	if (t->key && t->offered && t->shown)
		tls_cache_forget(t->ctx->cache, t->key);
	else if (has_session(&t->ssl))
		keep_session(t);
}

int tls_handshake(struct tls *t, struct err *err)
{
	int r;

	if (!t->begun)
		begin(t);
	r = mbedtls_ssl_handshake(&t->ssl);
	if (r == MBEDTLS_ERR_SSL_WANT_READ)
		return TLS_WANT_READ;
	if (r == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (r) {
		/* it may be the old session that it broke on */
		if (t->key)
			tls_cache_forget(t->ctx->cache, t->key);
		return failed(t, r, err);
	}
	if (t->verify && (t->ctx->check ? t->ctx->check(t, err) :
				verified(t, err)))
		return TLS_ERROR;
	shaken(t);
	return 1;
}

/*
 * In TLS 1.3 tickets come between the data and are not the caller's business,
 * though reading and writing stumble over them. mbedTLS keeps the message
 * and says WANT_READ, which no byte from the network will answer; the next
 * call takes it, and says so.
 */
static bool took_ticket(struct tls *t, int r)
{
	if (!is_ticket(r))
		return r == MBEDTLS_ERR_SSL_WANT_READ &&
			mbedtls_ssl_check_pending(&t->ssl);
	keep_session(t);
	return true;
}

/* What r, which is not a count, means to the caller. */
static int outcome(const struct tls *t, int r, struct err *err)
{
	if (r == MBEDTLS_ERR_SSL_WANT_READ || is_ticket(r))
		return TLS_WANT_READ;
	if (r == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANT_WRITE;
	return failed(t, r, err);
}

ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *err)
{
	int i = 0, r;

	do
		r = mbedtls_ssl_read(&t->ssl, p, n);
	while (took_ticket(t, r) && i++ < TICKETS_MOST);
	if (r > 0)
		return r;
	/* many hang up without close_notify; SMTP and POP3 end by QUIT */
	if (r == 0 || r == MBEDTLS_ERR_SSL_CONN_EOF ||
	    r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return TLS_EOF;
	return outcome(t, r, err);
}

static int write_once(struct tls *t, const void *p, size_t n)
{
	int i = 0, r;

	do
		r = mbedtls_ssl_write(&t->ssl, p, n);
	while (took_ticket(t, r) && i++ < TICKETS_MOST);
	return r;
}

/*
 * While a record is stuck, mbedTLS takes any call as its repetition. But
 * reading (a ticket) may have sent the record meanwhile, and then a
 * repetition would send the data twice. So the sending of records is watched
 * (bio_send), one that is stuck is sent without any data, and what it held
 * counts as written when it is gone, whoever sent it.
 */
ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *err)
{
	int r = t->stuck ? write_once(t, "", 0) : 0;

	if (r < 0)
		return outcome(t, r, err);
	if (t->held) {
		n = t->held;
		t->held = 0;
		return n;
	}
	r = write_once(t, p, n);
	if (r > 0)
		return r;
	if (t->stuck) {
		int most = mbedtls_ssl_get_max_out_record_payload(&t->ssl);

		t->held = most > 0 && n > (size_t)most ? (size_t)most : n;
	}
	return outcome(t, r, err);
}

size_t tls_pending(const struct tls *t)
{
	return mbedtls_ssl_get_bytes_avail(&t->ssl);
}

void tls_bye(struct tls *t)
{
	mbedtls_ssl_close_notify(&t->ssl);
}

size_t tls_binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	return t->ctx->binding ? t->ctx->binding(t, type, out) : 0;
}

const struct tls_peer *tls_peer(const struct tls *t)
{
	return t->peer;
}

const char *tls_peer_fault(const struct tls_peer *p)
{
	return tls_trust_fault(p->flags);
}

static const struct {
	uint32_t flags;
	enum tls_fault fault;
} faults[] = {
	{ TLS_NO_PIN, TLS_FAULT_PIN },
	{ MBEDTLS_X509_BADCERT_CN_MISMATCH, TLS_FAULT_NAME },
	{ MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE,
		TLS_FAULT_DATE },
	{ UINT32_MAX, TLS_FAULT_SIGNER }
};

enum tls_fault tls_fault(const struct tls *t)
{
	int i = 0;

	if (!t->flags)
		return TLS_FAULT_NONE;
	while (!(faults[i].flags & t->flags))
		i++;
	return faults[i].fault;
}

const char *tls_version(const struct tls *t)
{
	return mbedtls_ssl_get_version(&t->ssl);
}

const char *tls_cipher(const struct tls *t)
{
	return mbedtls_ssl_get_ciphersuite(&t->ssl);
}
