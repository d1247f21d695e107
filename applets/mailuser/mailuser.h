/* mailuser - what its files share */
#ifndef MAILUSER_MAILUSER_H
#define MAILUSER_MAILUSER_H

#include <stdbool.h>
#include "base/err.h"
#include "config.h"
#include "net/auth.h"
#include "os/conf.h"
#include "store/user.h"

#define OPERANDS_MOST (2 + 31 * CFG_USERS_FULL)

struct mailuser {
	const char *path;		/* of the configuration */
	bool generate, json;
	const char *format;
	const char *operand[OPERANDS_MOST];	/* the verb, and its own */
	int operands;
	struct conf *conf;
	struct span address;
	char file[1024];		/* users.db */
};

/* users.db, made where there is none, with its owner. NULL with err. */
struct user_db *mailuser_open(struct mailuser *m, struct err *err);
/* What user_find and its like gave, as an exit status; it is told. */
int mailuser_status(const struct mailuser *m, int result,
		const struct err *err);
/* False: it is told. */
bool mailuser_is_ours(const struct mailuser *m, struct span address);
/* keys of this password; with salt and rounds as they are, if any. */
void mailuser_derive(const struct mailuser *m, struct scram_keys *keys,
		const char *password);

/* ---- mailuser_admin.c, _copy.c, _show.c: USERS_FULL. Exit statuses. */
int mailuser_show(struct mailuser *m);
int mailuser_enable(struct mailuser *m);
int mailuser_disable(struct mailuser *m);
int mailuser_quota(struct mailuser *m);
int mailuser_rename(struct mailuser *m);	/* mailuser_rename.c */
int mailuser_set(struct mailuser *m);
int mailuser_app(struct mailuser *m);
int mailuser_domain(struct mailuser *m);
int mailuser_alias(struct mailuser *m);
int mailuser_backup(struct mailuser *m);
int mailuser_restore(struct mailuser *m);
/*
 * The salt that keys must have: of all the others, or (apps) only app
 * passwords.
 */
int mailuser_shared_salt(struct mailuser *m, struct user_db *db, int64_t user,
		bool apps, struct scram_keys *keys);
/*
 * One user as a line of JSON; all: with what he may log in with, or NULL.
 * False: it cannot be written.
 */
bool mailuser_print_json(const struct user *user,
		const struct user_secrets *all);
/* "10M" into octets. */
bool mailuser_size(const char *text, uint64_t *octets);

/* ---- mailuser_import.c, mailuser_export.c: MAILUSER_IMPORT */
int mailuser_import(struct mailuser *m);
int mailuser_export(struct mailuser *m);

#define PASSWORD_SIZE 256	/* with NUL: what PLAIN carries (net/sasl.h) */
#define PASSWORD_MADE 16	/* letters and digits: 95 bits */

/*
 * From a terminal: asks twice, without echo. Else one line of standard input.
 * 0, or -1 with err: ERR_PERM, what is wrong with it.
 */
int mailuser_ask_password(char out[PASSWORD_SIZE], const char *who,
		struct err *err);
void mailuser_make_password(char out[PASSWORD_SIZE]);

#endif
