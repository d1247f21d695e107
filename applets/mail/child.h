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
/* The same; any status but 0 is an error, too. 0 or -1 with m->err. */
int mail_child_run(struct mail *m, struct span command, int in, int out);
/*
 * The editor that the variable name (EDITOR, VISUAL) has, or the environment,
 * or vi, on a file. 0 or -1 with m->err.
 */
int mail_child_edit(struct mail *m, const char *name, const char *path);
/* The text in quotes, one word for a shell. */
void mail_child_word(struct str *out, struct span text);

#endif
