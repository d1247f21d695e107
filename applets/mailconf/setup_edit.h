/* setup_edit - changes a configuration and leaves the rest of it, comments too */
#ifndef MAILCONF_SETUP_EDIT_H
#define MAILCONF_SETUP_EDIT_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

/* Is it about this line? rest: what comes behind the directive's name. */
typedef bool setup_match(struct span rest);

/*
 * text with `name value` in place of the first line of that name that match
 * (NULL: any) is true for, or else at the end; more such lines go. value NULL:
 * all of them go. A comment behind the line stays.
 */
void setup_edit(struct str *out, struct span text, const char *name,
		const char *value, setup_match *match);
/* Appends another line of this name, behind the last that there is. */
void setup_edit_add(struct str *out, struct span text, const char *name,
		const char *value);
/* Is there a line of this name whose first word this is? */
bool setup_edit_has(struct span text, const char *name, const char *word);
/*
 * The same for a file of aliases: `name: value` in place of that of before,
 * with the lines that go on with it.
 */
void setup_edit_alias(struct str *out, struct span text, const char *name,
		const char *value);
/* What stands there for this name, in one line; "" when there is nothing. */
void setup_alias_value(struct str *out, struct span text, const char *name);

#endif
