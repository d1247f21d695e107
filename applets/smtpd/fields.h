/* fields - what a submission server adds to a message (RFC 6409 8.2, 8.3) */
#ifndef SMTPD_FIELDS_H
#define SMTPD_FIELDS_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

/* The header section streams by; its names are noted. */
struct smtpd_fields {
	unsigned seen;			/* COMPOSE_NO_ bits: not missing */
	unsigned char state, n;		/* private */
	bool done;			/* its end was seen */
	char name[10];			/* of the field so far: "message-id" */
};

#define SMTPD_FIELDS_SIZE 1024		/* the longest that is added */

void smtpd_fields_init(struct smtpd_fields *f);
/* How much of piece (CRLF lines) stands before the empty line that ends it. */
size_t smtpd_fields_scan(struct smtpd_fields *f, struct span piece);
/* Date, From and Message-ID lines, those that were not there. */
void smtpd_fields_add(const struct smtpd_fields *f, const char *sender,
		const char *host, struct str *out);

#endif
