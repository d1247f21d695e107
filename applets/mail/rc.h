/* rc - start-up files, source, and what runs only under a condition */
#ifndef MAIL_RC_H
#define MAIL_RC_H

#include "mail/mail.h"

/*
 * What POSIX calls the start-up: the variables' defaults, the environment,
 * the system's file (not with `bare`, as -n says) and the user's. What is
 * wrong in a file is told with its line, and the rest of it still counts.
 */
void mail_rc_start(struct mail *m, bool bare);
/* Are commands left out just now (the other arm of an `if`)? */
bool mail_rc_skips(const struct mail *m);

#endif
