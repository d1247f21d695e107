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

/* system: see struct mail. The session must have no open mailbox. 0 or -1. */
int mail_box_open(struct mail *m, const char *path, bool system,
		struct err *err);
/* Forgets what was done. */
void mail_box_close(struct mail *m);
/* Does what was done, tells it, and closes. -1: all is as it was, and open. */
int mail_box_quit(struct mail *m);
/* Looks for mail that came; gives how many. */
unsigned mail_box_refresh(struct mail *m);

/* Flags as the mailbox has them, and this session's on top. */
unsigned mail_box_flags(struct mail *m, unsigned n);
bool mail_box_deleted(const struct mail *m, unsigned n);
/* Marks message n as read now. */
void mail_box_touch(struct mail *m, unsigned n);

#define MAIL_HEADER_MOST (256 * 1024)
/*
 * The header section of message n into out (at most its cap and
 * MAIL_HEADER_MOST). lines: counts all lines of it, -1 when it is too big to
 * be read for that; NULL: not asked. 0 or -1 with err.
 */
int mail_box_header(struct mail *m, unsigned n, struct str *out, long *lines,
		struct err *err);
/* Where the header section at the start of data ends, looking from `from` on; 0: not yet. */
size_t mail_box_header_end(struct span data, size_t from);
/* The first line of one field, decoded: "" when there is none. */
void mail_box_field(struct span header, const char *name, struct str *out);
/* local@domain of From (else Sender, else Return-Path). */
void mail_box_sender(struct span header, struct str *out);

/* "3 messages 1 new 2 unread" with the path, as `file` and the start show it. */
void mail_box_tell(struct mail *m);
/* The first message to look at: new, else unread, else the first. */
unsigned mail_box_start(struct mail *m);

#endif
