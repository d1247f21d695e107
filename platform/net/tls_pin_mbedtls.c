/* Certificates that are known beforehand: by DANE, or by their fingerprints. */
#include "net/tls_mbedtls.h"

#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/sha256.h"
#include "base/str.h"

#define ANCHORS_MOST 8

static struct span hashed(mbedtls_md_type_t type, const mbedtls_x509_buf *b,
		unsigned char out[MBEDTLS_MD_MAX_SIZE])
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);

	if (!md || mbedtls_md(md, b->p, b->len, out))
		return span_make(NULL, 0);
	return span_make((const char *)out, mbedtls_md_get_size(md));
}

static bool fits(const struct tls_pin *p, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_buf *b = p->selector ? &crt->pk_raw : &crt->raw;
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];
	struct span got = p->matching == 0 ?
		span_make((const char *)b->p, b->len) :
		hashed(p->matching == 1 ? MBEDTLS_MD_SHA256 :
				MBEDTLS_MD_SHA512, b, hash);

	return got.n && span_eq(got, p->data);
}

static bool is_own(const struct tls_expect *e, const mbedtls_x509_crt *leaf)
{
	for (unsigned i = 0; i < e->npins; i++)
		if (e->pins[i].usage == TLS_PIN_OWN && fits(&e->pins[i], leaf))
			return true;
	return false;
}

/* What one pin says of who may have signed: from the chain, or the pin itself. */
static int add_anchors(const struct tls_pin *p, const mbedtls_x509_crt *leaf,
		mbedtls_x509_crt *anchors)
{
	const mbedtls_x509_crt *crt;
	int n = 0;

	if (p->usage != TLS_PIN_SIGNER)
		return 0;
	for (crt = leaf->next; crt; crt = crt->next)
		if (fits(p, crt) && !mbedtls_x509_crt_parse_der(anchors,
					crt->raw.p, crt->raw.len))
			n++;
	/* RFC 7671 5.2.2: all of it is in DNS, so the chain may lack it */
	if (!n && !p->selector && !p->matching && !fits(p, leaf) &&
			!mbedtls_x509_crt_parse_der(anchors,
				(const unsigned char *)p->data.p, p->data.n))
		n++;
	return n;
}

/* The flags for the name that suits best. */
static uint32_t check_names(const struct tls *t, mbedtls_x509_crt *chain,
		mbedtls_x509_crt *anchors, int bundle)
{
	const char *name = t->name;
	uint32_t flags;
	int i = 0;

	do {
		flags = 0;
		if (anchors)
			mbedtls_x509_crt_verify(chain, anchors, NULL, name,
					&flags, NULL, NULL);
		else
			flags = tls_trust_check(bundle, chain, name);
		name = i < TLS_NAMES_MOST ? t->expect->names[i] : NULL;
		i++;
	} while (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH && name);
	return flags;
}

static uint32_t judge(struct tls *t, mbedtls_x509_crt *chain)
{
	const struct tls_expect *e = t->expect;
	uint32_t flags = TLS_NO_PIN;
	mbedtls_x509_crt anchors;
	int n = 0;

	if (!e->npins)
		return check_names(t, chain, NULL, t->ctx->bundle);
	/* RFC 7671 5.1: neither its names nor its dates count */
	t->pinned = is_own(e, chain);
	if (t->pinned)
		return 0;
	mbedtls_x509_crt_init(&anchors);
	for (unsigned i = 0; i < e->npins && n < ANCHORS_MOST; i++)
		n += add_anchors(&e->pins[i], chain, &anchors);
	if (n)
		flags = check_names(t, chain, &anchors, -1);
	mbedtls_x509_crt_free(&anchors);
	return flags;
}

static void add(struct str *all, const void *p, size_t n)
{
	str_add(all, span_make(p, n));
}

/*
 * A session is taken up again only under the same expectation: it shows no
 * certificate that could be looked at.
 */
static char *make_key(const struct tls *t)
{
	const struct tls_expect *e = t->expect;
	unsigned char hash[SHA256_SIZE];
	struct str all;
	char *key = NULL;

	str_init(&all, 1024 * 1024);
	for (unsigned i = 0; i < e->npins; i++) {
		add(&all, &e->pins[i].usage, 1);
		add(&all, &e->pins[i].selector, 1);
		add(&all, &e->pins[i].matching, 1);
		add(&all, &e->pins[i].data.n, sizeof(e->pins[i].data.n));
		str_add(&all, e->pins[i].data);
	}
	for (int i = 0; i < TLS_NAMES_MOST; i++)
		if (e->names[i])
			add(&all, e->names[i], strlen(e->names[i]) + 1);
	sha256(hash, str_span(&all));
	if (!all.bad && asprintf(&key, "%s %02x%02x%02x%02x%02x%02x%02x%02x"
			"%02x%02x%02x%02x%02x%02x%02x%02x", t->name, hash[0],
			hash[1], hash[2], hash[3], hash[4], hash[5], hash[6],
			hash[7], hash[8], hash[9], hash[10], hash[11],
			hash[12], hash[13], hash[14], hash[15]) < 0)
		key = NULL;
	str_free(&all);
	return key;
}

void tls_expect(struct tls *t, const struct tls_expect *e)
{
	t->expect = e;
	t->judge = judge;
	t->note = e->note;
	/* NULL, without memory: then no session is taken up or kept */
	t->key = make_key(t);
}
