/* alias - the grammar of /etc/aliases and of the lists that it includes
 *
 *	name: value, value,
 *		value
 *	# comment
 *
 * as aliases(5) of sendmail and Postfix have it. Nothing is looked up here.
 */
#ifndef MIME_ALIAS_H
#define MIME_ALIAS_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define ALIAS_NAME_SIZE 65	/* RFC 5321 4.5.3.1.1, and NUL */
#define ALIAS_VALUE_SIZE 1024	/* of one value, with its NUL */
#define ALIAS_TARGETS_MOST 999	/* commands and files of one alias */

enum alias_kind {
	ALIAS_ADDRESS,		/* user, user@domain: text is an address, or a local part */
	ALIAS_EXACT,		/* \user: likewise, but no alias any more */
	ALIAS_COMMAND,		/* |command with args: text is the command */
	ALIAS_FILE,		/* /file */
	ALIAS_INCLUDE		/* :include:/file: text is the path */
};

struct alias_value {
	enum alias_kind kind;
	char text[ALIAS_VALUE_SIZE];
};

/* Values that are still to be read; of a whole included file at first:
 * { text, true, true, 1, 1 }. */
struct alias_list {
	struct span rest;
	bool lines;		/* a line's end ends a value: an included file */
	bool fresh;		/* rest is at the beginning of a line */
	unsigned line;		/* of rest's beginning */
	unsigned at;		/* of the value given last */
};

/*
 * The next value. 1; 0: that was all; -1: it is none, *why says so, and the next
 * call goes on behind it.
 */
int alias_value_next(struct alias_list *l, struct alias_value *v,
		const char **why);

struct alias_entry {
	unsigned line;		/* where it begins */
	char name[ALIAS_NAME_SIZE];	/* a local part, quoted where it must be, lower case */
	struct alias_list values;
};

/*
 * The next entry of a file, of which line is the number; both go on. 1, 0 and -1
 * as above; the values are still to be checked.
 */
int alias_entry_next(struct span *rest, unsigned *line, struct alias_entry *e,
		const char **why);

/*
 * A local part as alias names are compared: without needless quotes, in lower
 * case. False: too long for any.
 */
bool alias_name(char out[ALIAS_NAME_SIZE], struct span local);

/*
 * What deliver is asked for the n-th command or file (from 1) of an alias: the
 * local part "|NAME#N". No user's name and no alias begins with "|", and
 * nobody but queue may say such.
 */
void alias_put_target(struct str *out, const char *name, unsigned n);
bool alias_is_target(struct span local);
/* False: it is none. */
bool alias_get_target(struct span local, char name[ALIAS_NAME_SIZE],
		unsigned *n);
/*
 * The same for those in the .forward of an account of this machine: "|USER#~N".
 */
void alias_put_own(struct str *out, const char *user, unsigned n);
bool alias_get_own(struct span local, char user[ALIAS_NAME_SIZE],
		unsigned *n);

#endif
