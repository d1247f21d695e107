/* auth - asking authd: passwords, users, where mail for an address goes
 *
 * One unix stream socket, one line a request, answers in order. Reconnects by
 * itself and asks again what was not answered. A request ends as AUTH_TEMP when
 * for 5 s neither it nor one before it was answered.
 */
#ifndef NET_AUTH_H
#define NET_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"

enum auth_status {
	AUTH_OK,
	AUTH_NO,	/* wrong password; no such user */
	AUTH_TEMP	/* could not be asked */
};

#define AUTH_SCRAM_SIZE 48
#define AUTH_SETTINGS_SIZE 256

enum auth_kind { AUTH_VIRTUAL, AUTH_SYSTEM, AUTH_ALIAS };

#define AUTH_QUOTA_UNLIMITED INT64_MAX	/* nor mailbox-quota's */

struct auth_user {
	enum auth_kind kind;
	/*
	 * canonical: "alice@a.com" (virtual), "alice" (system). Of an alias that
	 * is no user the one user that it leads to, "": nobody, or several.
	 */
	char name[256];
	/* Maildir below mail-dir ("a.com/alice"), or mbox below mbox-dir; of an alias its local part */
	char mailbox[320];
	/* system users; 0 never gets mail in this way but in root's own box */
	uid_t uid;
	gid_t gid;
	/*
	 * of the mailbox, for this user alone; 0: none of its own, but that of
	 * all (mailbox-quota)
	 */
	uint64_t quota;			/* octets */
	uint32_t quota_messages;
	/*
	 * What deliver does otherwise for this user, "NAME=VALUE" in lines
	 * ended by LF; auth_setting finds one. Known names:
	 *	forward=yes|no	does the file forward in his Maildir count?
	 *	hook=COMMAND	that decides about his mail (deliver-command)
	 * Who does not know a name passes over it.
	 */
	char settings[AUTH_SETTINGS_SIZE];
	/* SCRAM: "s=SALT,i=ROUNDS", or our signature; base64 in both */
	char scram[AUTH_SCRAM_SIZE];
};

/* False: the user has no such setting; *value is then empty. */
bool auth_setting(const struct auth_user *user, const char *name,
		struct span *value);

struct auth;
/* user: with AUTH_OK; good during the call */
typedef void auth_fn(void *arg, enum auth_status status,
		const struct auth_user *user);

/* path: of authd's socket, kept. NULL: no memory. */
struct auth *auth_new(struct loop *l, const char *path);
/*
 * An answer may take its time, as when authd has to ask somebody else: for each
 * question there is a connection, for 15 s, and it holds up nothing. Only with
 * AUTHD_SLOW.
 */
void auth_slow(struct auth *a);
/* Pending requests are dropped without a call. */
void auth_free(struct auth *a);

struct auth_request;
/* fn comes once, from the loop, never inside the call. NULL: no memory. */
struct auth_request *auth_password(struct auth *a, struct span user,
		struct span password, const char *service, const char *peer,
		auth_fn *fn, void *arg);
/*
 * What s asks next (net/sasl.h): a password, or one of SCRAM's two questions.
 * Of the salt nothing but user->scram is set; everybody has one.
 */
struct sasl;
struct auth_request *auth_sasl(struct auth *a, const struct sasl *s,
		const char *service, const char *peer, auth_fn *fn, void *arg);
/* Who gets mail for this address (local part, domain ours)? An address found is remembered for 5 s. */
struct auth_request *auth_lookup(struct auth *a, struct span address,
		auth_fn *fn, void *arg);
/* No call will come. Not once it has come: the request is gone then. */
void auth_cancel(struct auth_request *r);

#define AUTH_SOCKET "authd"	/* below run-dir */

/*
 * The wire, for authd itself; LF ends each line. Requests, "=" for an empty
 * text:
 *	LOOKUP B64(address)
 *	PLAIN B64(user) B64(password) SERVICE PEER
 *	SALT B64(user)
 *	PROOF B64(user) B64(AuthMessage) B64(ClientProof) SERVICE PEER
 * Answers: "OK KIND B64(name) B64(mailbox) UID GID OCTETS MESSAGES
 * B64(settings)" (name "=" for an alias that is nobody's, quotas 0 for none,
 * settings "=" for none), to PROOF with B64(ServerSignature) behind it; to SALT
 * "SALT s=B64(salt),i=ROUNDS"; or "NO" or "TEMP". No question has a state: who
 * vanishes half-way leaves nothing here, and no key leaves authd. Nonces and
 * bindings are the asker's business: to whom could authd prove them but to him?
 */
#define AUTH_LINE_MAX 4096
#define AUTH_MESSAGE_MOST 2048	/* octets of an AuthMessage (RFC 5802 3) */

#endif
