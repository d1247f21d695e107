/* escape - reading a message from the keyboard, with its ~ escapes */
#ifndef MAIL_ESCAPE_H
#define MAIL_ESCAPE_H

#include "mail/draft.h"

enum mail_written {
	MAIL_GO_ON,
	MAIL_SEND,
	MAIL_GIVE_UP,	/* dead.letter gets it */
	MAIL_FORGET
};

/* Line by line, until the end or an escape ends it. */
enum mail_written mail_escape_read(struct mail *m, struct mail_draft *d);
/* Appends the text of `sign`, \t and \n in it as what they say. 0 or -1 with m->err. */
int mail_escape_sign(struct mail_draft *d, const char *text);

#endif
