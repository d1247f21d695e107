/* var - the variables of mail (POSIX mailx, "Internal Variables") */
#ifndef MAIL_VAR_H
#define MAIL_VAR_H

#include "mail/mail.h"

/* Its value, "" when it is set without one, NULL when it is not set. */
const char *mail_var(const struct mail *m, const char *name);
/* A number up to most; what else stands there, or nothing: otherwise. */
unsigned mail_var_number(const struct mail *m, const char *name, unsigned most,
		unsigned otherwise);
/* value.p NULL: no more set. 0 or -1 with m->err. */
int mail_var_set(struct mail *m, struct span name, struct span value);

/* The defaults of POSIX. */
void mail_var_defaults(struct mail *m);
/*
 * Names that begin with it are the program's own: no user sees or sets them.
 * After it comes a letter for what it is, a blank, and a name.
 */
#define MAIL_VAR_PRIVATE ' '
/* May a user give a variable this name? */
bool mail_var_is_name(struct span name);

/* In order of their names; NULL after the last. */
struct mail_var {
	struct mail_var *next;
	char *value;		/* behind the name */
	char name[];
};
void mail_var_free(struct mail *m);

#endif
