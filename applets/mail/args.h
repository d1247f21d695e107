/* args - a command's arguments and their quoting (POSIX mailx, "Commands")
 *
 * 'paired' and "paired" quotes around a whole argument, or around the value
 * of name=value, keep all that is between them; a backslash outside of quotes
 * keeps the next character. An apostrophe inside a word is only that.
 */
#ifndef MAIL_ARGS_H
#define MAIL_ARGS_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

/* Takes the next argument off *rest, its quotes with it; empty at the end. */
struct span mail_arg(struct span *rest);
/* Takes the last one off. */
struct span mail_arg_last(struct span *rest);
/* Is all of it in quotes? Then *inside is what is between them. */
bool mail_arg_quoted(struct span arg, struct span *inside);
/* Appends what it stands for: no quotes, no backslashes. */
void mail_unquote(struct str *out, struct span arg);

#endif
