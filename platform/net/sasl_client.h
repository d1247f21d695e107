/* sasl_client - the client's side of SASL: which mechanism, and its messages
 *
 * RFC 4616 (PLAIN), 5802 and 7677 (SCRAM), 7628 (OAUTHBEARER); LOGIN and
 * XOAUTH2 as those describe them who offer them. RFC 4954 says how SMTP carries
 * them, which is the caller's business.
 */
#ifndef NET_SASL_CLIENT_H
#define NET_SASL_CLIENT_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "net/tls.h"

#define SASL_TOKEN_MOST 8192	/* octets of an access token */

/* Who logs in, with what, and where; the strings stay the caller's. */
struct sasl_login {
	const char *user, *password;
	bool bearer;			/* password is an OAuth access token */
	const char *mechanism;		/* NULL: the best both know; else only this */
	const char *host;		/* whom we speak to */
	unsigned port;			/* 0: it has none */
	/* the kind of these (SASL_PLUS_CLIENT); or NULL */
	const char *binding;
	unsigned char bound[TLS_BINDING_MOST];
	size_t nbound;
};

struct sasl_client_row;
struct sasl_client {
	const struct sasl_login *login;
	const struct sasl_client_row *row;
	unsigned step;			/* messages of ours so far */
	char flag;			/* of gs2 (RFC 5802 6) */
	char why[120];			/* what was said of a failure, or "" */
	struct sasl_client_scram *scram;	/* private */
};

/* The bit of the mechanism that a server names; 0: none of ours. */
unsigned sasl_client_bit(struct span name);
/*
 * Chooses out of these bits. s is new; wipe it at the end. -1 with err
 * (ERR_AUTH): none will do.
 */
int sasl_client_start(struct sasl_client *s, const struct sasl_login *login,
		unsigned offered, struct err *err);
/* Of one that has started: "PLAIN". */
const char *sasl_client_mechanism(const struct sasl_client *s);
/* Does the server speak first, so that no initial response goes with AUTH? */
bool sasl_client_waits(const struct sasl_client *s);
/*
 * Our next message in base64, in out, which this makes: str_wipe it, whatever this
 * gives. challenge is the server's, in base64, or empty before our first. 0; 1: it takes long, call this again from
 * the loop, with an empty challenge; -1 with err (ERR_AUTH, ERR_PROTO,
 * ERR_NOMEM): there is none.
 */
int sasl_client_step(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err);
/*
 * The server says that all is well: may it be believed? Not before it has
 * heard all of us, nor (SCRAM) before it has shown that it knows the password.
 */
bool sasl_client_done(const struct sasl_client *s);
void sasl_client_wipe(struct sasl_client *s);

#endif
