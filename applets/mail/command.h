/* command - the commands of mail as one table, and the loop that runs them */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/mail.h"
#include "os/text.h"

/* Until quit, exit or the end of input. */
void mail_command_loop(struct mail *m);
/* Runs one line. 0, or -1 when it failed and said so. */
int mail_command(struct mail *m, struct span line);
/* Does the line end in a backslash? Takes it away: the next line follows. */
bool mail_line_goes_on(struct str *line);
/* The nth row of the table, "NAME  ARGUMENTS  help"; NULL after the last. */
const char *mail_command_text(unsigned n);

/* Tells text as an error; gives -1. */
int mail_tell(struct mail *m, const char *text);
/* Makes n the current message. */
void mail_set_dot(struct mail *m, unsigned n);

/*
 * Commands that are files of their own. What they are about is in m->set or
 * m->arg. 0, or -1 when it failed and said so.
 */
int mail_do_help(struct mail *m);
int mail_do_comment(struct mail *m);
/* navigate.c */
int mail_do_print(struct mail *m);
int mail_do_print_all(struct mail *m);
int mail_do_next(struct mail *m);
int mail_do_previous(struct mail *m);
int mail_do_headers(struct mail *m);
int mail_do_z(struct mail *m);
int mail_do_from(struct mail *m);
int mail_do_size(struct mail *m);
int mail_do_number(struct mail *m);
int mail_do_delete(struct mail *m);
int mail_do_delete_print(struct mail *m);
int mail_do_undelete(struct mail *m);
int mail_do_quit(struct mail *m);
int mail_do_exit(struct mail *m);
/* set.c */
/* "name", "name=value", "noname", quotes and all. 0 or -1 with m->err. */
int mail_set(struct mail *m, struct span arg);
int mail_do_set(struct mail *m);
int mail_do_unset(struct mail *m);
/* rc.c */
int mail_do_source(struct mail *m);
int mail_do_if(struct mail *m);
int mail_do_else(struct mail *m);
int mail_do_endif(struct mail *m);
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
