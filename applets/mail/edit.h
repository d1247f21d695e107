/* edit - a line that is being edited: its text, its past, how it is drawn
 *
 * It does no I/O: keys go in, bytes for the terminal come out. What is on the
 * screen is known, and only what is another is written: a character that is
 * typed at the end costs its own bytes and no more.
 */
#ifndef MAIL_EDIT_H
#define MAIL_EDIT_H

#include "mail/term_private.h"

/* Octets of lines typed before that are kept of each kind. */
#define MAIL_HISTORY_MOST 4096

struct mail_edit {
	const struct mail_term *term;	/* charset and kind */
	struct str text;		/* UTF-8 */
	size_t at;			/* the cursor, in text */
	unsigned room;			/* columns for it */
	struct str killed;		/* for ^Y */
	/* what was typed before, each with a NUL */
	struct str past[MAIL_ASKS], *history;
	size_t back;			/* of it, what is shown: starts here */
	struct str fresh;		/* the new line, while an old one is shown */
	/* on the screen */
	struct str shown;
	unsigned column;		/* of the cursor */
	size_t left;			/* of text, where the window begins */
};

void mail_edit_init(struct mail_edit *e, const struct mail_term *t);
void mail_edit_free(struct mail_edit *e);
/* A new line, on an empty screen. room: columns behind the prompt. */
void mail_edit_start(struct mail_edit *e, enum mail_ask ask, struct span text,
		unsigned room);
/* Forgets what is on the screen: draw writes all of it. */
void mail_edit_lost(struct mail_edit *e, unsigned room);

enum mail_edit_next {
	EDIT_ON,
	EDIT_DONE,		/* Enter */
	EDIT_END,		/* ^D on an empty line */
	EDIT_CLEAR		/* ^L: the screen shall be new */
};
enum mail_edit_next mail_edit_key(struct mail_edit *e, uint32_t key);
/* Puts text before the cursor, in the place of what begins at `from`. */
void mail_edit_replace(struct mail_edit *e, size_t from, struct span text);
/* Appends to out what makes the screen show the line. */
void mail_edit_draw(struct mail_edit *e, struct str *out);
/* The line is done: it is remembered. */
void mail_edit_remember(struct mail_edit *e);

#endif
