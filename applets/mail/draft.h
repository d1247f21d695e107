/* draft - a message being written: its fields, its body
 *
 * The body lies in a temporary file, never in memory. Before it room is left
 * for the header, so that sending copies nothing. On a terminal the file has a
 * name in the home folder and the fields stand in that room: what was written
 * is still there after a power cut (drafts.c). Otherwise it has no name.
 */
#ifndef MAIL_DRAFT_H
#define MAIL_DRAFT_H

#include "mail/mail.h"

#define MAIL_DRAFT_ROOM (256 * 1024)	/* octets before the body */
#define MAIL_DRAFT_PREFIX ".mail-draft-"	/* in the home folder */

enum mail_field {
	/* as typed, UTF-8; addresses separated by commas */
	MAIL_TO, MAIL_CC, MAIL_BCC, MAIL_SUBJECT, MAIL_FROM, MAIL_REPLY_TO,
	/* ready for the header, "" when nothing was said */
	MAIL_IN_REPLY_TO, MAIL_REFERENCES,
	MAIL_TYPE, MAIL_ENCODING,	/* of the body */
	MAIL_MORE,			/* whole lines of other fields */
	MAIL_FIELDS
};
/* "To", "Cc", ... */
const char *mail_draft_name(enum mail_field f);

struct mail_attach;	/* attach.h */

struct mail_draft {
	int fd;
	bool ends_in_lf;
	bool asked;		/* a subject was given, if an empty one: no question */
	bool template;		/* the text begins with header fields (-t) */
	bool skip_empty;	/* an empty text is not sent (-E) */
	int64_t start;		/* of the body in fd */
	uint64_t size;		/* of the body */
	struct mail_attach *attached;
	struct span from;	/* as typed with -r; empty: the user */
	/* private */
	struct mail *m;
	char *path;		/* NULL: the file has no name */
	size_t head;		/* octets of the fields before the body */
	int64_t flushed;	/* clock_ms of the last flush */
	/* as the user sees it */
	struct str field[MAIL_FIELDS];
	char record[NAME_MAX + 1];	/* where the copy goes; "": the variable says */
};

/* 0 or -1 with m->err. Free it in any case. */
int mail_draft_init(struct mail *m, struct mail_draft *d);
/* The file goes with it. */
void mail_draft_free(struct mail_draft *d);
/*
 * Makes what was written so far safe: the fields at once, the body every few
 * seconds. Nothing where the file has no name.
 */
void mail_draft_keep(struct mail_draft *d);

/* Appends to the body. 0 or -1 with m->err (disk full). */
int mail_draft_add(struct mail_draft *d, struct span text);
/* Appends what fd has from `at` on. 0 or -1 with m->err: nothing was added. */
int mail_draft_add_file(struct mail_draft *d, int fd, int64_t at);
/* All of fd takes the body's place. 0, or -1 with m->err: it is as it was. */
int mail_draft_replace(struct mail_draft *d, int fd);
/* Drops the first n octets of the body. 0 or -1 with m->err. */
int mail_draft_cut(struct mail_draft *d, uint64_t n);
/* The body in pieces; each ends in a line's end, but in a line of 16 kB. 0 or -1. */
int mail_draft_each(const struct mail_draft *d,
		int (*fn)(void *arg, struct span piece), void *arg);

/* More addresses: with commas as RFC 5322 has them, or just words. */
void mail_draft_address(struct str *list, struct span address);
/* The same from the user: aliases are expanded. */
void mail_draft_typed(struct mail *m, struct str *list, struct span address);
/*
 * One header field as a script or a draft has it. 0 or -1: that is no name of
 * a field, or the value has a control character.
 */
int mail_draft_field(struct mail *m, struct mail_draft *d, struct span name,
		struct span value);
/* "Name: value" of an option. 0, or -1: it is none. */
int mail_draft_line(struct mail *m, struct mail_draft *d, struct span line);
/* The body begins with header fields (-t): takes them. 0 or -1 with m->err. */
int mail_draft_template(struct mail *m, struct mail_draft *d);
/* All fields as they were typed, attachments too, and an empty line. */
void mail_draft_fields(const struct mail_draft *d, struct str *out);
/* The other way, for those that d has not. */
void mail_draft_fill(struct mail *m, struct mail_draft *d, struct span head);
/* The fields To to Subject as lines, for people. */
void mail_draft_head(const struct mail_draft *d, struct str *out);
/* ... on the terminal. */
void mail_draft_show(struct mail *m, const struct mail_draft *d);
/* Asks for a field with what is in it now; an empty answer keeps it. false: ^C or the end. */
bool mail_draft_ask(struct mail *m, struct mail_draft *d, enum mail_field f);

#endif
