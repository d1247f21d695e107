/* smtp - the parts of the client by itself */
#ifndef APPLETS_SMTP_H
#define APPLETS_SMTP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "net/mx.h"
#include "net/smtp_client.h"
#include "os/conf.h"

/* Where it all goes, when it is not the MX of each domain. */
struct smtp_relay {
	const char *host;		/* NULL: MX */
	unsigned port;
	enum conf_tls tls;
	bool verify;
	const char *user, *password;	/* NULL: no AUTH */
	const struct conf_smarthost *smarthost;	/* its secret is still to be
						 * got, or NULL */
};

struct smtp_job {
	const struct conf *conf;
	struct smtp_relay relay;
	bool verbose;
	struct smtp_message message;	/* rcpt, nrcpt: all of them */
	struct smtp_result *results;	/* one a recipient */
	char (*hosts)[256];		/* who said it; "" nobody */
};

/* ---- message.c */
/*
 * Standard input as a file: as it is, or copied to one without a name. Fills in
 * fd, start, size, eight_bit. 0 or -1.
 */
int smtp_read_message(const struct conf *conf, struct smtp_message *m,
		struct err *err);

/* ---- authorize.c */
/* smtp --authorize: the exit status. */
int smtp_authorize(int argc, char **argv);

/* ---- send.c */
/* Blocks until each recipient has its result. -1: could not begin. */
int smtp_send_all(struct smtp_job *job, struct err *err);

#endif
