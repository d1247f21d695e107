/* send - a draft becomes a message and goes on its way */
#ifndef MAIL_SEND_H
#define MAIL_SEND_H

#include "mail/draft.h"

/*
 * Hands it to the mail system; a failed hand-over keeps it in ~/dead.letter and
 * says so. 0, or the exit status (sysexits.h).
 */
int mail_send(struct mail *m, struct mail_draft *d);
/* Appends it to the DEAD mailbox, when `save` is set, and says so. */
void mail_send_dead(struct mail *m, struct mail_draft *d);
/* Writes the draft, asking for its missing fields, and sends it. 0 or the exit status. */
int mail_send_interactive(struct mail *m, struct mail_draft *d);
/* Has this text from the command line or a prompt what a header may not have? */
bool mail_send_forged(struct span text);

#endif
