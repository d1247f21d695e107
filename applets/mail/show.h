/* show - header lines and messages on the terminal */
#ifndef MAIL_SHOW_H
#define MAIL_SHOW_H

#include "mail/mail.h"
#include "mime/header.h"

/* One line about message n: ">N  1 alice@a.com  Tue Nov 24 11:11 345 subject" */
void mail_show_summary(struct mail *m, unsigned n);
/* The screen of summaries that message n is on; it becomes the current screen. */
void mail_show_screen(struct mail *m, unsigned n);
/* How many summaries a screen has. */
unsigned mail_show_screen_size(struct mail *m);

/*
 * The message as it is read: chosen header fields, then its texts, and what its
 * other parts are called. Memory does not grow with the message, and what
 * is shown begins when the first of it is there.
 */
enum {
	MAIL_SHOW_ALL = 1,	/* every header field, every alternative */
	MAIL_SHOW_BODY = 2,	/* no header */
	MAIL_SHOW_TOP = 4,	/* of the header From To Cc Subject */
	MAIL_SHOW_SCREEN = 8	/* folded to the terminal's width */
};
int mail_show_message(struct mail *m, unsigned n, unsigned how);
/* One part, whatever it is said to be for; it becomes read. 0 or -1 with m->err. */
int mail_show_part(struct mail *m, unsigned n, unsigned part);
/*
 * The same as UTF-8 text, as it came and not yet safe for a terminal, to put:
 * false stops it. Now and then put is asked with an empty text. For quoting,
 * forwarding, pipes and searching. 0 or -1 with m->err.
 */
int mail_show_render(struct mail *m, unsigned n, unsigned how,
		bool (*put)(void *arg, struct span text), void *arg);

/*
 * Appends a field's value, unfolded and in UTF-8; octets that nothing is said
 * of as charset.h has it. A name that would pass as an address is in quotes.
 */
void mail_show_decode(struct str *out, const struct header_field *f);
/* Appends value behind what out has, folded at blanks where the columns end. */
void mail_show_fold(struct str *out, struct span value, unsigned columns);

#endif
