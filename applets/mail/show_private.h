/* show_private - a message on its way to a reader, part by part */
#ifndef MAIL_SHOW_PRIVATE_H
#define MAIL_SHOW_PRIVATE_H

#include "mail/show.h"
#include "mime/calendar.h"
#include "mime/charset.h"
#include "mime/flow.h"
#include "mime/html.h"
#include "mime/stream.h"
#include "mime/tnef.h"
#include "mime/transfer.h"

/* What becomes of a part. */
enum view_kind {
	HIDDEN,		/* a better form of it was shown */
	NAMED,		/* what it is: its label */
	TNEF,		/* and what is in it */
	PLAIN, FLOWED, HTML, CALENDAR
};

/*
 * Of the parts of a multipart at some depth, the next level down: is it one of
 * alternatives, and has one of them been shown (NOW: the part that is being
 * read belongs to it)?
 */
enum { ALT_NONE, ALT_OPEN, ALT_NOW, ALT_DONE };

struct view {
	const struct mail *m;
	unsigned how;			/* MAIL_SHOW_... */
	unsigned width;			/* of the screen; 0: none */
	bool (*put)(void *arg, struct span text);
	void *arg;
	unsigned only;			/* this part; 0: all */
	bool found;
	/* of what was put */
	bool begun;			/* the message's own header is over */
	bool rich;			/* of alternatives HTML is liked best */
	bool fresh;			/* nothing since the header */
	bool labels;			/* a label was the last */
	char last;
	/* the part that is being read */
	bool visible;			/* it has more than blanks */
	enum view_kind kind;
	unsigned number, depth;
	uint64_t octets;
	struct str raw, text, what, name;
	struct stream stream;
	unsigned char alt[STREAM_DEPTH + 2];
	struct transfer transfer;
	struct charset charset;
	union {
		struct flow flow;
		struct html html;
		struct calendar calendar;
		struct tnef tnef;
	} as;
};

/* The message goes into v->stream between these; how, put and so on are set. */
void mail_view_begin(struct view *v);
void mail_view_end(struct view *v);

#endif
