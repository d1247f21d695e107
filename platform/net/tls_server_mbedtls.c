#include "net/tls_mbedtls.h"

#include <stdlib.h>
#include <string.h>
#include "base/list.h"
#include "base/str.h"
#include "config.h"
#include "os/conf.h"

struct tls_server {
	struct tls_cert *certs;		/* the first is for all names */
	unsigned ndefaults;		/* it, and those for "*" */
	struct tls_tickets *tickets;
	int *ciphers;			/* NULL: the library's */
};

static void free_server(struct tls_server *s)
{
	struct tls_cert *next;

	tls_tickets_free(s->tickets);
	for (; s->certs; s->certs = next) {
		next = s->certs->next;
		tls_cert_free(s->certs);
	}
	free(s->ciphers);
	free(s);
}

/* -- what SASL binds to -- */

/* Of several that suit the name mbedTLS does not tell which it took. */
static size_t end_point(struct tls *t, unsigned char out[TLS_BINDING_MOST])
{
	const struct tls_server *s = t->ctx->server;
	const struct tls_cert *c = t->cert ? t->cert : s->certs;
	unsigned n = t->cert ? t->ncerts : s->ndefaults;

	return n > 1 ? 0 : tls_bind_cert(&c->chain, out);
}

static size_t binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	static const struct {
		const char *type;
		size_t (*get)(struct tls *t,
				unsigned char out[TLS_BINDING_MOST]);
	} rows[] = {
		{ "tls-exporter", tls_bind_exporter },
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
	c->server->tickets = tls_tickets_new(&c->conf);
	return c->server->tickets ? 0 : err_nomem(err);
}

/* All that suit the name best: mbedTLS takes the one for the cipher. */
static int choose_cert(void *arg, mbedtls_ssl_context *ssl,
		const unsigned char *text, size_t n)
{
	struct span name = span_make((const char *)text, n);
	struct tls *t = container_of(ssl, struct tls, ssl);
	struct tls_server *s = arg;
	struct tls_cert *c;
	int r = 0, best = 0;

	t->ncerts = 0;		/* TLS 1.3 may ask twice */
	t->cert = NULL;
	for (c = s->certs; c; c = c->next)
		if (tls_cert_is_for(c, name) > best)
			best = tls_cert_is_for(c, name);
	for (c = s->certs; best && c && !r; c = c->next) {
		if (tls_cert_is_for(c, name) != best)
			continue;
		r = mbedtls_ssl_set_hs_own_cert(ssl, &c->chain, &c->key);
		t->cert = c;
		t->ncerts++;
	}
	return r;
}

/*
 * Where there is a choice: ECDSA costs us less than RSA (docs/tls.md), and
 * mbedTLS's own list has RSA first.
 */
static int ecdsa_first(struct tls_ctx *c, struct err *err)
{
	const int *all = mbedtls_ssl_list_ciphersuites();
	size_t n = 0, to = 0;

	while (all[n])
		n++;
	c->server->ciphers = calloc(n + 1, sizeof(*all));
	if (!c->server->ciphers)
		return err_nomem(err);
	for (int later = 0; later < 2; later++)
		for (size_t i = 0; i < n; i++)
			if (later == !strstr(mbedtls_ssl_get_ciphersuite_name(
						all[i]), "-ECDSA-"))
				c->server->ciphers[to++] = all[i];
	mbedtls_ssl_conf_ciphersuites(&c->conf, c->server->ciphers);
	return 0;
}

int tls_server_add(struct tls_ctx *c, const char *name, const char *cert_file,
		const char *key_file, struct err *err)
{
	struct tls_cert *cert = tls_cert_read(cert_file, key_file, err);
	struct tls_cert **end = &c->server->certs;
	bool is_default = !*end || (name && strcmp(name, "*") == 0);

	if (!cert)
		return -1;
	if (is_default && mbedtls_ssl_conf_own_cert(&c->conf, &cert->chain,
				&cert->key)) {
		tls_cert_free(cert);
		return err_nomem(err);
	}
	c->server->ndefaults += is_default;
	cert->name = name;
	while (*end)
		end = &(*end)->next;
	*end = cert;
	if (!CFG_TLS_SNI || cert == c->server->certs)
		return 0;
	mbedtls_ssl_conf_sni(&c->conf, choose_cert, c->server);
	return c->server->ciphers ? 0 : ecdsa_first(c, err);
}

struct tls_ctx *tls_server(const char *cert_file, const char *key_file,
		struct err *err)
{
	struct tls_ctx *c = tls_ctx_new(MBEDTLS_SSL_IS_SERVER, err);

	if (c && !new_server(c, err) &&
			!tls_server_add(c, NULL, cert_file, key_file, err))
		return c;
	tls_ctx_free(c);
	return NULL;
}

void tls_server_tickets(struct tls_ctx *c, int fd, struct span to)
{
	tls_tickets_bind(c->server->tickets, fd, to);
}

/* -- what we take -- */

int tls_server_only_13(struct tls_ctx *c, struct err *err)
{
#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && MBEDTLS_VERSION_NUMBER >= 0x03020000
	(void)err;
	mbedtls_ssl_conf_min_tls_version(&c->conf,
			MBEDTLS_SSL_VERSION_TLS1_3);
	return 0;
#else
	(void)c;
	return err_set(err, ERR_PERM, "tls-min 1.3: mbedTLS " \
			MBEDTLS_VERSION_STRING " of this build has no TLS 1.3");
#endif
}

/* mbedTLS has hyphens for IANA's underscores, and TLS1-3- for 1.3's TLS_. */
static int cipher_id(const char *iana)
{
	char name[80] = "TLS1-3-";
	size_t n = strlen(name);
	int id;

	if (str_copy(name + n, sizeof(name) - n, span_of(iana)))
		return 0;
	for (char *p = name; *p; p++)
		if (*p == '_')
			*p = '-';
	id = mbedtls_ssl_get_ciphersuite_id(name + n);
	if (id || strncmp(name + n, "TLS-", 4) != 0)
		return id;
	memmove(name + n, name + n + 4, strlen(name + n + 4) + 1);
	return mbedtls_ssl_get_ciphersuite_id(name);
}

/* RFC 8446 B.4; the numbers 0x13.. are 1.3's. */
static bool is_13(int id)
{
	return id >> 8 == 0x13;
}

int tls_server_ciphers(struct tls_ctx *c, const struct conf_word *names,
		struct err *err)
{
	const struct conf_word *w;
	const int *all = mbedtls_ssl_list_ciphersuites();
	size_t n = 0, room = 1;
	bool any_13 = false;
	int *list;

	for (w = names; w; w = w->next)
		room++;
	while (all[n])
		n++;
	free(c->server->ciphers);
	list = c->server->ciphers = calloc(room + n, sizeof(*list));
	if (!list)
		return err_nomem(err);
	for (n = 0, w = names; w; w = w->next, n++) {
		list[n] = cipher_id(w->text);
		if (!list[n])
			return err_set(err, ERR_PERM, "tls-ciphers: this "
					"build's mbedTLS has no %s", w->text);
		any_13 |= is_13(list[n]);
	}
	for (; *all && !any_13; all++)
		if (is_13(*all))
			list[n++] = *all;
	mbedtls_ssl_conf_ciphersuites(&c->conf, list);
	return 0;
}
