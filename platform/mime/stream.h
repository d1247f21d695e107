/* stream - the parts of a message while its octets come (RFC 2045, 2046)
 *
 * Memory does not grow with the message: one header field, the boundaries that
 * are open, the start of a line. What is broken is taken as well as can be: a
 * missing end, a header without its blank line, a delimiter that never comes.
 */
#ifndef MIME_STREAM_H
#define MIME_STREAM_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"
#include "mime/header.h"

#define STREAM_DEPTH 1024	/* multiparts and messages inside each other */
#define STREAM_BOUNDARY 200	/* RFC 2046 5.1.1 says 70; some write more */
#define STREAM_FIELD 65536	/* octets of a header field; the rest is dropped */
#define STREAM_PREAMBLE 2048	/* octets before it is clear that no part comes */

struct stream_part {
	/* of the body parts and enclosed messages in order, from 1; 0: a multipart */
	unsigned number;
	unsigned depth;			/* 0: the message itself */
	struct span type, subtype;	/* "text", "plain" when nothing is said */
	struct span encoding;		/* Content-Transfer-Encoding; empty: 7bit */
	/* Content-Type and Content-Disposition as they stand, for parameters */
	struct span type_value, place_value;
	bool attachment;
	bool enclosed;			/* a message that begin may open */
};

struct stream {
	/*
	 * For the user to set; all are called with arg. What they are given is
	 * good until they return.
	 */
	void *arg;
	/* Each field of the message and of opened ones (not of parts); NULL: the header is over. */
	void (*field)(void *arg, const struct header_field *f);
	/*
	 * A part begins. True opens an enclosed message: its fields and parts
	 * follow, but no end; false gives it as octets. No meaning for others. Of
	 * a multipart neither body nor end are called.
	 */
	bool (*begin)(void *arg, const struct stream_part *p);
	/* Its octets, behind their transfer encoding. */
	void (*body)(void *arg, struct span piece);
	void (*end)(void *arg);
	bool stop;			/* set it, and nothing is called any more */

	/* private */
	enum { STREAM_HEADER, STREAM_FIRST, STREAM_BODY, STREAM_SKIP } state;
	unsigned number, depth;
	bool message;			/* the header is a message's */
	bool decided;			/* the line in it is a field's, however long */
	bool fresh;			/* no octet of the header has come */
	size_t field_n;			/* whole lines of a field in `line` */
	bool digest;			/* parts are messages when they do not say */
	bool inside;			/* a line that has begun is no delimiter */
	bool open;			/* begin was called, end was not */
	struct str line;		/* a field, or the start of a line */
	struct str held;		/* preamble */
	struct str type, place, encoding;
	struct str levels;		/* open ones: boundary, its size, kind */
	char eol[2];			/* may belong to a delimiter */
	unsigned eol_n;
};

/* After arg and the functions are set. */
void stream_begin(struct stream *s);
void stream_put(struct stream *s, struct span piece);
/* The message's end; frees all. To be called also after a stop. */
void stream_end(struct stream *s);

#endif
