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

#endif
