/* A server's certificate in words: for smtp --check. */
#include "net/tls_mbedtls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/sha256.h"
#include "base/str.h"

/* Whatever stands in a certificate, it is printed: no control characters. */
static void put_name(char out[TLS_SHOWN_SIZE], const mbedtls_x509_name *name)
{
	int n = mbedtls_x509_dn_gets(out, TLS_SHOWN_SIZE, name);

	if (n < 0)
		str_copys(out, TLS_SHOWN_SIZE, "(too long)");
	for (char *c = out; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
}

static int64_t seconds(const mbedtls_x509_time *t)
{
	struct tm tm = {
		.tm_year = t->year - 1900, .tm_mon = t->mon - 1,
		.tm_mday = t->day, .tm_hour = t->hour, .tm_min = t->min,
		.tm_sec = t->sec
	};

	return timegm(&tm);
}

static bool is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127)
			return false;
	return s.n;
}

/* RFC 5280 4.2.1.6: dNSName and iPAddress. */
static bool alt_name(const mbedtls_x509_buf *b, char *out, size_t size)
{
	struct span s = span_make((const char *)b->p, b->len);

	switch (b->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) {
	case MBEDTLS_X509_SAN_DNS_NAME:
		return is_printable(s) && str_copy(out, size, s) == 0;
	case MBEDTLS_X509_SAN_IP_ADDRESS:
		return (s.n == 4 || s.n == 16) && inet_ntop(s.n == 4 ? AF_INET :
				AF_INET6, s.p, out, (socklen_t)size);
	default:
		return false;
	}
}

static void put_names(struct tls_shown *s, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_sequence *san = &crt->subject_alt_names;
	size_t n = 0;
	char name[TLS_SHOWN_SIZE];

	for (; san && san->buf.p; san = san->next) {
		size_t len;

		if (!alt_name(&san->buf, name, sizeof(name)))
			continue;
		len = strlen(name);
		if (n + len + 2 > sizeof(s->names))
			break;
		if (n)
			s->names[n++] = ' ';
		memcpy(s->names + n, name, len + 1);
		n += len;
	}
}

static void fill(struct tls_shown *s, const mbedtls_x509_crt *chain)
{
	*s = (struct tls_shown){
		.from = seconds(&chain->valid_from),
		.until = seconds(&chain->valid_to),
		.key_bits = (unsigned)mbedtls_pk_get_bitlen(&chain->pk)
	};
	put_name(s->subject, &chain->subject);
	put_name(s->issuer, &chain->issuer);
	put_names(s, chain);
	sha256(s->hash, span_make((const char *)chain->raw.p, chain->raw.len));
	sha256(s->key_hash, span_make((const char *)chain->pk_raw.p,
				chain->pk_raw.len));
	for (const mbedtls_x509_crt *c = chain->next; c; c = c->next)
		s->above++;
}

static void watch(struct tls *t, mbedtls_x509_crt *chain)
{
	uint32_t flags = tls_trust_check(t->ctx->bundle, chain, t->name);
	struct tls_shown s;

	fill(&s, chain);
	s.no_bundle = t->ctx->bundle < 0;
	s.fault = flags ? tls_trust_fault(flags) : NULL;
	t->ctx->shown(t->ctx->shown_arg, &s);
}

void tls_client_watch(struct tls_ctx *c, void (*fn)(void *arg,
		const struct tls_shown *s), void *arg)
{
	c->watch = watch;
	c->shown = fn;
	c->shown_arg = arg;
}

int tls_look(const char *cert_file, const char *key_file, const char *ca_file,
		struct tls_shown *s, struct err *err)
{
	struct tls_cert *c = tls_cert_read(cert_file, key_file, err);
	int bundle;
	uint32_t flags;

	if (!c)
		return -1;
	fill(s, &c->chain);
	bundle = tls_trust_open(ca_file, NULL);
	s->no_bundle = bundle < 0;
	/* names and dates are told by themselves */
	flags = bundle < 0 ? 0 : tls_trust_check(bundle, &c->chain, NULL) &
		~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED |
				MBEDTLS_X509_BADCERT_FUTURE |
				MBEDTLS_X509_BADCERT_CN_MISMATCH);
	s->fault = flags ? tls_trust_fault(flags) : NULL;
	if (bundle >= 0)
		close(bundle);
	tls_cert_free(c);
	return 0;
}
