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
#define USER_SETTINGS_SIZE 256

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
	/* with USERS_FULL, as net/auth.h has them */
	uint64_t quota;
	uint32_t quota_messages;
	char settings[USER_SETTINGS_SIZE];
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
/*
 * A single octet that the flash has lost may hide somebody without a trace, so
 * before mail for nobody is refused: is all of the file in order? It is not
 * looked through where it is longer than 4 MB (some 25,000 users). 0; -1 with
 * err, ERR_TEMP.
 */
int user_sound(struct user_db *db, struct err *err);
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

/* ---- the rest is there with USERS_FULL only */

/*
 * With keys, or a hash of store/foreign.h (both NULL: nobody can log in). As
 * user_add.
 */
int user_add_as(struct user_db *db, struct span address,
		const struct scram_keys *keys, const char *foreign,
		struct err *err);
/* From now on all changes are one; the end of that, and what it came to. */
int user_batch_begin(struct user_db *db, struct err *err);
int user_batch_end(struct user_db *db, int rc, struct err *err);

/* 0 done, 1 no such user, -1. */
int user_set_enabled(struct user_db *db, struct span address, bool enabled,
		struct err *err);
/*
 * Another address, with all that the user has; aliases that lead to the old one
 * lead to the new one. move, within that: the mailbox, 0 or -1 with err. 0 done,
 * 1 no such user, -1 (ERR_PERM: not an address, or somebody has it).
 */
int user_rename(struct user_db *db, struct span from, struct span to,
		int (*move)(void *arg, const char *from, const char *to,
			struct err *err), void *arg, struct err *err);
int user_set_quota(struct user_db *db, struct span address, uint64_t octets,
		uint32_t messages, struct err *err);
/* value NULL: it has none any more. ERR_PERM: too long, or not a text. */
int user_set_setting(struct user_db *db, struct span address, const char *name,
		const char *value, struct err *err);

/* ---- user_secret.c: all that somebody may log in with */

#define USER_APPS_MOST 32
#define USER_LABEL_SIZE 64

/*
 * All SCRAM keys of a user have the same salt and rounds, so that one
 * derivation tells of a password which of them it is, if any. So does a
 * client's proof.
 */
struct user_key {
	int64_t id;
	int64_t used;			/* day since 1970; 0: never */
	bool app;
	unsigned char stored[SHA256_SIZE], server[SHA256_SIZE];
};

struct user_secrets {
	struct scram_keys shared;	/* salt and rounds; rounds 0: no keys */
	struct user_key key[1 + USER_APPS_MOST];
	unsigned n;
	int64_t foreign_id;		/* 0: no foreign hash */
	char foreign[300];		/* store/foreign.h */
};

/* Wipe *out after use. 0 or -1 */
int user_secrets(struct user_db *db, int64_t user, struct user_secrets *out,
		struct err *err);
/*
 * Somebody's foreign hash, whose method shows how long another one's would
 * take. 0 there, 1 nobody has one, -1.
 */
int user_some_foreign(struct user_db *db, char out[300], struct err *err);
/* A foreign hash becomes keys, if it is still there. 0 or -1 */
int user_rekey(struct user_db *db, int64_t credential,
		const struct scram_keys *keys, struct err *err);
int user_used(struct user_db *db, int64_t credential, int64_t day,
		struct err *err);

struct user_app {
	char label[USER_LABEL_SIZE];
	int64_t created, used;		/* used: a day, as above */
};
/*
 * ERR_PERM: there is one of that label, or USER_APPS_MOST of them, or the label
 * is not one. keys must have the user's salt and rounds, where he has any. 0, 1
 * and -1 as above.
 */
int user_app_add(struct user_db *db, struct span address, const char *label,
		const struct scram_keys *keys, struct err *err);
/* 1: no such user or label. */
int user_app_del(struct user_db *db, struct span address, const char *label,
		struct err *err);
int user_app_each(struct user_db *db, struct span address,
		bool (*fn)(void *arg, const struct user_app *app), void *arg,
		struct err *err);

/* All of a user's, as they are kept: label "" and a secret, or an app's. */
int user_secret_each(struct user_db *db, int64_t user,
		bool (*fn)(void *arg, const char *label, struct span secret),
		void *arg, struct err *err);

/* ---- user_domain.c: domains and aliases */

/* ERR_PERM: not a domain; there already. 0 or -1 */
int user_domain_add(struct user_db *db, struct span domain, struct err *err);
/* 1: it was not there. ERR_PERM: users or aliases are in it. */
int user_domain_del(struct user_db *db, struct span domain, struct err *err);
/* Was it added? 1, 0, -1 */
int user_domain_has(struct user_db *db, struct span domain, struct err *err);
/* Those that were added. */
int user_domain_each(struct user_db *db,
		bool (*fn)(void *arg, const char *domain), void *arg,
		struct err *err);

/* An address, or "@domain" for all that nobody else gets. */
bool user_alias_valid(struct span alias);
/*
 * target: an address. 0; 1: it was so already; -1: ERR_PERM when one of them is
 * none, or there are ALIAS_MAP_TARGETS_MOST (store/alias_map.h).
 */
int user_alias_add(struct user_db *db, struct span alias, struct span target,
		struct err *err);
/* target.n 0: all of them. 1: it was not there. */
int user_alias_del(struct user_db *db, struct span alias, struct span target,
		struct err *err);
/* By alias in the order of octets of its lower case, then by target. */
int user_alias_each(struct user_db *db,
		bool (*fn)(void *arg, const char *alias, const char *target),
		void *arg, struct err *err);

/*
 * Files below state-dir for those who may not read users.db: USER_DOMAINS, a
 * domain a line, and USER_ALIASES (store/alias_map.h). Made anew from what
 * users.db has now; where there is nothing to say there is no file.
 */
#define USER_DOMAINS "users.domains"
#define USER_ALIASES "users.aliases"
int user_publish(struct user_db *db, const char *state_dir, struct err *err);

/*
 * A copy of all, mode 0600, while others read and write. ERR_PERM: there is
 * such a file, or none can be made. Nothing but user_close may follow.
 */
int user_backup(struct user_db *db, const char *to, struct err *err);

#endif
