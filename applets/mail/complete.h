/* complete - what the word before the cursor may become */
#ifndef MAIL_COMPLETE_H
#define MAIL_COMPLETE_H

#include "mail/mail.h"

#define MAIL_COMPLETE_MOST 8192		/* octets of a list */
#define MAIL_COMPLETE_LOOK 200		/* messages whose addresses are offered */

/*
 * Where in line, which ends at the cursor, the word begins; in list what it
 * may be, each once, in order, with a NUL. ask becomes what the word is: of a
 * command its name or what it is about.
 */
size_t mail_complete(struct mail *m, enum mail_ask *ask, struct span line,
		struct str *list);

#endif
