/* mx - the hosts that take mail for a domain, with their addresses (RFC 5321 5, 7505)
 *
 * Used by queue and smtp.
 */
#ifndef NET_MX_H
#define NET_MX_H

#include "net/dns.h"
#include "net/smtp_client.h"

#define MX_HOSTS 8		/* exchangers looked up per domain */
#define MX_TARGETS 16		/* addresses in all */
#define MX_FAMILY 4		/* ... of one host, of IPv4, and as many of IPv6 */

struct mx_target {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	unsigned preference;	/* the lower the better; equal ones in any order */
	char name[256];		/* of the host */
};

struct mx_question {
	/* domain, host (asked for in A-labels) or address literal, with or without brackets */
	const char *name;
	unsigned port;
	bool exchangers;	/* ask for MX first; else only for the name's own addresses */
	/*
	 * With exchangers: our own name and addresses, and exchangers that are no
	 * better, are left out (RFC 5321 5.1); loopback addresses, unless true.
	 */
	const char *self;
	bool loopback;
};

/*
 * Called once, from the loop: n targets, best first, random among equals. With
 * none why says it: ERR_PERM no such domain, null MX, nobody there; ERR_TEMP name
 * servers do not answer. Both are good only during the call.
 */
typedef void mx_fn(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why);

struct mx;
/* NULL: no memory. The strings of q are copied. */
struct mx *mx_find(struct loop *l, struct dns *d, const struct mx_question *q,
		mx_fn *fn, void *arg);
void mx_cancel(struct mx *m);	/* NULL is fine */

#endif
