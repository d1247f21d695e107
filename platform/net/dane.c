#include "net/dane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAME_SIZE 256
#define DATA_MOST 8192			/* octets of a certificate, in DER */

struct dane {
	struct dns *dns;
	struct dns_query *query;	/* under way */
	dane_fn *fn;
	void *arg;
	unsigned port;
	enum dns_type type;		/* of the address look-up at hand */
	char host[NAME_SIZE];
	char base[NAME_SIZE];		/* the TLSA base domain that is asked for */
};

/* -- records -- */

/* RFC 7672 3.1.3: PKIX-TA(0) and PKIX-EE(1) are of no use for SMTP. */
static bool is_usable(const struct tls_pin *p)
{
	static const size_t sizes[] = { 0, 32, 64 };

	if (p->usage != TLS_PIN_SIGNER && p->usage != TLS_PIN_OWN)
		return false;
	if (p->selector > 1 || p->matching > 2 || !p->data.n)
		return false;
	return p->matching ? p->data.n == sizes[p->matching] :
		p->data.n <= DATA_MOST;
}

static bool take(const struct dns_record *r, struct tls_pin *p)
{
	if (r->type != DNS_TLSA || r->text_len < 3)
		return false;
	*p = (struct tls_pin){
		.usage = (unsigned char)r->text[0],
		.selector = (unsigned char)r->text[1],
		.matching = (unsigned char)r->text[2],
		.data = span_make(r->text + 3, r->text_len - 3)
	};
	return is_usable(p);
}

/* RFC 7671 9: of several digests for the same purpose the strongest alone. */
static bool is_weaker(const struct dns_answer *a, const struct tls_pin *p)
{
	struct tls_pin other;

	for (int i = 0; p->matching == 1 && i < a->count; i++)
		if (take(&a->records[i], &other) && other.matching == 2 &&
				other.usage == p->usage &&
				other.selector == p->selector)
			return true;
	return false;
}

struct tls_pins *dane_pins(const struct dns_answer *a)
{
	struct tls_pins *s = tls_pins_new((unsigned)a->count);
	struct tls_pin p;

	for (int i = 0; s && i < a->count; i++) {
		if (!take(&a->records[i], &p) || is_weaker(a, &p))
			continue;
		if (tls_pins_add(s, &p) < 0)
			break;
	}
	if (s && !s->expect.npins) {
		tls_pins_drop(s);
		return NULL;
	}
	return s;
}

/* -- look-ups -- */

void dane_cancel(struct dane *d)
{
	if (!d)
		return;
	dns_cancel(d->query);
	free(d);
}

static void finish(struct dane *d, enum dane_status status,
		struct tls_pins *pins)
{
	d->fn(d->arg, status, pins);
	free(d);
}

static void ask(struct dane *d, const char *name, enum dns_type type,
		void (*got)(void *arg, const struct dns_answer *a))
{
	d->query = dns_ask(d->dns, span_of(name), type, got, d);
	if (!d->query)
		finish(d, DANE_FAIL, NULL);
}

static void ask_tlsa(struct dane *d);

/* RFC 7672 2.2.3: records at the name that CNAMEs lead to go first. */
static void no_tlsa(struct dane *d)
{
	if (!strcmp(d->base, d->host)) {
		finish(d, DANE_NONE, NULL);
		return;
	}
	str_copys(d->base, sizeof(d->base), d->host);
	ask_tlsa(d);
}

static void got_tlsa(void *arg, const struct dns_answer *a)
{
	struct dane *d = arg;
	struct tls_pins *pins;

	d->query = NULL;
	/* a name too long to be asked has no such record */
	if (a->status == DNS_FAIL) {
		finish(d, DANE_FAIL, NULL);
		return;
	}
	if (a->status != DNS_OK || !a->authentic) {
		no_tlsa(d);
		return;
	}
	pins = dane_pins(a);
	if (!pins) {
		finish(d, DANE_UNUSABLE, NULL);
		return;
	}
	pins->name = strdup(d->base);
	/* RFC 7672 3.2.2: the base domain counts, and what led there */
	if (strcmp(d->base, d->host))
		tls_pins_name(pins, d->host);
	finish(d, DANE_PINS, pins);
}

static void ask_tlsa(struct dane *d)
{
	char name[NAME_SIZE + 32];

	snprintf(name, sizeof(name), "_%u._tcp.%s", d->port, d->base);
	ask(d, name, DNS_TLSA, got_tlsa);
}

/* The name is an alias that leads out of what is signed: is it signed itself? */
static void got_alias(void *arg, const struct dns_answer *a)
{
	struct dane *d = arg;

	d->query = NULL;
	if (a->status == DNS_FAIL)
		finish(d, DANE_FAIL, NULL);
	else if (a->status == DNS_OK && a->authentic)
		ask_tlsa(d);
	else
		finish(d, DANE_NONE, NULL);
}

/*
 * RFC 7672 2.2.2: TLSA is asked for only where the address is signed; name
 * servers that cannot answer for unknown types are hardly ever signed.
 */
static void got_address(void *arg, const struct dns_answer *a)
{
	struct dane *d = arg;
	bool alias = a->name && !span_is(span_of(a->name), d->host);

	d->query = NULL;
	if (a->status == DNS_FAIL) {
		finish(d, DANE_FAIL, NULL);
		return;
	}
	if (a->status == DNS_NODATA && d->type == DNS_A) {
		d->type = DNS_AAAA;
		ask(d, d->host, DNS_AAAA, got_address);
		return;
	}
	str_copys(d->base, sizeof(d->base), d->host);
	if (a->status != DNS_OK) {
		finish(d, DANE_NONE, NULL);
	} else if (a->authentic) {
		if (alias)
			str_copys(d->base, sizeof(d->base), a->name);
		ask_tlsa(d);
	} else if (alias) {
		ask(d, d->host, DNS_CNAME, got_alias);
	} else {
		finish(d, DANE_NONE, NULL);
	}
}

struct dane *dane_find(struct dns *dns, const char *host, unsigned port,
		dane_fn *fn, void *arg)
{
	struct dane *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->dns = dns;
	d->port = port;
	d->fn = fn;
	d->arg = arg;
	d->type = DNS_A;
	if (!str_copys(d->host, sizeof(d->host), host))
		d->query = dns_ask(dns, span_of(host), DNS_A, got_address, d);
	if (!d->query) {
		free(d);
		return NULL;
	}
	return d;
}
