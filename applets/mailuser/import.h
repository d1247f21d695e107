/* import - what the files of mailuser import share */
#ifndef MAILUSER_IMPORT_H
#define MAILUSER_IMPORT_H

#include "mailuser/mailuser.h"
#include "store/foreign.h"

#define FIELD_MOST 1024			/* octets of one */

enum field { TYPE, ADDRESS, PASSWORD, NAME, ENABLED, QUOTA, MESSAGES, FORWARD,
	HOOK, FIELDS };

struct import {
	struct mailuser *m;
	struct user_db *db;
	const char *path;
	struct span rest;		/* of the file */
	unsigned line;
	unsigned bad, users, aliases;
	unsigned targets;		/* of the alias that is read now */
	bool broken;			/* nothing to do with the file */
	struct foreign_seen seen;
	signed char column[64];		/* of CSV: which field it is, or -1 */
	unsigned columns;
	char text[FIELDS][FIELD_MOST];
};

/* The line at hand is wrong. */
void import_tell(struct import *i, const char *why);
/* What i->text says, of whatever type; of a user; what is wrong is told. */
void import_record(struct import *i);
void import_user(struct import *i);
void import_alias(struct import *i, struct span alias, struct span target);
void import_domain(struct import *i, struct span domain);

#endif
