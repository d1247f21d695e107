/* tls_pins - what a server's certificate has to be, made at run time and shared
 *
 * Several connections to one host, and whoever looks it up anew meanwhile,
 * keep one of these each. TLS_POLICY.
 */
#ifndef NET_TLS_PINS_H
#define NET_TLS_PINS_H

#include "net/tls.h"
#include "os/conf.h"

struct tls_pins {
	struct tls_expect expect;	/* for tls_expect */
	char *name;			/* the server's, for SNI; NULL: its host's */
	unsigned refs, room;		/* private */
	struct tls_pin pin[];
};

/* Room for this many; the caller's until tls_pins_drop. NULL: no memory. */
struct tls_pins *tls_pins_new(unsigned most);
/* p's data are copied. -1: no memory, or no room. */
int tls_pins_add(struct tls_pins *s, const struct tls_pin *p);
/* One more name that is good, copied; what does not fit is left out. */
void tls_pins_name(struct tls_pins *s, const char *name);
/* Each fingerprint may be the certificate's or the public key's. */
struct tls_pins *tls_pins_of(const struct conf_hash *hashes);

struct tls_pins *tls_pins_hold(struct tls_pins *s);	/* gives s */
void tls_pins_drop(struct tls_pins *s);			/* NULL is fine */

#endif
