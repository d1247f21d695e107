/* foreign - what other programs that send mail are set up with, as msmtp's
 *
 * ssmtp.conf, nullmailer's remotes, dma.conf and auth.conf, Postfix's main.cf
 * and sasl_passwd. What has no counterpart is in m's notes.
 */
#ifndef MAILCONF_FOREIGN_H
#define MAILCONF_FOREIGN_H

#include "mailconf/msmtp.h"

/* Where each looks by itself; NULL: no program that we know. */
const char *foreign_place(const char *program);
/*
 * Everything points into text. *passwords: the file that has them, or empty.
 * -1: there are too many hosts.
 */
int foreign_parse(struct msmtp *m, const char *program, struct span text,
		struct span *passwords);
/* That file; m as foreign_parse left it. */
void foreign_passwords(struct msmtp *m, const char *program, struct span text);

#endif
