/* rewrite - other addresses in the header section of a message (RFC 5322 3.4)
 *
 * Display names, encoded words, comments, groups and folding stay octet for
 * octet; only an address itself becomes another. What cannot be understood as
 * an address stays as it is.
 */
#ifndef MIME_REWRITE_H
#define MIME_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/span.h"
#include "base/str.h"
#include "mime/addr.h"

/*
 * Appends what an address becomes; false: it stays. Its local part is as it was
 * written; without a domain it is empty.
 */
typedef bool rewrite_fn(void *arg, const struct addr *a, struct str *out);

struct rewrite {
	rewrite_fn *map;	/* for each address; NULL: none */
	void *arg;
	/*
	 * The one address that From and Sender may have, or NULL: any. What From
	 * was goes into Reply-To, where there is none, else X-Original-From.
	 */
	const char *from;
	bool cut;		/* the section goes on behind what is here */
};

/*
 * Appends the fields at the start of `in` (CRLF lines) with other addresses,
 * and without NULs (RFC 5322 4). *used: how many octets of `in` these fields
 * were; the blank line, or what no field is, comes next. False: nothing is to be
 * changed, and out is worth nothing. out->bad: no room.
 */
bool rewrite_header(struct str *out, struct span in, const struct rewrite *r,
		size_t *used);

#endif
