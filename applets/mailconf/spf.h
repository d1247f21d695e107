/* spf - may this address send for this domain? (RFC 7208)
 *
 * For mailconf --doctor: what the world will say of our own mail. Macros, ptr
 * and exists are not worked out; what hangs on them is "unsure".
 */
#ifndef MAILCONF_SPF_H
#define MAILCONF_SPF_H

#include <stdbool.h>
#include "base/span.h"
#include "net/dns.h"

enum spf_result {
	SPF_NONE,		/* there is no record */
	SPF_PASS, SPF_NEUTRAL, SPF_SOFTFAIL, SPF_FAIL,
	SPF_BAD,		/* PermError: the record is broken, or there are two */
	SPF_TEMP		/* the DNS does not answer */
};

struct spf {
	/* the answer is good until the next call */
	const struct dns_answer *(*ask)(void *arg, const char *name,
			enum dns_type type);
	void *arg;
	unsigned char ip[16];		/* IPv4 as ::ffff:a.b.c.d */
	const char *provider;		/* a host; NULL: none */
	/* out */
	bool unsure;
	bool names_provider;		/* a record names that host's domain */
	unsigned lookups;
};

#define SPF_RECORD_MOST 2048
enum spf_result spf_check(struct spf *s, const char *domain);
/* Do these hosts belong to the same domain, as far as names tell? */
bool spf_same_house(struct span a, struct span b);

#endif
