/* user_private - what the files of user share */
#ifndef STORE_USER_PRIVATE_H
#define STORE_USER_PRIVATE_H

#include "base/idna.h"
#include "store/db.h"
#include "store/user.h"

/* A credential's kind. */
#define KIND_PASSWORD "1"	/* base/scram.h */
#define KIND_APP "2"		/* likewise; each with a label */
#define KIND_FOREIGN "3"	/* store/foreign.h; in place of the first */

struct user_db {
	struct db *db;
	bool full;			/* it has what came with version 2 */
	/* all that follows is one transaction */
	bool batch;
};

/* An address as the statements have it. */
struct user_parts {
	struct span local, domain;
	char text[IDNA_SIZE];		/* of the domain */
};
bool user_split(struct user_parts *out, struct span address);

/*
 * A statement with ?1 a number, ?2 and so on texts (where there are any). 1
 * when a row was found and changed, 0 when not.
 */
int user_execute(struct user_db *db, const char *sql, int64_t number,
		const struct span *text, int n, struct err *err);
/* All that is between them happens, or nothing (rc < 0). */
int user_begin(struct user_db *db, struct err *err);
int user_finish(struct user_db *db, int rc, struct err *err);

int user_put_foreign(struct user_db *db, int64_t id, const char *text,
		struct err *err);
/*
 * New keys of a user have the salt of those that stay: all of them, or (apps)
 * only app passwords. 0 or -1 with err.
 */
int user_check_salt(struct user_db *db, int64_t user, bool apps,
		const struct scram_keys *keys, struct err *err);
/* The domain's row, made where there is none. */
int user_put_domain(struct user_db *db, struct span domain, struct err *err);

#endif
