/* narrow - a message made fit for a narrow way (RFC 6152 3, RFC 5321 4.5.3.1.6)
 *
 * The next host may take 7-bit octets only, and no host need take lines over
 * 998 octets or NULs. Leaves of the MIME tree with such in them become
 * quoted-printable (text) or base64 (the rest); everything else stays as it is.
 * What a leaf holds is known only at its end, when its header has gone out: so
 * the message is gone through twice, first narrow_look, then narrow_write.
 * Memory is bounded: sizeof(struct narrow), some 8 kB.
 *
 * As Postfix does (8 bit to 7 bit in its mime_state.c):
 * - octets over 127 in header fields go as they are;
 * - a part of multipart/signed is converted like any other, though its signature
 *   (and DKIM's) is then broken: RFC 1847 2.1 has signers write 7 bit;
 * - what cannot be encoded goes as it is: multipart without a boundary,
 *   message/partial, encodings that we do not know; but their long lines are
 *   folded, and so are those of header fields (RFC 5322 2.2.3).
 * Not as Postfix: what counts is what is there, not what a header says of it.
 */
#ifndef MIME_NARROW_H
#define MIME_NARROW_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

#define NARROW_LINE_MOST 998	/* RFC 5321 4.5.3.1.6, without the CRLF */

/* A fast look: is there any need? */
struct narrow_scan {
	unsigned column;		/* private */
	bool eight_bit, nul, long_line;
	bool ends;			/* the last octet was a LF (or none was) */
};
void narrow_scan_init(struct narrow_scan *s);
void narrow_scan(struct narrow_scan *s, struct span piece);

struct narrow;
/* seven: octets over 127 have to go, too. NULL: no memory. */
struct narrow *narrow_new(bool seven);
void narrow_free(struct narrow *n);		/* may be NULL */

/* Any pieces with LF or CRLF lines; then the end. */
void narrow_look(struct narrow *n, struct span piece);
void narrow_look_end(struct narrow *n);
/* After that: would anything be changed? */
bool narrow_needed(const struct narrow *n);
/* ... by about how many octets would it grow? */
uint64_t narrow_growth(const struct narrow *n);
/* ... or can it not be: 8-bit octets are nested too deep. */
bool narrow_impossible(const struct narrow *n);

/* The same octets once more: put gets the result, with CRLF lines. */
void narrow_write(struct narrow *n, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg);
void narrow_write_end(struct narrow *n,
		void (*put)(void *arg, struct span piece), void *arg);

#endif
