/* authd - what its files share */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/list.h"
#include "base/scram.h"
#include "base/span.h"
#include "net/auth.h"
#include "net/loop.h"
#include "os/conf.h"

/* ---- authd_ask.c: one request as it comes over the wire */

#define AUTHD_NAME_MOST 320	/* octets of an address */
#define AUTHD_PASSWORD_MOST 255

enum authd_verb { AUTHD_LOOKUP, AUTHD_PLAIN, AUTHD_SALT, AUTHD_PROOF };

struct authd_ask {
	enum authd_verb verb;
	/* Too long, NUL, not UTF-8, no password or proof: whoever, NO. */
	bool nobody;
	char name[AUTHD_NAME_MOST + 1];
	char password[AUTHD_PASSWORD_MOST + 1];		/* PLAIN */
	char message[AUTH_MESSAGE_MOST + 1];		/* PROOF */
	unsigned char proof[SHA256_SIZE];
	char service[16], peer[64];	/* for the log; cut when longer */
};

/* False: not a request of our protocol. Wipe *ask after use. */
bool authd_ask_parse(struct authd_ask *ask, struct span line);

/* ---- authd_check.c: the answer; runs in a worker */

#define AUTHD_ANSWER_SIZE 1600	/* longest answer with its NUL */

/* Which of the servers of a directory rest; zeroed. */
struct authd_servers {
	/*
	 * seconds of clock_ms, 0: it was up; of 32 bits, as all workers read and
	 * write them
	 */
	volatile uint32_t rest_until[CONF_SERVERS_MOST];
};

/* What the workers share, with AUTHD_SLOW. */
struct authd_shared {
	struct authd_servers ldap, mysql;
};

struct authd_check;
struct authd_secret;
/* secret and shared (NULL without AUTHD_SLOW) are kept. NULL: no memory. */
struct authd_check *authd_check_new(const struct conf *conf,
		const struct authd_secret *secret,
		struct authd_shared *shared);
void authd_check_free(struct authd_check *c);
/*
 * "OK ...", "SALT ...", "NO", or "TEMP reason", where the reason is for the log
 * only.
 */
void authd_check_answer(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE]);

/*
 * With USERS_FULL an answer may have a second line, which is for authd itself:
 * words for authd_note.
 */
#define AUTHD_NOTE "NOTE "	/* before words, in a request of authd's own */
#define AUTHD_NOTE_SIZE 256

#define AUTHD_ELSEWHERE "ELSEWHERE"
/*
 * With AUTHD_SLOW authd_check_answer says AUTHD_ELSEWHERE, too: that means "ask
 * me again by this", which may take long.
 */
void authd_check_elsewhere(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE]);

/* ---- authd_scram.c; only with SASL_SCRAM */

/*
 * What the salt of nobody is made from. It is kept in state-dir, so that not even
 * a restart tells nobody from somebody; where it cannot be kept it is made anew.
 */
struct authd_secret {
	unsigned char bytes[SHA256_SIZE];
};
void authd_secret_get(struct authd_secret *s, const struct conf *conf);

/* Keys of nobody: a salt that is always name's, and no proof is good. */
void authd_scram_fake(struct scram_keys *keys, const struct authd_secret *s,
		struct span name, unsigned rounds);
void authd_scram_salt(struct str *out, const struct scram_keys *keys);

/* ---- authd_saslauthd.c: somebody else knows; only with AUTHD_SASLAUTHD */

struct authd_login {
	struct span name, password, service, realm;
};

/* A worker's, zeroed. */
struct authd_saslauthd {
	int64_t rest_until;		/* it hung: not asked until then */
};

/* 0 right, 1 wrong, -1 err: it cannot be told now. Takes 10 seconds at most. */
int authd_saslauthd(struct authd_saslauthd *s, const char *path,
		const struct authd_login *login, struct err *err);

/* ---- authd_pool.c: workers, started on demand */

struct authd_pool;
struct authd_job {
	/* Comes once, from the loop or within authd_pool_ask; as above. */
	void (*done)(struct authd_job *job, struct span answer);
	struct span line;		/* the caller's, kept until done */
	bool urgent;			/* needs no hashing: goes first */
	bool slow;			/* for authd_check_elsewhere */
	struct list link;		/* private from here */
	struct authd_worker *worker;
};

/* NULL with err. */
struct authd_pool *authd_pool_new(struct loop *loop, const struct conf *conf,
		const struct authd_secret *secret, struct err *err);
/* Jobs are dropped without a call. */
void authd_pool_free(struct authd_pool *p);
void authd_pool_ask(struct authd_pool *p, struct authd_job *job);
/* done will not come; also when it has come already. */
void authd_pool_cancel(struct authd_pool *p, struct authd_job *job);

/* ---- authd_note.c: what a login leaves in users.db; only with USERS_FULL */

/*
 * Nothing is written per login: words wait for a moment, those of all go in one
 * transaction, by a worker. "uID=DAY": a credential was used on that day;
 * "kID={SCRAM-SHA-256}...": a foreign hash becomes these keys. What finds no
 * room is left out, as the next login says it again.
 */
struct authd_notes;
/* NULL: no memory. */
struct authd_notes *authd_notes_new(struct loop *loop, const struct conf *conf,
		struct authd_pool *pool);
void authd_note(struct authd_notes *n, struct span words);
/* Writes what waits, itself; NULL is fine. */
void authd_notes_free(struct authd_notes *n);

/* ---- authd_cache.c: passwords that were right a moment ago; AUTHD_CACHE */

struct authd_cache;
struct authd_cache_key {
	unsigned char hash[SHA256_SIZE];
	uint64_t version;		/* of the users; 0: not to be kept */
};

/* NULL: no memory. */
struct authd_cache *authd_cache_new(struct loop *loop,
		const struct conf *conf);
void authd_cache_free(struct authd_cache *c);
/*
 * The answer to a PLAIN that was given within auth-cache, when no user has
 * changed since, or NULL. *key is for authd_cache_put, when it is answered.
 */
const char *authd_cache_get(struct authd_cache *c, const struct authd_ask *ask,
		struct authd_cache_key *key);
void authd_cache_put(struct authd_cache *c, const struct authd_cache_key *key,
		struct span answer);

/* ---- authd_question.c */

/* Those who answer; they stay. */
struct authd_desk {
	struct authd_pool *pool;
	struct authd_notes *notes;	/* NULL without USERS_FULL */
	struct authd_cache *cache;	/* NULL without AUTHD_CACHE */
};

struct authd_question {
	const struct authd_desk *desk;	/* these two are the caller's */
	/* Comes once, from the loop or within authd_question_ask. */
	void (*done)(struct authd_question *q, struct span answer);
	struct authd_job job;		/* private from here */
	struct authd_cache_key key;
};

/*
 * line is the caller's until done, and wiped by then. What is done with is a
 * line of authd's protocol; of TEMP the reason was logged. -1: not a request.
 */
int authd_question_ask(struct authd_question *q, struct span line);
/* done will not come; the line is wiped. */
void authd_question_drop(struct authd_question *q);

/* ---- authd_mux.c: a socket as saslauthd's; AUTHD_SASLAUTHD_SOCKET */

struct authd_mux_request {
	struct span name, password, service, realm;
};

/* 1: a whole request; 0: it goes on; -1: none of this protocol. */
int authd_mux_parse(struct span in, struct authd_mux_request *out);
/* Appends the same in our protocol. False: too long, which nobody's name is. */
bool authd_mux_line(struct str *out, const struct authd_mux_request *r,
		const struct conf *conf);

struct daemon;
struct authd_mux;
/* With the rights to do so: makes the socket. NULL with err. */
struct authd_mux *authd_mux_open(struct daemon *d, struct err *err);
/* 0 or -1. */
int authd_mux_start(struct authd_mux *m, const struct authd_desk *desk,
		struct err *err);
void authd_mux_free(struct authd_mux *m);	/* NULL is fine */

#endif
