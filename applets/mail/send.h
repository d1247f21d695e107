/* send - a draft becomes a message and goes on its way */
#ifndef MAIL_SEND_H
#define MAIL_SEND_H

#include "mail/draft.h"

/*
 * Reads the body, on a terminal also the subject (ask), and hands it to the
 * mail system; a failed hand-over keeps it in ~/dead.letter and says so.
 * escapes: see mail_draft_edit. 0, or the exit status (sysexits.h).
 */
int mail_send(struct mail *m, struct mail_draft *d, bool ask, bool escapes);
/* Appends it to ~/dead.letter and says so. */
void mail_send_dead(struct mail *m, struct mail_draft *d);

#endif
