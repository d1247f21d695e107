/* dane - what DNS says of a mail host's certificate (RFC 6698, 7671, 7672)
 *
 * Only for a name server that verifies DNSSEC and that nobody can speak for:
 * dns_answer's `authentic` is believed. DANE.
 */
#ifndef NET_DANE_H
#define NET_DANE_H

#include "net/dns.h"
#include "net/tls_pins.h"

enum dane_status {
	DANE_NONE,	/* nothing that is signed: not for this host */
	DANE_PINS,
	DANE_UNUSABLE,	/* signed, but none that we can use: TLS with whatever
			 * certificate, and nothing without (RFC 7672 2.2) */
	DANE_FAIL	/* it cannot be known now: not to this host (2.1.2) */
};

/*
 * Called once, from the loop. pins: with DANE_PINS, the taker's to drop; their
 * name is the TLSA base domain.
 */
typedef void dane_fn(void *arg, enum dane_status status,
		struct tls_pins *pins);

struct dane;
/*
 * host: as an MX record or the configuration has it, not an address. NULL: no
 * memory. Look-ups: A (AAAA), then TLSA of one or two names.
 */
struct dane *dane_find(struct dns *d, const char *host, unsigned port,
		dane_fn *fn, void *arg);
void dane_cancel(struct dane *d);	/* NULL is fine */

/* Of TLSA records those that are of use for SMTP. NULL: none, or no memory. */
struct tls_pins *dane_pins(const struct dns_answer *a);

#endif
