/* dns_packet - queries made and answers read (RFC 1035 4); pure, for dns.c only */
#ifndef NET_DNS_PACKET_H
#define NET_DNS_PACKET_H

#include "base/arena.h"
#include "net/dns.h"

/* header, 255 octets of name, type, class, OPT */
#define DNS_QUERY_SIZE 300
/* octets over UDP: what passes everywhere unbroken */
#define DNS_EDNS_SIZE 1232
#define DNS_NAME_SIZE 256
#define DNS_CHAIN_MOST 8	/* CNAMEs followed in all */

/*
 * The octets of a question into out; 0: such a name cannot be asked (empty or
 * long labels, over 253 octets, octets that no mail domain has). proof: with
 * EDNS and DO, for resolvers that say AD to nobody else (RFC 3225).
 */
size_t dns_packet_query(unsigned char out[DNS_QUERY_SIZE], unsigned id,
		struct span name, enum dns_type type, bool proof);

enum dns_verdict {
	DNS_STRAY,	/* no answer to this question: forged, late, garbage */
	DNS_TRUNCATED,	/* ask again over TCP */
	DNS_REFUSED,	/* this server cannot say: SERVFAIL, REFUSED, a referral */
	DNS_ANSWERED,	/* answer is filled in, its memory is the arena's */
	DNS_FOLLOW,	/* the answer ends in a CNAME: ask for `next` */
	DNS_LOOP	/* CNAMEs without end */
};

struct dns_reading {
	struct dns_answer answer;
	char next[DNS_NAME_SIZE];
	unsigned chain;		/* in and out: CNAMEs followed so far */
};

/* What packet says about the question that had this id. */
enum dns_verdict dns_packet_read(struct span packet, unsigned id,
		struct span name, enum dns_type type, struct arena *a,
		struct dns_reading *r);

#endif
