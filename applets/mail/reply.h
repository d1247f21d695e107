/* reply - the draft of an answer */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "mail/draft.h"

/*
 * Fills d for an answer to the messages in m->set: the first gives the subject
 * and the thread. group: to all who got them, too; else to the authors.
 */
int mail_reply_fill(struct mail *m, struct mail_draft *d, bool group,
		struct err *err);
/* Is this one of the user's own addresses? */
struct addr;
bool mail_reply_is_own(const struct mail *m, const struct addr *a);

#endif
