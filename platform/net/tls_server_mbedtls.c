#include "net/tls_mbedtls.h"

#include <mbedtls/ssl_ticket.h>
#include <stdlib.h>
#include <string.h>
#include "base/list.h"
#include "config.h"

#define EXPORTER_SIZE 32	/* RFC 9266 2 */
#define TICKET_LIFE 86400		/* seconds; the key changes as often */

struct tls_server {
	struct tls_cert *certs;		/* the first is for all names */
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C)
	mbedtls_ssl_ticket_context tickets;
#endif
};

static int set_tickets(struct tls_ctx *c)
{
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C)
	int r = mbedtls_ssl_ticket_setup(&c->server->tickets, tls_rng, NULL,
			MBEDTLS_CIPHER_AES_256_GCM, TICKET_LIFE);

	mbedtls_ssl_conf_session_tickets_cb(&c->conf,
			mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
			&c->server->tickets);
	return r;
#else
	(void)c;
	return 0;
#endif
}

static void free_server(struct tls_server *s)
{
	struct tls_cert *next;

#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C)
	mbedtls_ssl_ticket_free(&s->tickets);
#endif
	for (; s->certs; s->certs = next) {
		next = s->certs->next;
		tls_cert_free(s->certs);
	}
	free(s);
}

/* -- what SASL binds to -- */

/*
 * RFC 5929 4.1: the hash of our certificate, by that which it is signed with,
 * but SHA-256 for MD5 and SHA-1. Of several that suit the name mbedTLS does not
 * tell which it took.
 */
static size_t end_point(struct tls *t, unsigned char out[TLS_BINDING_MOST])
{
	const struct tls_cert *c = t->cert ? t->cert :
		t->ctx->server->certs;
	mbedtls_md_type_t type = TLS_SIG_MD(&c->chain);
	const mbedtls_md_info_t *md;

	if (type <= MBEDTLS_MD_SHA1)
		type = MBEDTLS_MD_SHA256;
	md = mbedtls_md_info_from_type(type);
	if (t->ncerts > 1 || !md || mbedtls_md_get_size(md) > TLS_BINDING_MOST
	    || mbedtls_md(md, c->chain.raw.p, c->chain.raw.len, out))
		return 0;
	return mbedtls_md_get_size(md);
}

/* RFC 9266; in 1.2 it would take more than mbedTLS shows to be safe. */
static size_t exporter(struct tls *t, unsigned char out[TLS_BINDING_MOST])
{
#ifdef MBEDTLS_SSL_KEYING_MATERIAL_EXPORT
	static const char label[] = "EXPORTER-Channel-Binding";

	if (strcmp(tls_version(t), "TLSv1.3") == 0 &&
	    !mbedtls_ssl_export_keying_material(&t->ssl, out, EXPORTER_SIZE,
			label, sizeof(label) - 1, NULL, 0, 0))
		return EXPORTER_SIZE;
#endif
	(void)t;
	(void)out;
	return 0;
}

static size_t binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	static const struct {
		const char *type;
		size_t (*get)(struct tls *t,
				unsigned char out[TLS_BINDING_MOST]);
	} rows[] = {
		{ "tls-exporter", exporter },
		{ "tls-server-end-point", end_point }
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !n; i++)
		if (!type || strcmp(type, rows[i].type) == 0)
			n = rows[i].get(t, out);
	return n;
}

/* -- the certificates -- */

static int new_server(struct tls_ctx *c, struct err *err)
{
	c->server = calloc(1, sizeof(*c->server));
	if (!c->server)
		return err_nomem(err);
	c->free_server = free_server;
	c->binding = CFG_SASL_SCRAM ? binding : NULL;
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C)
	mbedtls_ssl_ticket_init(&c->server->tickets);
#endif
	return 0;
}

static int choose_cert(void *arg, mbedtls_ssl_context *ssl,
		const unsigned char *name, size_t n)
{
	struct tls *t = container_of(ssl, struct tls, ssl);
	struct tls_server *s = arg;
	struct tls_cert *c;
	int r = 0;

	t->ncerts = 0;		/* TLS 1.3 may ask twice */
	/* all that fit: mbedTLS takes the one that suits the cipher */
	for (c = s->certs; c && !r; c = c->next) {
		if (!tls_cert_is_for(c, span_make((const char *)name, n)))
			continue;
		r = mbedtls_ssl_set_hs_own_cert(ssl, &c->chain, &c->key);
		t->cert = c;
		t->ncerts++;
	}
	return r;
}

int tls_server_add(struct tls_ctx *c, const char *cert_file,
		const char *key_file, struct err *err)
{
	struct tls_cert *cert = tls_cert_read(cert_file, key_file, err);
	struct tls_cert **end = &c->server->certs;

	if (!cert)
		return -1;
	if (!*end && mbedtls_ssl_conf_own_cert(&c->conf, &cert->chain,
				&cert->key)) {
		tls_cert_free(cert);
		return err_nomem(err);
	}
	while (*end)
		end = &(*end)->next;
	*end = cert;
	return 0;
}

struct tls_ctx *tls_server(const char *cert_file, const char *key_file,
		struct err *err)
{
	struct tls_ctx *c = tls_ctx_new(MBEDTLS_SSL_IS_SERVER, err);
	int r;

	if (!c)
		return NULL;
	if (new_server(c, err) || tls_server_add(c, cert_file, key_file, err))
		goto bad;
	mbedtls_ssl_conf_sni(&c->conf, choose_cert, c->server);
	r = set_tickets(c);
	if (!r)
		return c;
	err_set(err, ERR_NOMEM, "no TLS session tickets (-0x%04x)", -r);
bad:
	tls_ctx_free(c);
	return NULL;
}
