/* reply - whom an answer goes to, and what it says of the original */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "mail/draft.h"

enum {
	MAIL_REPLY_ALL = 1,	/* all who got it */
	MAIL_REPLY_LIST = 2,	/* the mailing list alone */
	MAIL_REPLY_EACH = 4,	/* the author of each message of m->set */
	MAIL_REPLY_RECORD = 8	/* the copy goes to a file named by the author */
};
/* Is this one of the user's own addresses? */
bool mail_reply_is_own(const struct mail *m, struct span address);

#endif
