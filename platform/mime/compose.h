/* compose - making a message: the fields that every message must have, replies */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"

/* "<UNIQUE@host>" */
void compose_message_id(struct str *out, const char *host);
/* Which of the fields that RFC 5322 3.6 and 6409 8 ask for are missing in this header section. */
enum { COMPOSE_NO_DATE = 1, COMPOSE_NO_FROM = 2, COMPOSE_NO_ID = 4, COMPOSE_NO_TO = 8 };
unsigned compose_missing(struct span header);
/* "NAME <ADDRESS>" for From, the name quoted or encoded where it has to be. */
void compose_author(struct str *out, struct span name, const char *address);
/* Adds "Re: " unless it stands there already. */
void compose_reply_subject(struct str *out, struct span subject);
/* References: of the answer from the original's References and Message-ID (RFC 5322 3.6.4). */
void compose_references(struct str *out, struct span header);
/*
 * What a body has that its encoding depends on; for pieces of whole lines, one
 * after the other, or the results together.
 */
enum {
	COMPOSE_HIGH = 1, COMPOSE_NOT_UTF8 = 2, COMPOSE_HARD = 4,
	COMPOSE_BINARY = 8	/* for compose_body: it goes as base64 */
};
unsigned compose_look(struct span body);
enum compose_encoding {
	COMPOSE_7BIT, COMPOSE_8BIT, COMPOSE_QP, COMPOSE_BASE64
};
/*
 * Content-Type and Content-Transfer-Encoding lines for such a body; gives the
 * encoding to use. A text type gets a charset parameter when it has none:
 * `charset` is that of a body that is not UTF-8, empty when nobody knows.
 */
enum compose_encoding compose_body(struct str *header, struct span type,
		struct span charset, unsigned look);
/* The same for plain text, with MIME-Version before it. */
enum compose_encoding compose_text(struct str *header, unsigned look);

#endif
