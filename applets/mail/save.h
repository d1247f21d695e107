/* save - copying messages to other mailboxes and files */
#ifndef MAIL_SAVE_H
#define MAIL_SAVE_H

#include "mail/mail.h"

struct mail_amount {
	uint64_t lines, octets;
};

/*
 * Appends message n of box to the mbox or Maildir at path, its flags with it;
 * durable when `flush` is set. Counts into *amount. 0 or -1 with err.
 */
int mail_save_copy(struct mailbox *box, unsigned n, const char *path,
		bool flush, struct mail_amount *amount, struct err *err);
/* Appends the body alone to a plain file open for writing. */
int mail_save_body(struct mailbox *box, unsigned n, int fd,
		struct mail_amount *amount, struct err *err);

#endif
