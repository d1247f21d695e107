/* addr - addresses: RFC 5321 paths on the wire, RFC 5322 lists in headers */
#ifndef MIME_ADDR_H
#define MIME_ADDR_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/span.h"
#include "base/str.h"

#define ADDR_MAX 256		/* RFC 5321 4.5.3.1.3: a path, <> included */

struct addr {
	struct span local;	/* as written, quotes included */
	struct span domain;	/* "a.com", "[192.0.2.1]"; empty: none given */
};

/*
 * Takes a path "<...>" off *in: source routes skipped, null path gives two
 * empty spans, <postmaster> without domain is fine (RFC 5321 4.1.1.3). The
 * whole grammar: quoted strings, address literals, 64/255 octet limits (but 64
 * for forwarders' SRS0=, SRS1=); one
 * dot behind the domain is left out of it; other than ASCII only when utf8 is
 * set, and then clean UTF-8 (RFC 6531 3.3). False: syntax error, *in unchanged.
 */
bool addr_path(struct span *in, struct addr *out, bool utf8);
/* local@domain without brackets. */
bool addr_parse(struct span in, struct addr *out, bool utf8);
/* A domain name of letters, digits, hyphens (LDH) and dots; 1..253; one trailing dot refused. */
bool addr_domain(struct span s);
/* "[192.0.2.1]", "[IPv6:...]" */
bool addr_literal(struct span s);
/* local part without needless quotes ("a.b"@c and a.b@c are the same address), into out. */
void addr_local_plain(struct str *out, struct span local);
/* "local@domain" into out; local quoted when it must be. */
void addr_put(struct str *out, const struct addr *a);

/* At the last "@"; nothing is checked. */
struct addr addr_split(struct span address);
/* As addr_put, the domain in A-labels: all ASCII, if the local part is. */
void addr_put_ascii(struct str *out, const struct addr *a);
/*
 * The same mailbox? Domains are compared as names, local parts octet by octet (RFC
 * 5321 2.4): what case means in them is for their host to know.
 */
bool addr_same(struct span a, struct span b);

/* One entry of a To:, Cc:, From: list. */
struct addr_entry {
	struct span name;	/* display name, raw: quotes and encoded words not undone; may be empty */
	struct addr addr;
};
/*
 * RFC 5322 address-list: calls fn for each mailbox, groups opened up,
 * comments skipped; broken entries are skipped to the next comma. fn false
 * stops. Gives the number of broken ones.
 */
int addr_each(struct span list, bool (*fn)(void *arg, const struct addr_entry *),
		void *arg);

/* The text as a quoted string (RFC 5322 3.2.4). */
void addr_put_quoted(struct str *out, struct span plain);

#endif
