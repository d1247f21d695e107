/* Clients' certificates, as a server sees them. */
#include "net/tls_mbedtls.h"

#include <stdlib.h>
#include <string.h>
#include "base/sha256.h"

#define EMAILS_MOST 2048		/* octets of all rfc822Names */

/* RFC 5280 4.2.1.6: a Mailbox, in IA5String. Others are passed over. */
static bool is_email(const mbedtls_x509_buf *b)
{
	bool at = false;

	if ((b->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) !=
			MBEDTLS_X509_SAN_RFC822_NAME)
		return false;
	for (size_t i = 0; i < b->len; i++) {
		if (b->p[i] <= ' ' || b->p[i] >= 127)
			return false;
		at |= b->p[i] == '@';
	}
	return at;
}

static size_t put_emails(const mbedtls_x509_crt *crt, char *out)
{
	const mbedtls_x509_sequence *san = &crt->subject_alt_names;
	size_t n = 0;

	for (; san && san->buf.p; san = san->next) {
		if (!is_email(&san->buf) ||
				n + san->buf.len + 1 > EMAILS_MOST)
			continue;
		if (out) {
			memcpy(out + n, san->buf.p, san->buf.len);
			out[n + san->buf.len] = '\0';
		}
		n += san->buf.len + 1;
	}
	return n;
}

static struct tls_peer *peer_new(const mbedtls_x509_crt *crt, uint32_t flags)
{
	size_t n = put_emails(crt, NULL);
	struct tls_peer *p = calloc(1, sizeof(*p) + n + 1);

	if (!p)
		return NULL;
	put_emails(crt, p->emails);
	p->flags = flags;
	sha256(p->hash, span_make((const char *)crt->raw.p, crt->raw.len));
	return p;
}

/*
 * Once for each certificate, the client's own (depth 0) last; see judge() of
 * tls_mbedtls.c. That the client has its key, mbedTLS checks after this.
 */
static int judge(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls *t = arg;

	*flags = 0;
	if (depth)
		return 0;
	free(t->peer);
	t->peer = peer_new(crt, tls_trust_check(t->ctx->bundle, crt, NULL));
	return t->peer ? 0 : MBEDTLS_ERR_X509_ALLOC_FAILED;
}

static void ask(struct tls *t)
{
	tls_ask_cert(&t->ssl);
	mbedtls_ssl_set_verify(&t->ssl, judge, t);
}

static int check(struct tls *t, struct err *err)
{
	struct tls_peer *p = t->peer;

	if (p) {
		/* what the key may be used for (RFC 5280 4.2.1.3, .12) */
		p->flags |= mbedtls_ssl_get_verify_result(&t->ssl);
		p->verified = !p->flags;
		p->known = t->ctx->known(t->ctx->known_arg, p->hash);
		if (p->verified || p->known)
			return 0;
	}
	if (t->verify != TLS_REQUIRE)
		return 0;
	mbedtls_ssl_send_alert_message(&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
			p ? MBEDTLS_SSL_ALERT_MSG_BAD_CERT :
			MBEDTLS_SSL_ALERT_MSG_NO_CERT);
	return p ? tls_trust_refused(err, "the client", p->flags) :
		err_set(err, ERR_PERM,
			"TLS: the client has no certificate, which tls-client "
			"requires");
}

int tls_server_clients(struct tls_ctx *c, const char *ca_file,
		bool (*known)(const void *arg, const unsigned char hash[32]),
		const void *arg, struct err *err)
{
	c->ask = ask;
	c->check = check;
	c->known = known;
	c->known_arg = arg;
	if (ca_file)
		c->bundle = tls_trust_open(ca_file, err);
	return ca_file && c->bundle < 0 ? -1 : 0;
}
