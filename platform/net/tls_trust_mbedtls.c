#include "net/tls_mbedtls.h"

#include <mbedtls/x509_crt.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/base64.h"
#include "base/date.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/text.h"

/*
 * A CA bundle is 140 certificates, which parsed cost half a megabyte of
 * heap and a router a tenth of a second at each start. So it stays on disk, and
 * a check reads through it and keeps the few certificates that have the
 * name of an issuer in them.
 */
#define BLOCK_MOST 8192			/* bytes of one certificate in PEM */
#define ISSUERS_MOST 16

static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
static const char end_line[] = "-----END CERTIFICATE-----";

struct scan {
	mbedtls_x509_crt *found;
	const mbedtls_x509_crt *chain;
	int nfound;
	char text[BLOCK_MOST];
	unsigned char der[BLOCK_MOST / 4 * 3];
};

static bool is_issuer(const struct scan *s, size_t n)
{
	const mbedtls_x509_crt *c;

	for (c = s->chain; c; c = c->next) {
		if (c->issuer_raw.len &&
		    memmem(s->der, n, c->issuer_raw.p, c->issuer_raw.len))
			return true;
	}
	return false;
}

/* text[from, to) is base64 with line ends, which are pushed out. */
static void take(struct scan *s, size_t from, size_t to)
{
	size_t i, n = 0;
	ssize_t der;

	for (i = from; i < to; i++) {
		if (!ascii_isspace(s->text[i]))
			s->text[from + n++] = s->text[i];
	}
	der = base64_get(s->der, sizeof(s->der), span_make(s->text + from, n));
	if (der <= 0 || s->nfound == ISSUERS_MOST || !is_issuer(s, der))
		return;
	if (!mbedtls_x509_crt_parse_der(s->found, s->der, der))
		s->nfound++;
}

/*
 * One certificate of the n bytes at s->text, as far as there is one. Gives by
 * how much to go on in the file, 0 at its end.
 */
static size_t step(struct scan *s, size_t n)
{
	const size_t mark = sizeof(begin_line) - 1;
	char *begin = memmem(s->text, n, begin_line, mark), *end;
	size_t from;

	if (!begin)
		return n == sizeof(s->text) ? n - mark : 0;
	from = begin - s->text;
	end = memmem(begin, n - from, end_line, sizeof(end_line) - 1);
	if (end) {
		take(s, from + mark, end - s->text);
		return end - s->text + sizeof(end_line) - 1;
	}
	if (n < sizeof(s->text))
		return 0;
	return from ? from : mark;	/* it starts at 0 and is too big */
}

static int scan_bundle(struct scan *s, int bundle)
{
	int64_t at = 0;
	size_t step_by;
	ssize_t n;

	do {
		n = file_pread(bundle, s->text, sizeof(s->text), at);
		if (n < 0)
			return -1;
		step_by = step(s, n);
		at += step_by;
	} while (step_by);
	return 0;
}

int tls_trust_open(const char *ca_file, struct err *err)
{
	char text[BLOCK_MOST];
	int fd = open(ca_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return err_errno(err, "%s", ca_file);
	n = file_pread(fd, text, sizeof(text), 0);
	if (n > 0 && memmem(text, n, begin_line, sizeof(begin_line) - 1))
		return fd;
	close(fd);
	return err_set(err, ERR_PERM, "%s: no certificate in PEM form",
			ca_file);
}

uint32_t tls_trust_check(int bundle, mbedtls_x509_crt *chain, const char *name)
{
	uint32_t flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	mbedtls_x509_crt found;
	struct scan *s;

	if (bundle < 0)
		return flags;
	s = malloc(sizeof(*s));
	if (!s)
		return flags;
	mbedtls_x509_crt_init(&found);
	s->found = &found;
	s->chain = chain;
	s->nfound = 0;
	if (!scan_bundle(s, bundle))
		mbedtls_x509_crt_verify(chain, s->nfound ? &found : NULL, NULL,
				name, &flags, NULL, NULL);
	mbedtls_x509_crt_free(&found);
	free(s);
	return flags;
}

static const struct {
	uint32_t flags;
	const char *text;
} reasons[] = {
	{ TLS_NO_PIN, N_("is not one that was named") },
	{ MBEDTLS_X509_BADCERT_REVOKED, N_("has been revoked") },
	{ MBEDTLS_X509_BADCERT_EXPIRED, N_("has expired") },
	{ MBEDTLS_X509_BADCERT_FUTURE, N_("is not valid yet") },
	{ MBEDTLS_X509_BADCERT_CN_MISMATCH, N_("is for another name") },
	{ MBEDTLS_X509_BADCERT_NOT_TRUSTED,
		N_("is not signed by a CA that we trust") },
	{ MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
		MBEDTLS_X509_BADCERT_BAD_KEY, N_("is too weak") },
	{ MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
		N_("is for another use") },
	{ UINT32_MAX, N_("cannot be accepted") }
};

const char *tls_trust_fault(uint32_t flags)
{
	int i = 0;

	while (reasons[i].flags != UINT32_MAX && !(flags & reasons[i].flags))
		i++;
	return reasons[i].text;
}

/* Without a clock nothing is known about dates: that may pass. */
int tls_trust_refused(struct err *err, const char *name, uint32_t flags)
{
	const uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED |
		MBEDTLS_X509_BADCERT_FUTURE;
	char now[DATE_SIZE];
	const char *text = tls_trust_fault(flags);

	if (text != tls_trust_fault(flags & dates))
		return err_set(err, ERR_PERM, "the certificate of %s %s", name,
				text);
	date_iso(now, clock_now());
	return err_set(err, clock_plausible() ? ERR_PERM : ERR_TEMP,
			"the certificate of %s %s (the clock says %.10s)",
			name, text, now);
}
