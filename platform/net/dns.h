/* dns - look-ups on the loop: A, AAAA, MX, TXT, PTR, SRV (RFC 1035, 3596, 7505, 2308)
 *
 * UDP with TCP when truncated, each name server in turn, a fresh random id and
 * port each time; CNAME chains followed (8 at most) inside the answer and by
 * asking again. Packets are built and parsed with libc (res_mkquery, ns_parserr).
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <netinet/in.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"

enum dns_type {
	DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
	DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52
};

enum dns_status {
	DNS_OK,		/* one record or more */
	DNS_NODATA,	/* the name exists, this type does not */
	DNS_NXDOMAIN,	/* the name does not exist */
	DNS_FAIL,	/* SERVFAIL, REFUSED, time-out, nonsense: temporary */
	DNS_BAD_NAME	/* cannot be asked: label or name too long, empty label */
};

struct dns_record {
	enum dns_type type;
	uint32_t ttl;
	unsigned short preference;	/* MX; SRV's priority */
	unsigned short port;		/* SRV */
	union {
		struct in_addr a;
		struct in6_addr aaaa;
	} ip;
	const char *text;		/* MX or SRV host, PTR or CNAME name (lower case, no final dot; ""
					 * for the root: null MX), TXT joined strings, TLSA octets */
	size_t text_len;
};

struct dns_answer {
	enum dns_status status;
	int count;			/* at most DNS_MOST */
	const struct dns_record *records;	/* MX sorted by preference, random among equals */
	bool authentic;			/* AD bit; only meaningful from a trusted resolver */
	const char *name;		/* whose they are: behind CNAMEs the last; NULL: not known */
};
#define DNS_MOST 32

struct dns;
struct dns_query;

/* Name servers from conf, else /etc/resolv.conf (re-read when it changes), else 127.0.0.1. NULL: no memory. */
struct dns *dns_new(struct loop *l, const struct conf *conf);
/*
 * From now on DO is set (RFC 3225), as some resolvers say only then what is
 * authentic. One that does not know EDNS, or drops it, is asked without (RFC
 * 6891 7).
 */
void dns_want_proof(struct dns *d);
/* Pending queries are dropped without a call. */
void dns_free(struct dns *d);

/*
 * fn is called exactly once, from the loop, never inside dns_ask; the answer is good only
 * during the call. NULL when there is no memory. name without final dot; at
 * most 253 bytes; A-label form.
 */
struct dns_query *dns_ask(struct dns *d, struct span name, enum dns_type type,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg);
/* PTR of an address. */
struct dns_query *dns_ask_ptr(struct dns *d, const struct sockaddr *addr,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg);
/*
 * The address backwards and a zone: 1.2.0.192.in-addr.arpa, or the 32 nibbles
 * of IPv6. "" when it is neither. A zone of "" leaves the dot before it.
 */
#define DNS_REVERSE_SIZE 80
void dns_reverse(char out[DNS_REVERSE_SIZE], const struct sockaddr *addr,
		const char *v4_zone, const char *v6_zone);
void dns_cancel(struct dns_query *q);

#endif
