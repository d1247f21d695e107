/* word - encoded words in headers (RFC 2047), both ways, always UTF-8 inside */
#ifndef MIME_WORD_H
#define MIME_WORD_H

#include "base/span.h"
#include "base/str.h"

/* Decodes all encoded words in an unfolded value; what cannot be decoded stays. */
void word_decode(struct str *out, struct span value);
/* Encodes UTF-8 text for Subject and display names; ASCII passes as it is. */
void word_encode(struct str *out, struct span text);
/* All of it encoded, also what need not be. */
void word_encode_whole(struct str *out, struct span text);

#endif
