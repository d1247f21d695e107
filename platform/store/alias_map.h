/* alias_map - aliases of users.db, for those who may not read it
 *
 * A text file that mailuser makes: lines "ADDRESS TARGET,TARGET..." or "@DOMAIN
 * TARGET...", in the order of their octets, in lower case and A-labels. It is
 * never changed, only replaced, and looked into by bisection, so that a hundred
 * thousand of them cost no memory.
 */
#ifndef STORE_ALIAS_MAP_H
#define STORE_ALIAS_MAP_H

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define ALIAS_MAP_TARGETS_MOST 100
#define ALIAS_MAP_LINE_MOST (ALIAS_MAP_TARGETS_MOST * 256 + 1024)

/*
 * The targets of this address (lower case), appended to out, whose cap is
 * ALIAS_MAP_LINE_MOST at least. 1; 0: it is not there, or there is no file; -1
 * with err, ERR_TEMP or ERR_NOMEM.
 */
int alias_map_find(const char *path, struct span address, struct str *out,
		struct err *err);

#endif
