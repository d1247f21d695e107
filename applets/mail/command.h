/* command - the commands of mail as one table, and the loop that runs them */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/mail.h"

/* Until quit, exit or the end of input. */
void mail_command_loop(struct mail *m);

/*
 * Commands that are files of their own. What they are about is in m->set or
 * m->arg. 0, or -1 when it failed and said so.
 */
/* save.c */
int mail_do_save(struct mail *m);
int mail_do_copy(struct mail *m);
/* mark.c: flags that the mailbox keeps */
int mail_do_flag(struct mail *m);
int mail_do_unflag(struct mail *m);
int mail_do_answered(struct mail *m);
int mail_do_unanswered(struct mail *m);
int mail_do_seen(struct mail *m);
int mail_do_unread(struct mail *m);
/* reply.c */
int mail_do_mail(struct mail *m);
int mail_do_reply(struct mail *m);
int mail_do_reply_sender(struct mail *m);

#endif
