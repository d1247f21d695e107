/* auth - asking authd: passwords, users, where mail for an address goes
 *
 * One unix stream socket, one line a request, answers in order. Reconnects by
 * itself and asks again what was not answered. A request ends as AUTH_TEMP when
 * for 5 s neither it nor one before it was answered.
 */
#ifndef NET_AUTH_H
#define NET_AUTH_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"

enum auth_status {
	AUTH_OK,
	AUTH_NO,	/* wrong password; no such user */
	AUTH_TEMP	/* could not be asked */
};

enum auth_kind { AUTH_VIRTUAL, AUTH_SYSTEM };

struct auth_user {
	enum auth_kind kind;
	/* canonical: "alice@a.com" (virtual), "alice" (system) */
	char name[256];
	/* Maildir below mail-dir ("a.com/alice"), or mbox below mbox-dir */
	char mailbox[320];
	/* system users; 0 never gets mail in this way but in root's own box */
	uid_t uid;
	gid_t gid;
};

struct auth;
/* user: with AUTH_OK; good during the call */
typedef void auth_fn(void *arg, enum auth_status status,
		const struct auth_user *user);

/* path: of authd's socket, kept. NULL: no memory. */
struct auth *auth_new(struct loop *l, const char *path);
/* Pending requests are dropped without a call. */
void auth_free(struct auth *a);

struct auth_request;
/* fn comes once, from the loop, never inside the call. NULL: no memory. */
struct auth_request *auth_password(struct auth *a, struct span user,
		struct span password, const char *service, const char *peer,
		auth_fn *fn, void *arg);
/* Who gets mail for this address (local part, domain ours)? An address found is remembered for 5 s. */
struct auth_request *auth_lookup(struct auth *a, struct span address,
		auth_fn *fn, void *arg);
/* No call will come. Not once it has come: the request is gone then. */
void auth_cancel(struct auth_request *r);

#define AUTH_SOCKET "authd"	/* below run-dir */

/*
 * The wire, for authd itself. Request: "LOOKUP B64(address)" or
 * "PLAIN B64(user) B64(password) SERVICE PEER", "=" for an empty text. Answer:
 * "OK KIND B64(name) B64(mailbox) UID GID", "NO" or "TEMP". LF ends each.
 */
#define AUTH_LINE_MAX 4096

#endif
