/* charset - to UTF-8: built in UTF-8, US-ASCII, ISO-8859-1, -15, windows-1252; iconv where libc has it */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"

/* One text on its way to UTF-8, in pieces that may be cut inside a character. */
struct charset {
	/* private */
	unsigned char kind;
	unsigned char n;		/* octets of a character that is cut */
	unsigned char most;		/* new octets that iconv gets at a time */
	char held[8];
	void *iconv;
};

/*
 * name: what the sender says, aliases too. Empty, "us-ascii" and what means
 * as little: UTF-8 where it is that, else windows-1252, for each character. 0;
 * -1: unknown, then other octets than ASCII become U+FFFD. End it in any case.
 */
int charset_begin(struct charset *c, struct span name);
/* Appends whole characters; what is cut waits. At most 4 times the octets, and 32. */
void charset_put(struct charset *c, struct str *out, struct span piece);
/* What was cut becomes U+FFFD; out may be NULL. */
void charset_end(struct charset *c, struct str *out);
/* Does this name say what the octets are? Empty and "us-ascii" do not. */
bool charset_says(struct span name);

/* All of a text. 0 or -1 as above. */
int charset_to_utf8(struct str *out, struct span text, struct span charset);
/* 0x80 to 0x9F as windows-1252 has them; others as they are. */
uint32_t charset_cp1252(uint32_t c);

#endif
