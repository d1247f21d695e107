/* child - programs that the user starts: shell, editor, pager, filters */
#ifndef MAIL_CHILD_H
#define MAIL_CHILD_H

#include "mail/mail.h"

/*
 * Runs $SHELL -c command (NULL: the shell itself) with in and out as its
 * standard input and output (-1: ours), and waits. ^C is the child's alone.
 * Its exit status, 128 and the signal that ended it, or -1 with m->err.
 */
int mail_child(struct mail *m, const char *command, int in, int out);
/* The same, but it has to end with 0: else -1 and m->err says how it ended. */
int mail_child_run(struct mail *m, struct span command, int in, int out);

/* A new file for an editor, open; its name. -1 with m->err. */
int mail_child_file(struct mail *m, char path[PATH_MAX]);
/* The program that the variable or the environment's EDITOR or VISUAL names. */
int mail_child_edit(struct mail *m, const char *variable, const char *path);
/* text as one word of a command. */
void mail_child_word(struct str *out, struct span text);

#endif
