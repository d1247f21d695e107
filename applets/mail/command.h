/* command - the commands of mail as one table, and the loop that runs them */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/mail.h"

/* Until quit, exit or the end of input. */
void mail_command_loop(struct mail *m);

/* Runs one line. 0, or -1 when it failed and said so. */
int mail_command(struct mail *m, struct span line);

/*
 * Commands that are files of their own. What they are about is in m->set or
 * m->arg. 0, or -1 when it failed and said so.
 */
/* save.c */
int mail_do_save(struct mail *m);
int mail_do_copy(struct mail *m);
/* reply.c */
int mail_do_mail(struct mail *m);
int mail_do_reply(struct mail *m);
int mail_do_reply_sender(struct mail *m);
int mail_do_reply_all(struct mail *m);
int mail_do_reply_author(struct mail *m);
int mail_do_reply_list(struct mail *m);
int mail_do_followup(struct mail *m);
int mail_do_followup_each(struct mail *m);
/* forward.c */
int mail_do_forward(struct mail *m);
int mail_do_forward_record(struct mail *m);
int mail_do_resend(struct mail *m);
int mail_do_resend_silent(struct mail *m);

#endif
