/* msmtp - ~/.msmtprc read, and said in our words */
#ifndef MAILCONF_MSMTP_H
#define MAILCONF_MSMTP_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define MSMTP_ACCOUNTS 32
#define MSMTP_FILE_MOST (64 * 1024)
#define MSMTP_SCRIPT "/etc/pillarbox.password"
#define MSMTP_TOKEN "/etc/pillarbox/oauth/token"
#define MSMTP_SECRET "/etc/pillarbox.secret"

/* Those of msmtp's settings that mean something to us. */
enum msmtp_key {
	MSMTP_HOST, MSMTP_PORT, MSMTP_TLS, MSMTP_STARTTLS, MSMTP_CERTCHECK,
	MSMTP_TRUST, MSMTP_FINGERPRINT, MSMTP_AUTH, MSMTP_USER,
	MSMTP_PASSWORD, MSMTP_PASSWORDEVAL, MSMTP_FROM, MSMTP_ALIASES,
	MSMTP_DOMAIN, MSMTP_TIMEOUT, MSMTP_LOGFILE, MSMTP_SYSLOG,
	MSMTP_PROTOCOL, MSMTP_KEYS
};

struct msmtp_account {
	struct span name;
	struct span value[MSMTP_KEYS];	/* p NULL: not set */
};

struct msmtp {
	/* [0] is what `defaults` says */
	struct msmtp_account account[MSMTP_ACCOUNTS + 1];
	unsigned n;			/* with [0] */
	bool all;			/* in turn, for everybody's mail */
	struct str notes;		/* comment lines: what has no counterpart */
};

/*
 * Everything points into text. 0, or -1 with the line's number: an account that
 * it inherits from is not there, or there are too many.
 */
int msmtp_parse(struct msmtp *m, struct span text, unsigned *line);
void msmtp_init(struct msmtp *m);
void msmtp_free(struct msmtp *m);
/* Adds to the notes. */
void msmtp_note(struct msmtp *m, struct span name, const char *text);
/* The account that is used when none is named; NULL: there is none. */
const struct msmtp_account *msmtp_default(const struct msmtp *m);
/* Where this account's password goes; first: it is the default one. */
void msmtp_secret(const struct msmtp_account *a, bool first, const char *path,
		struct str *out);
/* Lines of a configuration; path: of the password file, or NULL. */
void msmtp_print(const struct msmtp *m, const char *path, struct str *out);

#endif
