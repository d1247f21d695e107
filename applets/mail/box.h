/* box - the mailbox that mail has open: reading, and what quit makes of it
 *
 * While it is open no lock is held, so mail can be delivered and other
 * programs can read. Quit locks it, finds each message again where it is now,
 * and does what was done: nothing that others delivered or removed meanwhile is
 * lost or comes back.
 */
#ifndef MAIL_BOX_H
#define MAIL_BOX_H

#include "mail/mail.h"

enum {
	MAIL_BOX_CHECK = 1,	/* only to see if there is a message */
	MAIL_BOX_SYSTEM = 2,	/* see struct mail */
	MAIL_BOX_PREVIEW = 4	/* to a terminal, the first screen of a huge one */
};
/* how: MAIL_BOX_... 0 or -1 with m->err. */
int mail_box_open(struct mail *m, const char *path, unsigned how);
/* Forgets what was done. */
void mail_box_close(struct mail *m);
/* Does what was done, tells it, and closes. -1: all is as it was, and open. */
int mail_box_quit(struct mail *m);
/* Looks for mail that came; gives how many. */
unsigned mail_box_refresh(struct mail *m);
/* The same, and tells of it. */
bool mail_box_announce(struct mail *m);
bool mail_box_is_folder(const char *path);	/* a Maildir, or to be one */

struct mail_copied {
	unsigned messages;
	uint64_t octets;
};
/*
 * Appends the messages of m->set to the mbox or Maildir at path, their flags with
 * them; durable, and to an mbox all of them or none. What others have removed is
 * taken out of m->set. many: what mailbox_many_end is still to be said (path is
 * kept so long), NULL for nothing; else NULL. 0 or -1 with m->err.
 */
int mail_box_copy(struct mail *m, const char *path, struct mail_copied *sum,
		struct mailbox_many **many);

/* Flags as the mailbox has them, and this session's on top. */
unsigned mail_box_flags(struct mail *m, unsigned n);
bool mail_box_deleted(const struct mail *m, unsigned n);

#define MAIL_HEADER_MOST (256 * 1024)
/* The start of message n, at most out's cap: its header section is in it. */
int mail_box_header(struct mailbox *box, unsigned n, struct str *out,
		struct err *err);
/* All of message n into fd. 0 or -1 with err. */
int mail_box_write(struct mailbox *box, unsigned n, int fd, struct err *err);
/* Where the header section at the start of data ends, looking from `from` on; 0: not yet. */
size_t mail_box_header_end(struct span data, size_t from);
/* One field, decoded: "" when there is none. */
void mail_box_field(struct span header, const char *name, struct str *out);
/* local@domain of From (else Sender, else Return-Path). */
void mail_box_sender(struct span header, struct str *out);

/* "3 messages 1 new 2 unread" with the path, as the start shows it. */
void mail_box_tell(struct mail *m);

#endif
