/* oauth - what is stored of a sign-in at a provider, and what his servers say
 *
 * RFC 6749 (5.1, 5.2, 6), 8628. No I/O but for the credential's file: the
 * requests go over net/http. OAUTH.
 */
#ifndef NET_OAUTH_H
#define NET_OAUTH_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "net/http.h"
#include "net/sasl_client.h"

#define OAUTH_TOKEN_SIZE (SASL_TOKEN_MOST + 1)
#define OAUTH_REPLY_MOST 32768		/* octets */
#define OAUTH_FORM_MOST 32768
#define OAUTH_FORM_TYPE "application/x-www-form-urlencoded"

/* Of smtp --authorize: lines KEY=VALUE. Wipe it. */
struct oauth_credential {
	char provider[512];		/* what --authorize was told */
	char token_url[512], client_id[256], client_secret[512];
	char scope[512];		/* "": it was not told */
	char refresh_token[OAUTH_TOKEN_SIZE];
	int64_t dies;			/* the refresh token; seconds since
					 * 1970, 0: not known */
};

/*
 * -1 with err: ERR_TEMP it cannot be read, ERR_PERM others can read it, or it
 * is not what oauth_save has written.
 */
int oauth_load(const char *path, struct oauth_credential *c, struct err *err);
/*
 * Whole or not at all, durable, mode 0600, and whose it was before. 0 or -1.
 */
int oauth_save(const char *path, const struct oauth_credential *c,
		struct err *err);

/* Appends NAME=VALUE with a "&" before it when it is not the first. */
void oauth_form(struct str *form, const char *name, const char *value);
/* RFC 6749 6: asks for an access token. form is a new secret. */
void oauth_refresh_form(struct str *form, const struct oauth_credential *c);

enum oauth_verdict {
	OAUTH_TOKEN,		/* access is good */
	OAUTH_REFUSED,		/* not before a human does something; see error */
	OAUTH_LATER		/* may work later, or it was no answer at all */
};

struct oauth_answer {
	char access[OAUTH_TOKEN_SIZE];
	char refresh[OAUTH_TOKEN_SIZE];	/* "": none has come */
	unsigned expires_in;		/* seconds; of access */
	unsigned refresh_expires_in;	/* 0: not told */
	char error[64];			/* RFC 6749 5.2's word, or "" */
	char why[200];			/* for humans; printable ASCII */
};

/* What came from the token endpoint. Wipe a. */
enum oauth_verdict oauth_read(struct oauth_answer *a,
		const struct http_reply *r);

/* For an answer that refuses: what the owner can do; NULL: nothing to add. */
const char *oauth_advice(const struct oauth_answer *a);

/* A member that is a string, printable ASCII only. False: there is none. */
bool oauth_member(struct span json, const char *name, char *out, size_t size);
/* A member that is a number, or is one in quotes; else otherwise. */
unsigned oauth_seconds(struct span json, const char *name,
		unsigned otherwise);

#endif
