/* sasl - the steps of PLAIN, LOGIN, SCRAM-SHA-256 and EXTERNAL
 *
 * RFC 4616 (PLAIN), 5802 and 7677 (SCRAM), 5056 (channel binding); 4954 and
 * 5034 (how SMTP and POP3 carry them). This is the server's side.
 */
#ifndef NET_SASL_H
#define NET_SASL_H

#include <stdbool.h>
#include "base/sha256.h"
#include "base/span.h"
#include "base/str.h"
#include "net/auth.h"
#include "net/conn.h"

#define SASL_TEXT 255		/* longest user name, longest password */

/* conn_binding, or a test's; NULL: nothing is bound to */
typedef size_t sasl_bind_fn(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST]);

/* What authd is asked; see auth_sasl. */
enum sasl_question {
	SASL_ASK_PASSWORD, SASL_ASK_SALT, SASL_ASK_PROOF,
	SASL_ASK_EXTERNAL	/* not authd: user is whom to act for, or "" */
};

/* Server side: one per running AUTH command. Wipe with sasl_wipe. */
struct sasl {
	enum sasl_question question;
	char user[SASL_TEXT + 1];
	char password[SASL_TEXT + 1];
	/* SCRAM: AuthMessage (RFC 5802 3) as far as it goes; the proof */
	struct str message;
	unsigned char proof[SHA256_SIZE];
	/* wrong however good the proof: binding or nonce are not ours */
	bool wrong;
	struct auth_user who;		/* with SASL_DONE */
	/* private */
	unsigned char mechanism, step;
	sasl_bind_fn *bind;
	const struct conn *conn;
	struct str expected;		/* how the last message must begin */
	struct str challenge;
};

enum sasl_next {
	SASL_CHALLENGE,		/* send challenge as text (already base64) */
	SASL_CHECK,		/* ask authd; its answer goes to sasl_answer */
	SASL_DONE,		/* it is over, and s->who is it */
	SASL_CANCEL,		/* the client sent "*" */
	SASL_BAD,		/* not base64, too long, no user, no NULs */
	SASL_UNKNOWN		/* no such mechanism */
};

/*
 * "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"; PLUS only where c can be
 * bound to.
 */
const char *sasl_mechanisms(sasl_bind_fn *bind, const struct conn *c);
/* Of a running AUTH: "PLAIN". */
const char *sasl_mechanism(const struct sasl *s);
/*
 * s is new. args of AUTH: mechanism and optional initial response ("=" is
 * empty). What is at *challenge is s's.
 */
enum sasl_next sasl_start(struct sasl *s, struct span args,
		sasl_bind_fn *bind, const struct conn *c,
		const char **challenge);
/*
 * The same for EXTERNAL (RFC 4422 A), which sasl_start does not know: whether
 * there is anything outside to go by is the caller's business. With args of
 * another mechanism SASL_UNKNOWN.
 */
enum sasl_next sasl_start_external(struct sasl *s, struct span args,
		const char **challenge);
/* One line from the client. */
enum sasl_next sasl_step(struct sasl *s, struct span line,
		const char **challenge);
/* authd said AUTH_OK. */
enum sasl_next sasl_answer(struct sasl *s, const struct auth_user *user,
		const char **challenge);
void sasl_wipe(struct sasl *s);

/* Is -PLUS offered? */
bool sasl_can_bind(sasl_bind_fn *bind, const struct conn *c);

/* -- sasl_scram.c: the server's side of SCRAM -- */

/* plus: the client has chosen -PLUS */
enum sasl_next sasl_scram_first(struct sasl *s, struct span message,
		bool plus);
enum sasl_next sasl_scram_final(struct sasl *s, struct span message);
/* Our message in return, which is *challenge. */
enum sasl_next sasl_scram_answer(struct sasl *s, const struct auth_user *user,
		const char **challenge);

#endif
