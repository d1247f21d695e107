/* part - the MIME structure of a message (RFC 2045, 2046) */
#ifndef MIME_PART_H
#define MIME_PART_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

struct part {
	struct span type, subtype;	/* "text", "plain" when nothing is said */
	struct span charset;		/* parameter; empty: none */
	struct span name;		/* name= or filename=, raw */
	struct span encoding;		/* Content-Transfer-Encoding; empty: 7bit */
	struct span header, body;
	unsigned depth;
	bool attachment;
};

/* Each leaf part in order, at most 20 deep and 1000 parts; fn false stops. */
void part_each(struct span message, bool (*fn)(void *arg, const struct part *p),
		void *arg);
/* The body with its transfer encoding undone, and for text its charset made UTF-8. */
void part_decode(struct str *out, const struct part *p);
/* Base64 as mail carries it: line ends and other characters in it are skipped. */
void part_base64(struct str *out, struct span in);
/* The first word of a structured value: "text/plain", "base64". */
struct span part_token(struct span value);
/* One parameter of a structured value ("text/plain; charset=x"), quotes kept out; empty: none. */
struct span part_param(struct span value, const char *name);

#endif
