/* aliases - the file of aliases, in memory, and those of users.db
 *
 * Directive `aliases`; a file that is not there has none. The grammar is
 * mime/alias.h's. Names count in all of our domains. There is no database: who
 * needs the file reads it, and 10,000 lines are found in by bisection.
 */
#ifndef STORE_ALIASES_H
#define STORE_ALIASES_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "mime/alias.h"
#include "os/conf.h"

#define ALIASES_FILE_MOST (2 * 1024 * 1024)	/* octets of it, and of all includes open at a time */
#define ALIASES_ENTRIES_MOST 100000
#define ALIASES_DEPTH_MOST 32	/* aliases and includes within each other */

struct aliases;

/*
 * Nothing is read yet. log: what is wrong in the file is told to the log each
 * time that it is read. NULL: no memory.
 */
struct aliases *aliases_new(const struct conf *conf, bool log);
void aliases_free(struct aliases *a);	/* NULL is fine */

/*
 * Is this local part an alias (as it is, or before its "+")? With USERS_FULL
 * the whole address may be one of users.db, too, and local "" is who gets what
 * nobody else gets. 1; 0; -1 with err: it cannot be told now. Looks at most
 * once a second whether the file has changed.
 */
int aliases_has(struct aliases *a, struct span local, struct span domain,
		struct err *err);

/*
 * Whose it is: the one user of ours that it leads to, through other aliases
 * perhaps, into out, as it stands there: "alice" or "alice@a.com"; "": nobody's,
 * or several ones'. No included file is read for that. 0 or -1 as above.
 */
int aliases_owner(struct aliases *a, struct span local, struct span domain,
		char out[ALIAS_VALUE_SIZE], struct err *err);

/* The n-th command or file (from 1) of an alias. As aliases_has. */
int aliases_target(struct aliases *a, const char *name, unsigned n,
		struct alias_value *v, struct err *err);

/* What an address becomes. */
struct alias_set {
	struct arena *arena;	/* of all texts */
	const char **address;	/* each once; addresses and "|NAME#N@domain" */
	unsigned n;
	const char *owner;	/* "owner-NAME@domain", when there is such an alias; else NULL */
	bool looped;		/* an alias led back to itself; that way was left out */
	unsigned *slots, nslots, size;	/* private */
};
/*
 * Expands a recipient in one of our domains, until there are no more aliases
 * (most: or so many addresses; then there may be more). also, for when they
 * have no mailbox of their own: ROLES, who is postmaster, abuse or
 * mailer-daemon and no alias is what postmaster is, or who has postmaster's
 * mail; REST, whoever is none is what the domain's catch-all is (USERS_FULL).
 * 1: it is an alias, s has one address at least; 0: it is none; -1 with err.
 * ERR_TEMP, ERR_NOMEM: not now (a file that is not there or not to be read);
 * ERR_PERM: it leads to nobody, is nested too deep, or to more than
 * max-alias-recipients. alias_set_free in all cases.
 */
enum { ALIASES_ROLES = 1, ALIASES_REST = 2 };
int aliases_expand(struct aliases *a, struct span rcpt, unsigned also,
		unsigned most, struct alias_set *s, struct err *err);
void alias_set_free(struct alias_set *s);

/*
 * Looks at all of the file and at what it includes; calls fn for all that is
 * wrong, "FILE:LINE: ...". *n: names. 0; -1 with err: it could not be read.
 */
int aliases_check(const struct conf *conf,
		void (*fn)(void *arg, const char *text), void *arg,
		unsigned *n, struct err *err);

#endif
