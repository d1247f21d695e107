/* user - users, domains and credentials in users.db (SQLite)
 *
 * Only authd and mailuser link it; all others ask authd.
 */
#ifndef STORE_USER_H
#define STORE_USER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/scram.h"
#include "base/span.h"

#define USER_FILE "users.db"	/* below state-dir */
#define USER_ADDRESS_SIZE 256

struct user_db;

/*
 * May a virtual user have this address? Its local part becomes a folder's
 * name, so only letters, digits and some of RFC 5322's atext are taken, and
 * (SMTPUTF8) clean UTF-8; no quotes, no "/", at most 64 octets.
 */
bool user_address_valid(struct span address);

struct user {
	int64_t id;
	/*
	 * "alice@a.com": the domain in lower case and A-labels, the local part
	 * as it was given. It is compared without the case of ASCII letters;
	 * all else octet by octet (RFC 5321 2.4), as case, and what are two
	 * ways of writing the same, differ among languages.
	 */
	char address[USER_ADDRESS_SIZE];
	char mailbox[320];	/* Maildir below mail-dir: "a.com/alice" */
	bool enabled;
	int64_t created;
};

/*
 * write: for mailuser; makes the file (mode 0600) and schema. Rollback journal
 * (TRUNCATE), synchronous=FULL, busy time-out. NULL with err (ERR_PERM: not
 * write, and there is no such file).
 */
struct user_db *user_open(const char *path, bool write, struct err *err);
void user_close(struct user_db *db);

/*
 * 0 found, 1 no such user, -1 err (ERR_TEMP). keys may be NULL; a user without
 * a password has keys->rounds 0.
 */
int user_find(struct user_db *db, struct span address, struct user *out,
		struct scram_keys *keys, struct err *err);
/* ERR_PERM: exists already / address not valid. */
int user_add(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err);
/* 0 done, 1 no such user, -1. */
int user_set_keys(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err);
/* 0 gone, 1 was not there, -1. */
int user_delete(struct user_db *db, struct span address, struct err *err);
/* In order of domain and name; fn false stops. */
int user_each(struct user_db *db, bool (*fn)(void *arg, const struct user *u),
		void *arg, struct err *err);

#endif
