/* smtp - the parts of the client by itself */
#ifndef APPLETS_SMTP_H
#define APPLETS_SMTP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/mx.h"
#include "net/smtp_client.h"
#include "net/tls.h"
#include "os/conf.h"

#define SMTP_HOST_MOST 255
#define SMTP_PASSWORD_MOST 255

struct smtp_options {
	const char *conf, *sender, *name, *host, *tls, *user, *password_file;
	const char *domain, *fingerprint;
	bool no_verify, verbose, from_header, check, serverinfo;
};

/* What the relay's strings point to. */
struct smtp_room {
	char host[SMTP_HOST_MOST + 1], password[SMTP_PASSWORD_MOST + 1];
	char sender[320];
	unsigned char hash[32];
	struct tls_pin pins[2];
	struct tls_expect expect;
	struct str head;		/* what goes out before the body */
	struct arena *arena;		/* recipients of the header; or NULL */
};

/* Where it all goes, when it is not the MX of each domain. */
struct smtp_relay {
	const char *host;		/* NULL: MX */
	unsigned port;
	enum conf_tls tls;
	bool verify;
	const char *user, *password;	/* NULL: no AUTH */
	const struct tls_expect *expect;	/* NULL: by tls-ca */
	const struct conf_smarthost *smarthost;	/* its secret is still to be
						 * got, or NULL */
};

struct smtp_job {
	const struct conf *conf;
	const char *hello;		/* our name in EHLO */
	struct smtp_relay relay;
	bool verbose;
	struct smtp_message message;	/* rcpt, nrcpt: all of them */
	struct smtp_result *results;	/* one a recipient */
	char (*hosts)[256];		/* who said it; "" nobody */
};

/* Tells it on stderr. */
_Noreturn void smtp_stop(int status, const char *text);

/* ---- relay.c; all of these end the program when something is wrong */
/*
 * HOST, HOST:PORT, [HOST]:PORT; an IPv6 address needs its brackets. *port
 * stays when there is none.
 */
bool smtp_split_host(struct span text, char host[SMTP_HOST_MOST + 1],
		unsigned *port);
/* "none", "may", "starttls", "tls", and the port where none is said. */
bool smtp_mode(const char *word, enum conf_tls *tls, unsigned *port);
const char *smtp_mode_word(enum conf_tls tls);
/* From the file, or where it is NULL from the terminal, into the room. */
void smtp_get_password(const char *file, const char *user, const char *host,
		struct smtp_room *room);
void smtp_choose_relay(struct smtp_job *job, const struct smtp_options *o,
		struct smtp_room *room);

/* ---- message.c */
/*
 * Standard input as a file: as it is, or copied to one without a name. Fills in
 * fd, start, size, eight_bit. 0 or -1.
 */
int smtp_read_message(const struct conf *conf, struct smtp_message *m,
		struct err *err);

/* ---- header.c: recipients and what is missing, see mime/outgoing.h */
void smtp_header(struct smtp_job *job, const struct smtp_options *o,
		struct smtp_room *room);

/* ---- check.c: --check and --serverinfo; the exit status */
int smtp_check(struct smtp_job *job, const struct smtp_options *o,
		const char *where, struct smtp_room *room);

/* ---- authorize.c */
/* smtp --authorize: the exit status. */
int smtp_authorize(int argc, char **argv);

/* ---- send.c */
/* Blocks until each recipient has its result. -1: could not begin. */
int smtp_send_all(struct smtp_job *job, struct err *err);

#endif
