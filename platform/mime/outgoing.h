/* outgoing - the header section that a program hands over, made fit to be sent
 *
 * Used by sendmail and smtp: recipients are read from it, Bcc is taken out,
 * addresses get a domain, what RFC 5322 3.6 asks for is added.
 */
#ifndef MIME_OUTGOING_H
#define MIME_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/span.h"
#include "base/str.h"

#define OUTGOING_HEADER_MOST (256 * 1024)
#define OUTGOING_RCPT_MOST 10000

struct outgoing {
	struct arena *arena;		/* for the recipients */
	const char *domain;		/* of addresses that have none */
	const char *host;		/* our name, in a Message-ID */
	const char *from, *full_name;	/* for a From that is missing; name may be NULL */
	int64_t now;			/* for a missing Date; 0: no clock, none is added */
	bool from_header;		/* recipients from To, Cc and Bcc, too */

	const char **rcpt;		/* each of them once */
	uint32_t *hash;			/* of each */
	unsigned nrcpt, room;
	unsigned broken;		/* addresses that could not be read */
	bool utf8;			/* an address in a field is not ASCII */
};

/* Every address of the list becomes a recipient, unless it is one already. */
void outgoing_recipients(struct outgoing *o, struct span list);
/*
 * The first address in what -f or a program gives, "local@domain" in arena
 * memory: "" for none ("", "<>"), NULL when there is no address in it.
 */
const char *outgoing_address(struct outgoing *o, struct span text);
/* The same of an account's name, whatever is in it; NULL: no memory. */
const char *outgoing_account(struct outgoing *o, struct span name);
/* The header section as it is to be sent, LF lines, into out. */
void outgoing_header(struct outgoing *o, struct span header, struct str *out);

#endif
