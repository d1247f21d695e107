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
	char name[256];		/* canonical: "alice@a.com" (virtual), "alice" (system) */
	char mailbox[320];	/* Maildir below mail-dir ("a.com/alice"), or the mbox's name below mbox-dir */
	uid_t uid;		/* system users; 0 never gets mail in this way unless it is root's own box */
	gid_t gid;
};

struct auth;
typedef void auth_fn(void *arg, enum auth_status status,
		const struct auth_user *user);	/* user: with AUTH_OK; good during the call */

/* path: of authd's socket, kept. NULL: no memory. */
struct auth *auth_new(struct loop *l, const char *path);
void auth_free(struct auth *a);		/* pending requests are dropped without a call */

struct auth_request;
/* fn comes once, from the loop, never inside the call. NULL: no memory. */
struct auth_request *auth_password(struct auth *a, struct span user,
		struct span password, const char *service, const char *peer,
		auth_fn *fn, void *arg);
/* Who gets mail for this address (local part, domain ours)? */
struct auth_request *auth_lookup(struct auth *a, struct span address,
		auth_fn *fn, void *arg);
void auth_cancel(struct auth_request *r);

#define AUTH_SOCKET "authd"	/* below run-dir */

/*
 * The wire, for authd itself. Request: "LOOKUP B64(address)" or
 * "PLAIN B64(user) B64(password) SERVICE PEER", "=" for an empty text. Answer:
 * "OK KIND B64(name) B64(mailbox) UID GID", "NO" or "TEMP". LF ends each.
 */
#define AUTH_LINE_MAX 4096

#endif
