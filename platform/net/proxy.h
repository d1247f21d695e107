/* proxy - the PROXY protocol of front ends: who the client behind them is
 *
 * haproxy.org, proxy-protocol.txt: versions 1 (a line of text) and 2 (binary).
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <netinet/in.h>
#include <stdbool.h>
#include "base/span.h"
#include "net/loop.h"

#define PROXY_MOST 1024		/* octets of a header, with its TLVs */

enum proxy_status { PROXY_MORE, PROXY_OK, PROXY_BAD };

struct proxy_header {
	size_t length;			/* octets that belong to it */
	/*
	 * sa_family AF_UNSPEC: the front end speaks for itself (LOCAL), or has
	 * no address that we know (UNKNOWN, UDP, a unix socket).
	 */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} source;
};

/*
 * What in begins with. MORE: all of it belongs to a header that has not ended
 * yet; out is filled in with OK only.
 */
enum proxy_status proxy_parse(struct span in, struct proxy_header *out);

/*
 * Takes a header off fd, and no octet behind it, then calls done once, from
 * the loop. header NULL: none came in time (ten seconds), or it was wrong;
 * why says so, or is NULL when the peer has only gone. fd is the callee's in
 * any case. NULL: no memory, and fd is still the caller's.
 */
struct proxy *proxy_read(struct loop *l, int fd,
		void (*done)(void *arg, int fd, const struct proxy_header *h,
			const char *why), void *arg);

#endif
