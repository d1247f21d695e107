/* draft - a message being written: its fields, its body, the ~ escapes
 *
 * The body lies in an unlinked temporary file, never in memory. Before it
 * room is left for the header, so that sending copies nothing.
 */
#ifndef MAIL_DRAFT_H
#define MAIL_DRAFT_H

#include "mail/mail.h"

#define MAIL_DRAFT_ROOM (256 * 1024)	/* octets before the body */

enum mail_field {
	/* as typed, UTF-8; addresses separated by commas */
	MAIL_TO, MAIL_CC, MAIL_BCC, MAIL_SUBJECT,
	/* ready for the header, "" when it is no reply */
	MAIL_IN_REPLY_TO, MAIL_REFERENCES,
	MAIL_FIELDS
};
/* "To", "Cc", ... */
const char *mail_draft_name(enum mail_field f);

struct mail_draft {
	struct str field[MAIL_FIELDS];
	struct span from;	/* as typed with -r; empty: the user */
	int fd;
	uint64_t size;		/* of the body, which begins at MAIL_DRAFT_ROOM */
	bool ends_in_lf;
};

/* 0 or -1 with err. Free it in any case. */
int mail_draft_init(struct mail_draft *d, struct err *err);
void mail_draft_free(struct mail_draft *d);

/* Appends to the body. 0 or -1 with err (disk full). */
int mail_draft_add(struct mail_draft *d, struct span text, struct err *err);
/* The body in pieces; each ends in a line's end, but in a line of 16 kB. 0 or -1. */
int mail_draft_each(const struct mail_draft *d,
		int (*fn)(void *arg, struct span piece), void *arg,
		struct err *err);
/* More addresses: with commas as RFC 5322 has them, or just words. */
void mail_draft_address(struct str *list, struct span address);
/* The fields To to Subject on the terminal. */
void mail_draft_show(struct mail *m, const struct mail_draft *d);
/* Asks for a field with what is in it now; an empty answer keeps it. false: ^C or the end. */
bool mail_draft_ask(struct mail *m, struct mail_draft *d, enum mail_field f);

/*
 * Reads the body from the terminal or a script. escapes: ~ commands and the
 * single dot count (always, but in a script that pipes its text into `mail
 * ADDRESS`). false: it is given up, and saved where that is due.
 */
bool mail_draft_edit(struct mail *m, struct mail_draft *d, bool escapes);

#endif
