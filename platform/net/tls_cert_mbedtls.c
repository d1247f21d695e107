#include "net/tls_mbedtls.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/date.h"
#include "base/str.h"
#include "mime/addr.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#define PEM_MOST 65536			/* bytes of a chain or key file */
#define NAME_MOST 253			/* RFC 1035 3.1 in text form */
#define CN_MOST 64			/* RFC 5280 A.1, ub-common-name */
#define DAY 86400
#define LIFE (20 * 365 + 5)	/* days: the same date 20 years on */

/* -- reading -- */

/* The whole file at once, so that no copy of a key stays behind. */
static int read_pem(struct str *pem, const char *path, struct err *err)
{
	str_init_secret(pem, PEM_MOST);
	return file_read(AT_FDCWD, path, pem, err);
}

static int parse(struct tls_cert *c, const struct str *cert,
		const struct str *key, const char *cert_file,
		const char *key_file, struct err *err)
{
	/* mbedTLS takes PEM with its NUL counted */
	int r = mbedtls_x509_crt_parse(&c->chain,
			(const unsigned char *)str_c(cert), cert->n + 1);

	if (r)
		return err_set(err, ERR_PERM, r > 0 ?
				"%s: %d certificates cannot be read" :
				"%s: no certificate in PEM form (%d)",
				cert_file, r);
	r = tls_parse_key(&c->key, (const unsigned char *)str_c(key),
			key->n + 1);
	if (r == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
		return err_set(err, ERR_PERM,
				"%s: a key with a password cannot be used",
				key_file);
	if (r)
		return err_set(err, ERR_PERM, "%s: no private key in PEM form"
				" (-0x%04x)", key_file, -r);
	if (tls_check_pair(&c->chain.pk, &c->key))
		return err_set(err, ERR_PERM,
				"%s is not the key of the certificate %s",
				key_file, cert_file);
	return 0;
}

struct tls_cert *tls_cert_read(const char *cert_file, const char *key_file,
		struct err *err)
{
	struct tls_cert *c = calloc(1, sizeof(*c));
	struct str cert, key;
	int r;

	if (!c) {
		err_nomem(err);
		return NULL;
	}
	mbedtls_x509_crt_init(&c->chain);
	mbedtls_pk_init(&c->key);
	str_init(&key, 0);
	r = read_pem(&cert, cert_file, err);
	if (!r)
		r = read_pem(&key, key_file, err);
	if (!r)
		r = parse(c, &cert, &key, cert_file, key_file, err);
	str_wipe(&cert);
	str_wipe(&key);
	if (!r)
		return c;
	tls_cert_free(c);
	return NULL;
}

void tls_cert_free(struct tls_cert *c)
{
	if (!c)
		return;
	mbedtls_x509_crt_free(&c->chain);
	mbedtls_pk_free(&c->key);
	free(c);
}

/* -- choosing -- */

/* RFC 6125 6.4.3: "*." stands for exactly one label. */
static bool matches(struct span pattern, struct span name)
{
	if (span_starts(pattern, "*.")) {
		pattern = span_rest(pattern, 1);
		name = span_rest(name, span_find(name, '.'));
	}
	return name.n && span_caseeq(pattern, name);
}

int tls_cert_is_for(const struct tls_cert *c, struct span name)
{
	if (!c->name || !matches(span_of(c->name), name))
		return 0;
	return c->name[0] == '*' ? 1 : 2;
}

/* -- making -- */

/* "2026-11-24T11:11:46Z" as X.509 has it: without what is no digit. */
static void put_digits(char out[DATE_SIZE], int64_t when)
{
	char date[DATE_SIZE];

	date_iso(date, when);
	for (const char *p = date; *p; p++)
		if (ascii_isdigit(*p))
			*out++ = *p;
	*out = '\0';
}

static int set_validity(mbedtls_x509write_cert *crt)
{
	/* a day for clocks that differ, and for the zones some mistake */
	int64_t now = (clock_plausible() ? clock_now() : CLOCK_EPOCH) - DAY;
	char from[DATE_SIZE], to[DATE_SIZE];

	put_digits(from, now);
	put_digits(to, now + LIFE * DAY);
	return mbedtls_x509write_crt_set_validity(crt, from, to);
}

static size_t put_length(unsigned char *to, size_t n)
{
	size_t i = 0;

	if (n > 127)
		to[i++] = n > 255 ? 0x82 : 0x81;
	if (n > 255)
		to[i++] = n >> 8;
	to[i++] = n & 255;
	return i;
}

/* SubjectAltName by hand, for 2.28 knows it not: SEQUENCE { [2] name }. */
static int set_san(mbedtls_x509write_cert *crt, struct span name)
{
	unsigned char inner[NAME_MOST + 4], der[NAME_MOST + 8];
	size_t n = 0, m = 0;

	inner[n++] = 0x80 | MBEDTLS_X509_SAN_DNS_NAME;
	n += put_length(inner + n, name.n);
	memcpy(inner + n, name.p, name.n);
	n += name.n;
	der[m++] = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
	m += put_length(der + m, n);
	memcpy(der + m, inner, n);
	return mbedtls_x509write_crt_set_extension(crt,
			MBEDTLS_OID_SUBJECT_ALT_NAME,
			MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME),
			0, der, m + n);
}

static int fill_in(mbedtls_x509write_cert *crt, mbedtls_pk_context *key,
		struct span name)
{
	unsigned char serial[16];
	char subject[CN_MOST + 4] = "CN=";
	int r;

	rand_bytes(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x7f) | 0x40;
	/* a long name stands in the extension only, which is what counts */
	if (str_copy(subject + 3, sizeof(subject) - 3, name))
		memcpy(subject + 3, "localhost", 10);
	mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(crt, key);
	mbedtls_x509write_crt_set_issuer_key(crt, key);
	r = tls_set_serial(crt, serial, sizeof(serial));
	if (!r)
		r = mbedtls_x509write_crt_set_subject_name(crt, subject);
	if (!r)
		r = mbedtls_x509write_crt_set_issuer_name(crt, subject);
	if (!r)
		r = set_validity(crt);
	if (!r)
		r = mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1);
	return r ? r : set_san(crt, name);
}

/* The key first: the certificate's being there says that all is done. */
static int save(mbedtls_x509write_cert *crt, mbedtls_pk_context *key,
		const char *cert_file, const char *key_file, struct err *err)
{
	unsigned char pem[2048];
	int r = mbedtls_pk_write_key_pem(key, pem, sizeof(pem));

	if (!r && file_replace(AT_FDCWD, key_file, 0600,
				span_of((char *)pem), err))
		goto out;
	if (!r)
		r = mbedtls_x509write_crt_pem(crt, pem, sizeof(pem), tls_rng,
				NULL);
	if (r) {
		err_set(err, ERR_TEMP, "no certificate could be made (-0x%04x)",
				-r);
		goto out;
	}
	r = file_replace(AT_FDCWD, cert_file, 0644, span_of((char *)pem), err);
	explicit_bzero(pem, sizeof(pem));
	return r;
out:
	explicit_bzero(pem, sizeof(pem));
	return -1;
}

int tls_make_cert(const char *cert_file, const char *key_file,
		const char *name, struct err *err)
{
	mbedtls_x509write_cert crt;
	mbedtls_pk_context key;
	int r;

	if (!addr_domain(span_of(name)))
		return err_set(err, ERR_PERM,
				"%s: no name for a certificate", name);
	mbedtls_x509write_crt_init(&crt);
	mbedtls_pk_init(&key);
	r = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (!r)
		r = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1,
				mbedtls_pk_ec(key), tls_rng, NULL);
	if (!r)
		r = fill_in(&crt, &key, span_of(name));
	if (r)
		r = err_set(err, ERR_TEMP,
				"no certificate could be made (-0x%04x)", -r);
	else
		r = save(&crt, &key, cert_file, key_file, err);
	mbedtls_x509write_crt_free(&crt);
	mbedtls_pk_free(&key);
	return r;
}
