/* transfer - base64 and quoted-printable undone as they come (RFC 2045 6.7, 6.8)
 *
 * In pieces that are cut anywhere; a few octets of state.
 */
#ifndef MIME_TRANSFER_H
#define MIME_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"

#define TRANSFER_HELD 80	/* octets of quoted-printable that wait for what follows */

struct transfer {
	enum { TRANSFER_NONE, TRANSFER_BASE64, TRANSFER_QP } kind;
	/* private */
	unsigned n;		/* base64: characters in bits; qp: octets held */
	uint32_t bits;
	bool padded, judging;	/* there was padding; the line is held */
	unsigned held_n;	/* of such a line */
	char held[TRANSFER_HELD];
};

/* encoding: the word of Content-Transfer-Encoding; what is not known is none. */
void transfer_begin(struct transfer *t, struct span encoding);
/*
 * Appends what the piece says: never more octets than it has, and those held
 * (TRANSFER_HELD at most). Lenient: other characters in base64 are skipped,
 * bad escapes of quoted-printable stay as they are,
 * lines behind base64's padding that are none, too.
 */
void transfer_put(struct transfer *t, struct str *out, struct span piece);
/* What was held. */
void transfer_end(struct transfer *t, struct str *out);

#endif
