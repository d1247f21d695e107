/* header_utf8 - is there UTF-8 in a header of a message that streams by? (RFC 6532)
 *
 * Looked at are the header section of the message and those of its parts: fields that
 * begin with a Content- one behind a line that looks like a delimiter (RFC 2046 5.1.1).
 */
#ifndef MIME_HEADER_UTF8_H
#define MIME_HEADER_UTF8_H

#include <stdbool.h>
#include "base/span.h"

struct header_utf8 {
	bool found;			/* the answer so far */
	unsigned char state;		/* private from here */
	unsigned char n;		/* octets of this line, as far as they matter */
	unsigned char matched;		/* ... and of what it has to begin with */
	bool high;			/* it has an octet over 127 */
};

void header_utf8_init(struct header_utf8 *h);
/* Any piece, with LF or CRLF lines. */
void header_utf8_feed(struct header_utf8 *h, struct span piece);

#endif
