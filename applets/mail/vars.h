/* vars - the variables of mail, one table (POSIX mailx; set, unset) */
#ifndef MAIL_VARS_H
#define MAIL_VARS_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"

enum mail_var {
	MAIL_VAR_DEAD, MAIL_VAR_EDITOR, MAIL_VAR_MBOX, MAIL_VAR_SHELL,
	MAIL_VAR_VISUAL, MAIL_VAR_ASKBCC, MAIL_VAR_ASKCC, MAIL_VAR_ASKSUB,
	MAIL_VAR_AUTOPRINT, MAIL_VAR_DOT, MAIL_VAR_ESCAPE, MAIL_VAR_FLIPR,
	MAIL_VAR_FOLDER, MAIL_VAR_HEADER, MAIL_VAR_HOLD,
	MAIL_VAR_INDENTPREFIX, MAIL_VAR_KEEPSAVE, MAIL_VAR_METOO,
	MAIL_VAR_PROMPT, MAIL_VAR_QUIET, MAIL_VAR_SAVE, MAIL_VAR_SCREEN,
	MAIL_VAR_TOPLINES, MAIL_VAR_COUNT
};

struct mail_vars {
	char *value[MAIL_VAR_COUNT];	/* NULL: not set; a flag that is set: "" */
};

/* Defaults, then the environment. 0 or -1: no memory. */
int mail_vars_init(struct mail_vars *v);
void mail_vars_free(struct mail_vars *v);

const char *mail_var(const struct mail_vars *v, enum mail_var which);
bool mail_var_on(const struct mail_vars *v, enum mail_var which);
/* 0 when it is not set or no number. */
unsigned mail_var_number(const struct mail_vars *v, enum mail_var which);
const char *mail_var_name(enum mail_var which);

/* "name", "name=value", "noname" as the set command has it. 0 or -1 with err. */
int mail_var_set(struct mail_vars *v, struct span word, struct err *err);
int mail_var_unset(struct mail_vars *v, struct span name, struct err *err);

#endif
