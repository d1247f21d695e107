/* send - a draft becomes a message and goes on its way */
#ifndef MAIL_SEND_H
#define MAIL_SEND_H

#include "mail/draft.h"

/*
 * Reads the body, on a terminal also the fields that are to be asked for, and
 * hands it to the mail system; a failed hand-over keeps it in dead.letter and
 * says so. escapes: ~ commands and the dot count (always, but in a script that
 * pipes its text into `mail ADDRESS`). 0, or the exit status (sysexits.h).
 */
int mail_send(struct mail *m, struct mail_draft *d, bool escapes);
/* The same for a command: the worst becomes the session's status. 0 or -1. */
int mail_send_command(struct mail *m, struct mail_draft *d);

/* Where dead.letter is. 0 or -1 with m->err. */
int mail_send_dead_path(struct mail *m, char path[PATH_MAX]);

#endif
