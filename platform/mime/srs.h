/* srs - the Sender Rewriting Scheme: a sender of ours that leads to another
 *
 * SRS0=HASH=TT=DOMAIN=LOCAL@ours for LOCAL@DOMAIN, and for who has done the
 * same before us SRS1=HASH=FIRST=...@ours, which leads back to him at once. The
 * hash (HMAC-SHA-256, base 32, 25 bits) keeps others from sending through us to
 * whom they like, and is compared, like all, without case: hosts on the way may
 * change it. Only who has made such an address reads it.
 */
#ifndef MIME_SRS_H
#define MIME_SRS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"

#define SRS_SECRETS_MOST 4
#define SRS_SECRET_SIZE 65
#define SRS_DAYS 21		/* that a report may be on its way */

struct srs {
	char domain[256];	/* of ours */
	unsigned n;		/* the first one signs, all are good */
	char secret[SRS_SECRETS_MOST][SRS_SECRET_SIZE];
};

/*
 * Appends the address to be said in place of sender. now: seconds. False: it
 * stays as it is: the null sender, or too long for an address.
 */
bool srs_forward(struct str *out, const struct srs *s, struct span sender,
		int64_t now);

enum srs_result {
	SRS_NONE,		/* another address */
	SRS_GOOD,
	SRS_BAD			/* forged, damaged, or too old */
};
/*
 * The local part of an address in the domain of ours: appends whom it stands for.
 * now below 0: its age is not looked at.
 */
enum srs_result srs_reverse(struct str *out, const struct srs *s,
		struct span local, int64_t now);

#endif
