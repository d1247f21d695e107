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
 * Lists that commands keep (aliases, ignored fields, ...) are variables, too:
 * their names begin with a blank, so that no user sees or sets them as such,
 * and a letter for the list.
 */
#define MAIL_VAR_PRIVATE ' '
enum {
	MAIL_VAR_ALIAS = 'a',		/* its addresses, each with a line feed */
	MAIL_VAR_ALTERNATE = 'o',	/* "" */
	MAIL_VAR_ACCOUNT = 'c',		/* its commands */
	MAIL_VAR_IGNORE = 'i', MAIL_VAR_RETAIN = 'r',	/* header fields: "" */
	MAIL_VAR_FWD_IGNORE = 'j', MAIL_VAR_FWD_RETAIN = 's',
	MAIL_VAR_LAST = 'l',		/* what a "!" or "#" stands for */
	MAIL_VAR_SHORTCUT = 'm',	/* the mailbox it stands for */
	MAIL_VAR_TOLD = 'u'		/* commands that nobody knows: "" */
};
#define MAIL_VAR_NAME_MOST 250
/* As mail_var and mail_var_set; names of at most so many octets. */
const char *mail_var_listed(const struct mail *m, char list, struct span name);
int mail_var_list(struct mail *m, char list, struct span name,
		struct span value);
/* The next of the list, after one of it or from NULL on; NULL after the last. */
const struct mail_var *mail_var_next(const struct mail *m, char list,
		const struct mail_var *after);
/* Shows the names of all in it, each on a line. */
void mail_var_print(struct mail *m, char list);
/* The name of one in a list. */
const char *mail_var_name(const struct mail_var *v);

/* The names that mean something, in order; NULL after the last. For completion. */
const char *mail_var_known(unsigned n);
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
