/* authd_source - where users come from: users.db, this machine, a directory
 *
 * A source is a file authd_NAME.c with one struct of functions. They are asked
 * in the order of authd_source.c; the first that knows a name decides.
 */
#ifndef AUTHD_SOURCE_H
#define AUTHD_SOURCE_H

#include "authd/authd.h"

/* What all of this gives; -1 with err: it cannot be told now. */
enum authd_found {
	AUTHD_FOUND,
	AUTHD_NOBODY,
	AUTHD_ASK_AGAIN,	/* only who may take long can tell */
	/* it is switched off: nobody, here or elsewhere */
	AUTHD_OFF
};

/* An address in its parts; the domain is one of ours. */
struct authd_name {
	struct span local, domain;
};

#define AUTHD_OWN_SIZE 512

/* Wipe it after use. */
struct authd_person {
	struct auth_user user;
	struct scram_keys keys;		/* rounds 0: there are none */
	char own[AUTHD_OWN_SIZE];	/* the source's: a hash, a DN */
};

struct authd_check;

/* own is what start gave. The functions may block only where slow says so. */
struct authd_source {
	bool slow;		/* asks over a network: for 10 s at most */
	/* knows no domains; a name without one is its */
	bool by_name;
	bool keys;		/* has keys for SCRAM */
	bool (*wanted)(const struct conf *conf);
	/* c lives longer. NULL: no memory. */
	void *(*start)(const struct authd_check *c);
	void (*end)(void *own);
	/* FOUND, NOBODY, OFF, -1 err */
	int (*find)(void *own, const struct authd_name *name,
			struct authd_person *out, struct err *err);
	/*
	 * FOUND: right; NOBODY: wrong; -1 err. who NULL: somebody else's, which
	 * is wrong and takes as long as a wrong one of its own.
	 */
	int (*verify)(void *own, const struct authd_person *who,
			const char *password, struct err *err);
	/*
	 * Only with USERS_FULL: the next keys of the same salt, if there are
	 * any.
	 */
	bool (*next_keys)(void *own, struct authd_person *who);
	/* ... and somebody has just proved that he has who->keys' password. */
	void (*used)(void *own, const struct authd_person *who);
};

const struct authd_source *authd_users(void);
/* Writes what a line of notes says; only with USERS_FULL. 0 or -1 */
int authd_users_note(const struct conf *conf, struct span notes,
		struct err *err);
const struct authd_source *authd_system(void);		/* AUTHD_SYSTEM */
const struct authd_source *authd_ldap(void);		/* AUTHD_LDAP */
const struct authd_source *authd_mysql(void);		/* AUTHD_MYSQL */

#define AUTHD_SOURCES_MOST 4

struct authd_slot {
	const struct authd_source *is;
	void *own;
};

/* A worker's. */
struct authd_check {
	const struct conf *conf;
	const struct authd_secret *secret;
	struct authd_shared *shared;
	struct authd_slot sources[AUTHD_SOURCES_MOST];
	unsigned nsources;
	struct aliases *aliases;	/* NULL: not in this build */
	uid_t uid;			/* of user-store, who owns the mail */
	gid_t gid;			/* of virtual users */
	struct authd_saslauthd saslauthd;
	bool slow;			/* this may take long */
	/* Of AUTHD_NOTE_SIZE, for authd_note.c; NULL without USERS_FULL. */
	char *note;
};

/* ---- authd_source.c */

/* 0, or -1: no memory; end them in any case. */
int authd_sources_start(struct authd_check *c);
void authd_sources_end(struct authd_check *c);

/* Splits at the last "@"; without one the domain is empty. */
struct span authd_split(struct span name, struct span *domain);
struct span authd_first_domain(const struct conf *conf);
/* Whoever gets mail for this: FOUND, NOBODY, ASK_AGAIN, -1 err. */
int authd_find_box(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out, struct err *err);

/* ---- authd_lookup.c: who gets the mail for an address */

int authd_lookup(struct authd_check *c, struct span address,
		struct auth_user *out, struct err *err);

/* ---- authd_login.c */

/*
 * Whose a name is; *slot NULL: nobody's, or not of one who logs in. keys: it is
 * about SCRAM, so only who has keys is worth asking. 0, ASK_AGAIN, -1 err.
 */
int authd_find_login(struct authd_check *c, const struct authd_ask *ask,
		bool keys, struct authd_person *who,
		const struct authd_slot **slot, struct err *err);
int authd_login(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err);

/* ---- authd_scram.c: the same without the password; only with SASL_SCRAM */

int authd_salt(struct authd_check *c, const struct authd_ask *ask,
		struct str *out, struct err *err);
int authd_prove(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err);

#endif
