/* letter - the message that goes out: envelope, header, body in one file */
#ifndef MAIL_LETTER_H
#define MAIL_LETTER_H

#include "mail/draft.h"

struct letter {
	struct mail *m;
	/* the body lies behind MAIL_DRAFT_ROOM octets or more */
	int fd;
	unsigned n;			/* in rcpts */
	int64_t start;			/* of the message; before letter_send: of the body */
	uint64_t size;
	bool utf8;			/* an address is not ASCII */
	/* private */
	bool bad;			/* an address that cannot be used */
	unsigned look;			/* compose_look of the body */
	struct str *list;		/* that is being made */
	int own;			/* a file of ours, or -1 */
	/* as the user sees it */
	struct str header;
	struct str sender, rcpts;	/* addresses, each with its NUL */
	struct str field;		/* private: that is being made */
};

void letter_init(struct letter *l, struct mail *m);
void letter_free(struct letter *l);
/*
 * A list of addresses: into list (sender or rcpts; NULL: nowhere), and as a
 * field, if it has a name and is not empty. 0 or -1 with m->err.
 */
int letter_addresses(struct letter *l, const char *name, struct span text,
		struct str *list);
/* The one sender of the envelope; the user's own where text is empty. 0 or -1. */
int letter_sender(struct letter *l, const char *name, struct span text);
/* The two fields for now, under these names; "": not that one. */
void letter_stamp(struct letter *l, const char *date, const char *id);
/* The whole of it from a draft; nothing is sent yet. 0 or -1 with m->err. */
int letter_make(struct letter *l, struct mail_draft *d);
/* Makes the body, whose look is known, behind the header. 0 or -1 with m->err. */
int letter_body(struct letter *l, struct mail_draft *d);
/*
 * What the locale says of text that is not UTF-8, as MIME has it: "iso-8859-1"
 * of "de_DE.ISO8859-1"; "" when it says nothing.
 */
#define LETTER_CHARSET 32
void letter_charset(char name[LETTER_CHARSET]);
/*
 * Puts the header before the body and hands it over: to the mail system, or
 * to the program that the variable sendmail names. 0 or -1 with m->err.
 */
int letter_send(struct letter *l);

#endif
