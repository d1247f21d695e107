/* What SASL binds to, on both sides of a connection (RFC 5056). */
#include "net/tls_mbedtls.h"

#include <string.h>

#define EXPORTER_SIZE 32	/* RFC 9266 2 */

/*
 * RFC 5929 4.1: the hash of the certificate, by that which it is signed with,
 * but SHA-256 for MD5 and SHA-1.
 */
size_t tls_bind_cert(const mbedtls_x509_crt *crt,
		unsigned char out[TLS_BINDING_MOST])
{
	mbedtls_md_type_t type = TLS_SIG_MD(crt);
	const mbedtls_md_info_t *md;

	if (type <= MBEDTLS_MD_SHA1)
		type = MBEDTLS_MD_SHA256;
	md = mbedtls_md_info_from_type(type);
	if (!md || mbedtls_md_get_size(md) > TLS_BINDING_MOST
			|| mbedtls_md(md, crt->raw.p, crt->raw.len, out))
		return 0;
	return mbedtls_md_get_size(md);
}

/* RFC 9266; in 1.2 it would take more than mbedTLS shows to be safe. */
size_t tls_bind_exporter(struct tls *t, unsigned char out[TLS_BINDING_MOST])
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

/* A library that does not keep certificates has none to bind to. */
static size_t client(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&t->ssl);
	size_t n = 0;

	if (!type || strcmp(type, "tls-exporter") == 0)
		n = tls_bind_exporter(t, out);
	if (!n && crt && (!type || strcmp(type, "tls-server-end-point") == 0))
		n = tls_bind_cert(crt, out);
	return n;
}

void tls_client_binds(struct tls_ctx *c)
{
	c->binding = client;
}
