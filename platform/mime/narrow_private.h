/* narrow_private - what narrow.c (the tree) and narrow_body.c (a leaf) share */
#ifndef MIME_NARROW_PRIVATE_H
#define MIME_NARROW_PRIVATE_H

#include "base/str.h"
#include "mime/narrow.h"

#define NARROW_DEPTH_MOST 20	/* multiparts and messages in each other */
#define NARROW_PARTS_MOST 1000	/* all behind it are encoded, need or not */
#define NARROW_BOUNDARY_MOST 200	/* RFC 2046 5.1.1 says 70 */
#define NARROW_FIELD_MOST 4096	/* of a field that we read */

/* How the text of a part goes out. */
enum narrow_way {
	NARROW_COPY,		/* nothing in it needs anything */
	NARROW_FOLD,		/* cannot be encoded: long lines are folded */
	NARROW_FILLER,		/* nobody reads it (RFC 2046 5.1.1) */
	NARROW_QP, NARROW_BASE64,
	NARROW_QP_MEND, NARROW_BASE64_MEND	/* is encoded, but badly */
};

/* What the first look has seen of a part. */
enum { NARROW_BAD = 1, NARROW_EIGHT_BIT = 2, NARROW_NOT_UTF8 = 4 };

enum narrow_state { NARROW_HEADER, NARROW_BODY };
enum narrow_field { NARROW_OTHER, NARROW_TYPE, NARROW_ENCODING, NARROW_AGAIN };

/* An open multipart. */
struct narrow_level {
	char boundary[NARROW_BOUNDARY_MOST];
	unsigned char n;
	bool digest;
	unsigned nested;		/* what narrow.nested was */
};

struct narrow {
	bool seven, writing, needed, impossible;
	uint64_t growth;
	unsigned char seen[NARROW_PARTS_MOST];	/* of each header's body */

	/* lines out of pieces; a long one comes in several */
	char line[NARROW_LINE_MOST + 2];
	size_t line_n;
	bool begun;			/* of this line something has been taken */

	/* the tree */
	struct narrow_level levels[NARROW_DEPTH_MOST];
	unsigned depth;			/* levels in use */
	unsigned nested;		/* messages in messages, at this point */
	enum narrow_state state;
	unsigned part;			/* number of the one we are in */

	/* the header that is being read */
	enum narrow_field field;
	bool is_message, in_digest, has_type, has_version;
	struct str type;		/* value of Content-Type, folded */
	struct str encoding;		/* the same of Content-Transfer-... */
	struct str held;		/* that field as it came */

	/* the leaf */
	enum narrow_way way, could;	/* could: if it must be changed */
	bool implied;			/* has no Content-Type */
	bool too_deep;			/* its parts are not looked at */
	unsigned char flags;		/* NARROW_BAD ... */
	bool eol;			/* a line end that is not out yet */
	unsigned column;
	uint64_t octets, escapes;
	char rest[57];			/* base64: not yet a line */
	unsigned rest_n;

	char out[1024];
	size_t out_n;
	void (*put)(void *arg, struct span piece);
	void *arg;
};

/* A piece of a line, without its end. */
struct narrow_text {
	struct span s;
	bool first, last;	/* begins, ends the line */
	bool eol;		/* last: a line end follows */
};

/* -- narrow_body.c -- */
void narrow_put(struct narrow *n, struct span s);
void narrow_flush(struct narrow *n);
void narrow_text_begin(struct narrow *n);
void narrow_text(struct narrow *n, const struct narrow_text *t);
/* The leaf ends. true: the message does, else a delimiter follows. */
void narrow_text_end(struct narrow *n, bool all);
/* A piece of a line of a header: a long one is folded. */
void narrow_fold(struct narrow *n, const struct narrow_text *t);

#endif
