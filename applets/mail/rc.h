/* rc - start-up files, source, and what runs only under a condition */
#ifndef MAIL_RC_H
#define MAIL_RC_H

#include "mail/mail.h"

/*
 * POSIX, "Start-Up in mailx": first the variables' defaults and what the
 * environment says of them, then the system's start-up file (not with `bare`,
 * which is -n) and the user's. What is wrong in a file is told with its line,
 * and the rest of it still counts.
 */
void mail_rc_defaults(struct mail *m, bool bare);
void mail_rc_start(struct mail *m, bool bare);
/*
 * The next line of m->input, with those that it goes on in by a backslash.
 * false: there is none. What is too long is cut.
 */
bool mail_rc_line(struct mail *m, struct str *line);
/*
 * Before and after commands that a command runs (source, account, ~:). false:
 * there are too many inside each other, and those of files and accounts end.
 */
bool mail_rc_enter(struct mail *m);
void mail_rc_leave(struct mail *m);
/* Runs the commands of an account. 0, or -1 when it failed and said so. */
int mail_account(struct mail *m, struct span name);
/* Of `if`: 1 or 0; -1 when it makes no sense (condition.c, MAIL_NAIL). */
int mail_condition(struct mail *m, struct span text);
/*
 * A command that nobody knows. In a file it is told once, and the lines in
 * braces that follow it are left out. 0, or -1 when it was told.
 */
int mail_rc_unknown(struct mail *m, struct span name, struct span rest);
/* Are commands left out just now (the other arm of an `if`)? */
bool mail_rc_skips(const struct mail *m);

#endif
