/* box - the mailbox that mail has open: reading, and what quit makes of it
 *
 * While it is open no lock is held, so mail can be delivered and other
 * programs can read. Quit opens it again with its locks, finds the messages
 * by their unique ids, and merges what was done: nothing that others
 * delivered or removed meanwhile is lost or comes back.
 */
#ifndef MAIL_BOX_H
#define MAIL_BOX_H

#include "mail/mail.h"

/* system: see struct mail. 0 or -1 with m->err. */
int mail_box_open(struct mail *m, const char *path, bool system);
/* Forgets what was done. */
void mail_box_close(struct mail *m);
/* Does what was done, tells it, and closes. -1: all is as it was, and open. */
int mail_box_quit(struct mail *m);
/* Looks for mail that came; gives how many. */
unsigned mail_box_refresh(struct mail *m);
/*
 * Appends message n of box to the mbox or Maildir at path, its flags with it;
 * durable when `flush` is set. Counts into *octets. 0 or -1 with err.
 */
int mail_box_copy(struct mailbox *box, unsigned n, const char *path,
		bool flush, uint64_t *octets, struct err *err);

/* Flags as the mailbox has them, and this session's on top. */
unsigned mail_box_flags(struct mail *m, unsigned n);
bool mail_box_deleted(const struct mail *m, unsigned n);

#define MAIL_HEADER_MOST (256 * 1024)
/* The start of message n, at most out's cap: its header section is in it. */
int mail_box_header(struct mailbox *box, unsigned n, struct str *out,
		struct err *err);
/* Where the header section at the start of data ends, looking from `from` on; 0: not yet. */
size_t mail_box_header_end(struct span data, size_t from);
/* One field, decoded: "" when there is none. */
void mail_box_field(struct span header, const char *name, struct str *out);
/* local@domain of From (else Sender, else Return-Path). */
void mail_box_sender(struct span header, struct str *out);

/* "3 messages 1 new 2 unread" with the path, as the start shows it. */
void mail_box_tell(struct mail *m);

#endif
