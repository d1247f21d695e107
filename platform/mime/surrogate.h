/* surrogate - a message with UTF-8 in its header for who reads ASCII alone
 *
 * RFC 6856 2.1 asks for it, RFC 6858 says how: display names and subjects
 * become encoded words, MIME parameters those of RFC 2231, domains their
 * A-labels, an address with such a local part another one that leads nowhere;
 * other fields with UTF-8 go. Header sections are those of the message and of
 * its parts, as header_utf8 sees them. Fields in ASCII, fields that are no
 * UTF-8, and the body pass as they are.
 */
#ifndef MIME_SURROGATE_H
#define MIME_SURROGATE_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

/* octets; of longer ones ? is what is no ASCII */
#define SURROGATE_FIELD_MOST 16384
#define SURROGATE_NOBODY "invalid@internationalized-address.invalid"

typedef void surrogate_put(void *arg, struct span piece);

struct surrogate {
	struct str field;		/* private: begun, and not over yet */
	unsigned char state;
	/* of this line, as far as they matter */
	unsigned char column, dashes;
	bool delimiter;			/* it looks like one */
};

void surrogate_init(struct surrogate *s);
/* Any piece, with LF lines; put gets what is for the reader, with LF lines. */
void surrogate_write(struct surrogate *s, struct span piece,
		surrogate_put *put, void *arg);
/* Behind the last piece; frees. */
void surrogate_end(struct surrogate *s, surrogate_put *put, void *arg);
void surrogate_free(struct surrogate *s);	/* in the middle of it */

/* One field, with its LFs, as it is for the reader; nothing: it goes. */
void surrogate_field(struct str *out, struct span field);

#endif
