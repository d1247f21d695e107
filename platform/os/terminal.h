/* terminal - a password from who sits there, unseen */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include "base/err.h"

struct terminal {
	int fd;
	int interrupt;			/* the character of ^C; -1: no terminal */
	struct termios before;
};

/*
 * Nothing that is typed is shown, and ^C is but input: a signal would leave the
 * user with a silent terminal. Where fd is no terminal nothing is done.
 */
void terminal_quiet(struct terminal *t, int fd);
/* As it was. interrupted: what terminal_line gave; then SIGINT follows. */
void terminal_loud(const struct terminal *t, int interrupted);

#define TERMINAL_INTERRUPTED (-2)
/*
 * One line without its end, octet by octet: what follows belongs to whoever
 * reads next. Its length, -1, TERMINAL_INTERRUPTED (both with err).
 */
int terminal_line(const struct terminal *t, char *out, size_t size,
		struct err *err);
/*
 * The question on /dev/tty, stdin being something else, and the answer. 0 or -1;
 * ERR_TEMP: there is no terminal.
 */
int terminal_ask(const char *question, char *out, size_t size,
		struct err *err);

#endif
