/* command - the commands of mail as one table, and the loop that runs them */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/mail.h"

/* What a command takes. */
enum {
	MAIL_ARG_LIST = 1,	/* a message list: m->set; none: the current one */
	MAIL_ARG_DELETED = 2,	/* ... among the deleted ones */
	MAIL_ARG_TEXT = 4,	/* the rest of the line */
	MAIL_ARG_BOX = 8,	/* needs a message to be there */
	MAIL_ARG_ALL = 16	/* with MAIL_ARG_LIST: no list is fine, m->set is empty */
};

struct mail_command {
	const char *text;	/* the name, then, after blanks, what help says */
	unsigned char least;	/* letters that suffice, as POSIX brackets them */
	unsigned char takes;
	/* text: MAIL_ARG_TEXT. 0, or -1 when it failed and said so. */
	int (*run)(struct mail *m, struct span text);
};

/* The table; the last row's text is NULL. */
const struct mail_command *mail_command_table(void);

/* Until quit, exit or the end of input. */
void mail_command_loop(struct mail *m);
/* One line; 0 or -1. */
int mail_command_run(struct mail *m, struct span line);

/* ---- what the files of commands give to the table */

/* command_read.c */
int mail_do_print(struct mail *m, struct span text);
int mail_do_print_all(struct mail *m, struct span text);
int mail_do_next(struct mail *m, struct span text);
int mail_do_previous(struct mail *m, struct span text);
int mail_do_top(struct mail *m, struct span text);
int mail_do_headers(struct mail *m, struct span text);
int mail_do_z(struct mail *m, struct span text);
int mail_do_from(struct mail *m, struct span text);
int mail_do_size(struct mail *m, struct span text);
int mail_do_number(struct mail *m, struct span text);

/* command_mark.c */
int mail_do_delete(struct mail *m, struct span text);
int mail_do_delete_print(struct mail *m, struct span text);
int mail_do_undelete(struct mail *m, struct span text);
int mail_do_hold(struct mail *m, struct span text);
int mail_do_mbox(struct mail *m, struct span text);
int mail_do_touch(struct mail *m, struct span text);
int mail_do_unread(struct mail *m, struct span text);

/* command_file.c */
int mail_do_save(struct mail *m, struct span text);
int mail_do_copy(struct mail *m, struct span text);
int mail_do_write(struct mail *m, struct span text);
int mail_do_file(struct mail *m, struct span text);
int mail_do_quit(struct mail *m, struct span text);
int mail_do_exit(struct mail *m, struct span text);

/* command_write.c */
int mail_do_mail(struct mail *m, struct span text);
int mail_do_reply(struct mail *m, struct span text);
int mail_do_reply_sender(struct mail *m, struct span text);
int mail_do_shell(struct mail *m, struct span text);
int mail_do_set(struct mail *m, struct span text);
int mail_do_unset(struct mail *m, struct span text);
int mail_do_help(struct mail *m, struct span text);
int mail_do_list(struct mail *m, struct span text);

#endif
