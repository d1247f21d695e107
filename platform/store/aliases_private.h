/* aliases_private - what aliases.c and aliases_expand.c share */
#ifndef STORE_ALIASES_PRIVATE_H
#define STORE_ALIASES_PRIVATE_H

#include <stdint.h>
#include <sys/stat.h>
#include "store/aliases.h"

struct aliases_entry {
	const char *name;		/* in arena */
	struct alias_list values;	/* in text */
};

struct aliases {
	const struct conf *conf;
	void (*tell)(void *arg, const char *text);	/* NULL: nobody */
	void *arg;
	bool have;			/* it was read, or there is none */
	int64_t looked;			/* clock_ms of the last look */
	struct stat st;			/* of what was read; st_ino 0: there is none */
	struct str text;		/* the file; entries point into it */
	struct arena *arena;
	struct aliases_entry *entry;	/* sorted by name */
	unsigned n;
};

/* "/etc/aliases", or NULL: switched off. */
const char *aliases_path(const struct conf *conf);
/* Reads it when it has to. 0 or -1. */
int aliases_refresh(struct aliases *a, struct err *err);
/* By name and then by what stands before the "+". NULL: none. */
const struct aliases_entry *aliases_find(const struct aliases *a,
		struct span local);
const struct aliases_entry *aliases_find_name(const struct aliases *a,
		const char *name);
/*
 * Aliases of users.db (store/alias_map.h): what this address leads to, as it is
 * or before its "+", local "": who gets the rest. key: the alias's own name. 1
 * with values, 0, -1 err. Only with USERS_FULL.
 */
#define ALIASES_KEY_SIZE (ALIAS_NAME_SIZE + 256)
int aliases_mapped(const struct aliases *a, struct span local,
		struct span domain, char key[ALIASES_KEY_SIZE],
		struct str *values, struct err *err);
/* A file that may be read, and what it was. 0 or -1; ERR_TEMP, also for one that is not there. */
int aliases_read(const char *path, struct str *text, struct stat *st,
		struct err *err);
/* Does it name one alone? */
bool aliases_alone(const struct alias_list *values);
/* "FILE:LINE: why" to who wants to know. */
void aliases_tell(const struct aliases *a, const char *path, unsigned line,
		const char *why);

#endif
